"""The tables of the brand and of the legal documents."""

from datetime import datetime
from typing import Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

EMPTY = {"server_default": ""}


class StoredBrand(SQLModel, table=True):
    """The one row with what the publisher changed of its looks and words. Where a column is empty, the default is shown."""

    __tablename__ = "brand"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("accent ~ '^(#[0-9a-f]{6})?$'", name="accent_is_a_colour"),
        sa.CheckConstraint("accent_dark ~ '^(#[0-9a-f]{6})?$'", name="accent_dark_is_a_colour"),
        sa.CheckConstraint("length(svg_logo) <= 32768 AND length(png_logo) <= 32768", name="small_logos"),
    )

    id: int = Field(default=1, primary_key=True)
    version: int
    """Counts the changes. A form that was opened before the last one is refused."""
    changed_at: datetime
    accent: str = Field(default="", sa_column_kwargs=EMPTY)
    """The colour of links and buttons on a light page, `#8a3413`."""
    accent_dark: str = Field(default="", sa_column_kwargs=EMPTY)
    """The same on a dark page; empty: the nearest shade of `accent` that can be read there."""
    tagline: str = Field(default="", sa_column_kwargs=EMPTY)
    benefits: list[str] = Field(
        default_factory=list, sa_column=sa.Column(JSONB, nullable=False, server_default="[]")
    )
    """What a subscription gives, a line each, on the offer."""
    footer: str = Field(default="", sa_column_kwargs=EMPTY)
    mail_footer: str = Field(default="", sa_column_kwargs=EMPTY)
    support_email: str = Field(default="", sa_column_kwargs=EMPTY)
    support_hours: str = Field(default="", sa_column_kwargs=EMPTY)
    svg_logo: bytes = Field(default=b"", sa_column_kwargs=EMPTY)
    png_logo: bytes = Field(default=b"", sa_column_kwargs=EMPTY)

    @classmethod
    def default(cls, at: datetime) -> Self:
        """What is shown before the first change."""
        return cls(version=0, changed_at=at)


class LegalDocument(SQLModel, table=True):
    """A version of the terms, the privacy notice or the refund policy: its text, or the page that holds it. Append-only: consents
    name the versions that were shown, and their words must stay readable (ECT-1)."""

    __tablename__ = "legal_document"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('terms', 'privacy', 'refunds')", name="known_kind"),
        sa.CheckConstraint("(words = '') <> (url = '')", name="a_text_or_a_page"),
    )

    kind: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    """Counts the versions of a kind from 1; the highest is in force."""
    published_at: datetime
    text_hash: str
    """SHA-256 of the text, or of the page's address."""
    words: str = Field(default="", sa_column_kwargs=EMPTY)
    """Markdown."""
    url: str = Field(default="", sa_column_kwargs=EMPTY)
