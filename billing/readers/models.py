"""Tables about readers: accounts, sign-in, sessions, consents and rate limits."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.readers.links import MailedLink


class Reader(SQLModel, table=True):
    """A person with an address. Free registration makes one; so does a trial."""

    __table_args__ = (
        sa.Index("reader_address", sa.text("lower(email)"), unique=True),
        sa.Index("reader_created", "created_at", "id"),
        sa.Index("reader_address_parts", sa.text("trigrams(email)"), postgresql_using="gin"),
        sa.Index("reader_merged_into", "merged_into", postgresql_where=sa.text("merged_into IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    email: str
    external_id: str | None = Field(default=None, unique=True)
    """The publisher's own id for this reader, if it has one."""
    language: str | None = None
    """The code of the language that the reader chose, or came with; empty: the publication's own."""
    created_at: datetime
    address_proved_at: datetime | None = None
    """When a mailed link was first used. Earlier sessions end then: an address typed by a stranger opens nothing."""
    merged_into: str | None = Field(default=None, foreign_key="reader.id")
    """The account that has all that this one had, where staff found that both are one person's. This one is empty then, and has
    neither an address nor a session. Never itself a merged account."""


class SignInLink(MailedLink, table=True):
    """A request to sign in. Works once, for ten minutes, in the browser that asked (SEC-1)."""

    __tablename__ = "sign_in_link"
    __table_args__ = (sa.Index("sign_in_link_made", "created_at"),)

    email: str
    """The reader of this address's mail signs in. An address we don't know yet is registered, free."""


class ReaderSession(SQLModel, table=True):
    """A signed-in browser: 90 days idle, 180 in all, ended by signing out (SEC-3)."""

    __tablename__ = "reader_session"
    __table_args__ = (sa.Index("reader_session_begun", "started_at"),)

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    started_at: datetime
    seen_at: datetime
    times_seen: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """How often it came, an hour or more apart. What was read isn't kept (PW-13)."""
    ended_at: datetime | None = None
    ended_reason: str | None = None
    """`limit` when another browser took its place; `proved` when the address was proved elsewhere, and not here; empty when the
    reader signed out."""
    ip: str
    device: str
    browser_hash: str | None = Field(default=None, index=True)
    """Of the browser's own cookie, which outlives the session: by it the browser is recognised."""
    email_verified: bool = Field(default=False)
    """Whether it began with a mailed link or a passkey. A session that began with a new address's trial has proved nothing yet."""


class PasskeyColumns(SQLModel):
    """A key on a device or in a password manager, with which its owner signs in (WebAuthn). We have its public half."""

    id: str = Field(primary_key=True)
    credential_id: str = Field(unique=True)
    """What the device calls it, in base64url."""
    public_key: bytes
    """As COSE."""
    sign_count: int = Field(sa_type=sa.BigInteger)
    """How often the device has used it, by its own count; 0 for one that doesn't count. Below the last one it is a copy."""
    name: str
    """What the owner calls it."""
    transports: str
    """How the device can be reached, as it said, separated by spaces."""
    backed_up: bool
    """Whether a password manager keeps it for several devices."""
    created_at: datetime
    last_used_at: datetime | None = None


class Passkey(PasskeyColumns, table=True):
    """A reader's."""

    reader_id: str = Field(foreign_key="reader.id", index=True)


class ConsentText(SQLModel, table=True):
    """The exact words of consents, by hash, each sentence once (CARD-1). Append-only."""

    __tablename__ = "consent_text"

    text_hash: str = Field(primary_key=True)
    text_version: str
    words: str
    first_used_at: datetime


class Consent(SQLModel, table=True):
    """What a reader agreed to, in which words, at what price: evidence (CARD-1, CPA-1). Append-only."""

    __table_args__ = (
        sa.Index("consent_of_nobody", "accepted_at", postgresql_where=sa.text("reader_id IS NULL")),
    )

    id: str = Field(primary_key=True)
    reader_id: str | None = Field(default=None, foreign_key="reader.id", index=True)
    email: str
    kind: str
    text_version: str
    text_hash: str
    amount: int
    """The price agreed to, in cents, VAT included."""
    currency: str = "ZAR"
    first_charge_on: date
    accepted_at: datetime
    ip: str
    device: str


class RateCount(SQLModel, table=True):
    """How often something was tried in a window of time (SEC-8)."""

    __tablename__ = "rate_count"
    __table_args__ = (sa.Index("rate_count_window", "window_start"),)

    bucket: str = Field(primary_key=True)
    """A keyed hash of what is counted: no mail or network address is kept in clear."""
    window_start: datetime = Field(primary_key=True)
    tries: int
