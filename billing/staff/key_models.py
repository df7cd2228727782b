"""Tables about API keys."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class ApiKey(SQLModel, table=True):
    """A key for machine calls. Only its hash is kept; it is shown once, when it is made."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    name: str
    key_hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    created_at: datetime
    revoked_at: datetime | None = None
