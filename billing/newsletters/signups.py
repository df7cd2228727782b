"""Signups to newsletters: join, leave, confirm. Every yes and no adds a line of evidence (C6)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.mail.suppressions import key_of
from billing.newsletters.lists import newsletter, newsletters
from billing.newsletters.models import Newsletter, Signup, SignupChange, SignupState
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names
from billing.readers.models import Reader
from billing.readers.register import by_address

TEXT_VERSION = "newsletters-2026-11"


@dataclass(frozen=True, slots=True)
class Person:
    """Who chooses: an address, and its reader, if any."""

    address: str
    reader_id: str | None = None

    @classmethod
    def of(cls, reader: Reader) -> "Person":
        """A reader."""
        return cls(reader.email, reader.id)

    @property
    def key(self) -> str:
        """The mailbox."""
        return key_of(self.address)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a choice came from: page or mail, network address, device."""

    source: str
    ip: str = ""
    device: str = ""


def words(name: str) -> str:
    """The consent text beside a newsletter's box."""
    return f"Send me {name} by mail until I stop it. Each one has a link that stops it at once."


def rows_of(session: Session, person: Person, *, lock: bool = True) -> list[Signup]:
    """All signups of the reader and of the bare address. Locks them, so that two choices at once are made in turn."""
    if lock:
        lock_names(session, f"signup {person.key}")
    bare = sa.and_(col(Signup.reader_id).is_(None), col(Signup.address_key) == person.key)
    mine = sa.or_(col(Signup.reader_id) == person.reader_id, bare) if person.reader_id else bare
    found = select(Signup).where(mine).order_by(col(Signup.newsletter_id), col(Signup.id))
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return list(session.exec(found))


def choices(session: Session, person: Person) -> frozenset[str]:
    """The newsletters that the person receives."""
    return _in_state(session, person, SignupState.CONFIRMED)


def pending(session: Session, person: Person) -> frozenset[str]:
    """The newsletters that await confirmation by mail."""
    return _in_state(session, person, SignupState.PENDING)


def _in_state(session: Session, person: Person, state: SignupState) -> frozenset[str]:
    rows = rows_of(session, person, lock=False)
    return frozenset(row.newsletter_id for row in rows if row.state is state)


def join(ctx: TransactionContext, person: Person, wanted: Iterable[str], origin: Origin) -> list[Newsletter]:
    """Put a person with a verified address on these lists; the new ones. Raises UnknownNewsletter."""
    rows = rows_of(ctx.session, person)
    joined = []
    for name in wanted:
        list_ = newsletter(ctx.session, name)
        row = _row(rows, name)
        if row is not None and row.state is SignupState.CONFIRMED:
            continue
        row = row or _new(person, list_, ctx.at)
        _tick(row, person, list_, ctx.at, origin)
        settle(ctx, row, SignupState.CONFIRMED, origin)
        joined.append(list_)
    return joined


def leave(
    ctx: TransactionContext, person: Person, unwanted: Collection[str] | None, origin: Origin
) -> list[str]:
    """Take a person off these lists, or off all (None); the ids of those left. Idempotent."""
    left = []
    for row in rows_of(ctx.session, person):
        if row.state is SignupState.LEFT or (unwanted is not None and row.newsletter_id not in unwanted):
            continue
        settle(ctx, row, SignupState.LEFT, origin)
        left.append(row.newsletter_id)
    return left


def ask_for(
    ctx: TransactionContext, person: Person, wanted: Iterable[str], ask_id: str, origin: Origin
) -> list[Newsletter]:
    """Record that these lists were ticked for an unverified address; those to confirm. Raises UnknownNewsletter."""
    rows = rows_of(ctx.session, person)
    asked, asked_before = [], {row.ask_id for row in rows if row.ask_id is not None}
    for name in wanted:
        list_ = newsletter(ctx.session, name)
        row = _row(rows, name)
        if row is not None and row.state is SignupState.CONFIRMED:
            continue
        row = row or _new(person, list_, ctx.at)
        _tick(row, person, list_, ctx.at, origin)
        row.state, row.ask_id, row.changed_at = SignupState.PENDING, ask_id, ctx.at
        ctx.session.add(row)
        asked.append(list_)
    obsolete.take_back(ctx.session, asked_before)
    return asked


def settle(
    ctx: TransactionContext, row: Signup, state: SignupState, origin: Origin, message_key: str | None = None
) -> None:
    """Change a signup and add its line of evidence."""
    said_yes = state is SignupState.CONFIRMED
    asked_before = [row.ask_id] if row.ask_id is not None else []
    row.state, row.ask_id, row.changed_at = state, None, ctx.at
    ctx.session.add(row)
    ctx.session.add(
        SignupChange(
            newsletter_id=row.newsletter_id,
            address=row.address,
            address_key=row.address_key,
            reader_id=row.reader_id,
            to_state=state.value,
            at=ctx.at,
            source=origin.source,
            words=row.words if said_yes else "",
            text_version=row.text_version if said_yes else "",
            asked_at=row.asked_at if said_yes else None,
            ip=origin.ip[:64],
            device=origin.device[:300],
            message_key=message_key,
        )
    )
    ctx.session.flush()
    obsolete.take_back(ctx.session, asked_before)


def person_of(session: Session, signup: Signup) -> Person:
    """The person behind a signup, at their present address: its reader, or the reader who registered with the address later, as when
    an issue is sent. Without that, "stop all" would miss what that reader ticked."""
    if signup.reader_id:
        reader = session.get(Reader, signup.reader_id)
    else:
        reader = by_address(session, signup.address)
    return Person.of(reader) if reader else Person(signup.address)


def known(session: Session, names: Iterable[str]) -> list[str]:
    """Those of these ids that are newsletters, each once, in the order of the page."""
    wanted = set(names)
    return [each.id for each in newsletters(session) if each.id in wanted]


def _row(rows: list[Signup], newsletter_id: str) -> Signup | None:
    """The reader's own before that of the bare address."""
    mine = [row for row in rows if row.newsletter_id == newsletter_id]
    return min(mine, key=lambda row: row.reader_id is None, default=None)


def _new(person: Person, list_: Newsletter, at: datetime) -> Signup:
    return Signup(
        id=ids.new("sgn", at),
        newsletter_id=list_.id,
        reader_id=person.reader_id,
        address=person.address,
        address_key=person.key,
        state=SignupState.LEFT,
        asked_at=at,
        words="",
        text_version="",
        source="",
        ip="",
        device="",
        changed_at=at,
    )


def _tick(row: Signup, person: Person, list_: Newsletter, at: datetime, origin: Origin) -> None:
    row.reader_id = row.reader_id or person.reader_id
    row.address, row.address_key = person.address, person.key
    row.asked_at, row.words, row.text_version = at, words(list_.name), TEXT_VERSION
    row.source, row.ip, row.device = origin.source, origin.ip[:64], origin.device[:300]
