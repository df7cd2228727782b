"""The table of suppressions."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column


class SuppressionReason(StrEnum):
    """Why mail to an address is stopped."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    STAFF = "staff"
    REGISTER = "register"
    """The national register of people who want no direct marketing (C4)."""
    DECEASED = "deceased"
    """The reader has died (see `readers/deceased`)."""


class Suppression(SQLModel, table=True):
    """Stops some or all mail to an address. Kept as a keyed hash; never deleted, only lifted (B6)."""

    __table_args__ = (
        sa.Index(
            "one_standing_suppression",
            "address_digest",
            "scope",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    address_digest: str
    scope: str
    """`all`, `newsletters`, or one list as `newsletter:<id>`. Receipts and notices know only `all`."""
    reason: SuppressionReason = Field(sa_column=enum_column(SuppressionReason))
    source: str
    """The name of the report, or the member of staff."""
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
