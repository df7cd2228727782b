"""Tables of the mails that tell staff what waits."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class AlertChoice(SQLModel, table=True):
    """Whether a member wants a kind of alert, where they have chosen. Without a row the role decides."""

    __tablename__ = "staff_alert_choice"

    staff_id: str = Field(primary_key=True, foreign_key="staff_member.id")
    kind: str = Field(primary_key=True)
    """One of `AlertKind`; text without a CHECK, so that a new kind needs no migration."""
    wanted: bool
    chosen_at: datetime


class StaffAlert(SQLModel, table=True):
    """Something that members were mailed about, once. What begins anew, such as a reply to a request, has a row of its own."""

    __tablename__ = "staff_alert"
    __table_args__ = (sa.Index("staff_alert_at", "at"),)

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    """Id of the case, the dispute or the request."""
    since: datetime = Field(primary_key=True)
    """When the case opened, the reader began to wait, or the answer is due."""
    at: datetime
