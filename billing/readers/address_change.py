"""Changes of a reader's address: each request, its confirmation and its stop. The rows are the history of the addresses."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from billing.platform.actors import ActedBy, ActorKind
from billing.readers.links import Links, MailedLink
from billing.readers.models import Reader
from billing.rules.worded import WordedEnum

PURPOSE = "address"
STOP = "address-stop"
LIFE = timedelta(hours=1)
"""How long a reader has to confirm the new address."""
LIFE_FOR_STAFF = timedelta(days=3)
"""The same where staff or a program began: the reader may be on the phone, or read the mail the day after."""
STOP_LIFE = timedelta(days=7)
"""How long the old address can put itself back."""
CUSTOMER_DUE = "customer_due_at IS NOT NULL"
"""SQL: the acquirer doesn't have the address yet."""


class ChangeState(WordedEnum):
    """How far a change has come; each member's `words` say it to staff."""

    WAITING = "waiting", "waits for the new address to confirm it"
    EXPIRED = "expired", "never confirmed"
    REPLACED = "replaced", "a newer request took its place"
    CONFIRMED = "confirmed", "done"
    STOPPED = "stopped", "stopped before it was confirmed"
    PUT_BACK = "put_back", "stopped, and the old address put back"
    NOT_PUT_BACK = "not_put_back", "stopped, but the old address has another account: see its case"


class AddressChange(ActedBy, MailedLink, table=True):
    """A request for another address. The link and code in the mail to the new address confirm it; `used_at` says that they are spent."""

    __tablename__ = "address_change"
    __table_args__ = (
        sa.Index("address_change_of", "reader_id", "id"),
        sa.Index("address_change_old", sa.text("lower(old_email)")),
        sa.Index("address_change_new", sa.text("lower(new_email)")),
        sa.Index(
            "address_change_unconfirmed", "created_at", postgresql_where=sa.text("confirmed_at IS NULL")
        ),
        sa.Index("address_change_due", "customer_due_at", postgresql_where=sa.text(CUSTOMER_DUE)),
    )

    reader_id: str = Field(foreign_key="reader.id")
    old_email: str
    new_email: str
    confirmed_at: datetime | None = None
    stopped_at: datetime | None = None
    """When the owner of the old address stopped it."""
    put_back_at: datetime | None = None
    """When the old address became the reader's again. Empty where it had another account by then: staff have a case."""
    customer_due_at: datetime | None = None
    """When to send the address to the acquirer, or to try again; None once it is there."""
    tries: int = Field(default=0)

    def state(self, at: datetime) -> ChangeState:
        """How it stands at that instant."""
        if self.stopped_at is not None:
            if self.confirmed_at is None:
                return ChangeState.STOPPED
            return ChangeState.PUT_BACK if self.put_back_at is not None else ChangeState.NOT_PUT_BACK
        if self.confirmed_at is not None:
            return ChangeState.CONFIRMED
        if self.used_at is not None:
            return ChangeState.REPLACED
        return ChangeState.WAITING if at <= self.expires_at else ChangeState.EXPIRED

    @property
    def stops_until(self) -> datetime:
        """Until when the old address can stop it."""
        return (self.confirmed_at or self.expires_at) + STOP_LIFE

    @property
    def by_reader(self) -> bool:
        """Whether the reader asked on our pages. Then it is confirmed in the browser that asked, and in no other."""
        return self.actor_kind is ActorKind.READER


LINKS = Links(AddressChange, PURPOSE, "reader_id", "/account/address/link", "adc")


def of_reader(session: Session, reader_id: str) -> Sequence[AddressChange]:
    """All changes of a reader, oldest first."""
    rows = select(AddressChange).where(AddressChange.reader_id == reader_id).order_by(col(AddressChange.id))
    return session.exec(rows).all()


def waiting(session: Session, reader_id: str) -> Sequence[AddressChange]:
    """The links of a reader that aren't spent. Locks them."""
    rows = select(AddressChange).where(
        AddressChange.reader_id == reader_id, col(AddressChange.used_at).is_(None)
    )
    return session.exec(rows.order_by(col(AddressChange.id)).with_for_update()).all()


def waiting_of(session: Session, reader_id: str, at: datetime) -> AddressChange | None:
    """The change that waits for its confirmation."""
    found = (
        select(AddressChange)
        .where(
            AddressChange.reader_id == reader_id,
            col(AddressChange.used_at).is_(None),
            col(AddressChange.stopped_at).is_(None),
            col(AddressChange.expires_at) >= at,
        )
        .order_by(col(AddressChange.id).desc())
    )
    return session.exec(found.limit(1)).first()


def moved_from(session: Session, address: str, at: datetime) -> AddressChange | None:
    """The change by which an address stopped being a reader's a few days ago, while it can still be stopped."""
    found = (
        select(AddressChange)
        .where(
            sa.func.lower(AddressChange.old_email) == address.lower(),
            col(AddressChange.confirmed_at) > at - STOP_LIFE,
            col(AddressChange.stopped_at).is_(None),
        )
        .order_by(col(AddressChange.id).desc())
    )
    return session.exec(found.limit(1)).first()


def earlier_addresses(session: Session, reader: Reader) -> list[str]:
    """Addresses in lower case that were the reader's and are nobody else's now."""
    had = {
        address.lower()
        for row in of_reader(session, reader.id)
        if row.confirmed_at is not None
        for address in (row.old_email, row.new_email)
    } - {reader.email.lower()}
    taken = sa.func.lower(Reader.email)
    others = session.exec(select(taken).where(taken.in_(had))).all() if had else []
    return sorted(had - set(others))
