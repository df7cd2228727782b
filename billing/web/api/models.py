"""Tables of the HTTP surface."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class StoredAnswer(SQLModel, table=True):
    """The answer to an Idempotency-Key: a repeated call is answered with it."""

    __tablename__ = "api_answer"
    __table_args__ = (sa.Index("api_answer_given", "created_at"),)

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    idempotency_key: str = Field(primary_key=True)
    request_hash: str
    created_at: datetime
    status: int
    body: str
