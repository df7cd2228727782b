"""Signups to newsletters: join, leave, confirm. Every yes and no adds a line of evidence (C6)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.mail.suppressions import key_of
from billing.newsletters.lists import newsletter, newsletters, require_published
from billing.newsletters.models import Newsletter, Signup, SignupChange, SignupState
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names
from billing.readers.models import Reader
from billing.readers.register import by_address

TEXT_VERSION = "newsletters-2026-11"


@dataclass(frozen=True, slots=True)
class Person:
    """The person who chooses: an address, and its reader, if any."""

    address: str
    reader_id: str | None = None

    @classmethod
    def of(cls, reader: Reader) -> "Person":
        """The person that a reader is."""
        return cls(reader.email, reader.id)

    @property
    def key(self) -> str:
        """The mailbox of the address."""
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
    if lock:  # the name too: there may be no row yet
        lock_names(session, f"signup {person.key}")
    bare = sa.and_(col(Signup.reader_id).is_(None), col(Signup.address_key) == person.key)
    mine = sa.or_(col(Signup.reader_id) == person.reader_id, bare) if person.reader_id else bare
    found = select(Signup).where(mine).order_by(col(Signup.newsletter_id), col(Signup.id))
    if lock:  # the session's copies may be older than the lock
        found = found.with_for_update().execution_options(populate_existing=True)
    return list(session.exec(found))


def choices(session: Session, person: Person) -> frozenset[str]:
    """The newsletters that the person receives."""
    return states(session, person)[SignupState.CONFIRMED]


def states(session: Session, person: Person) -> dict[SignupState, frozenset[str]]:
    """The newsletters that the person receives, has left, or has yet to confirm by mail."""
    rows = rows_of(session, person, lock=False)
    return {
        state: frozenset(row.newsletter_id for row in rows if row.state is state) for state in SignupState
    }


def join(ctx: TransactionContext, person: Person, wanted: Iterable[str], origin: Origin) -> list[Newsletter]:
    """Put a person with a verified address on these lists. Returns the new ones. Raises UnknownNewsletter,
    RetiredNewsletter."""
    joined = []
    for row, list_ in _ticked(ctx, person, wanted, origin):
        settle(ctx, row, SignupState.CONFIRMED, origin)
        joined.append(list_)
    return joined


def leave(
    ctx: TransactionContext, person: Person, unwanted: Collection[str] | None, origin: Origin
) -> list[str]:
    """Take a person off these lists, or off all (None). Returns the ids of the lists left. Idempotent."""
    left = []
    for row in rows_of(ctx.session, person):
        if row.state is SignupState.LEFT or (unwanted is not None and row.newsletter_id not in unwanted):
            continue
        settle(ctx, row, SignupState.LEFT, origin)
        left.append(row.newsletter_id)
    return left


def ask_for(
    ctx: TransactionContext,
    person: Person,
    wanted: Iterable[str],
    ask_id: str,
    origin: Origin,
    renewed: Collection[str] = (),
) -> list[Newsletter]:
    """Record that these lists were ticked and a mail must confirm them. Returns those to confirm. Raises UnknownNewsletter,
    RetiredNewsletter.

    `renewed`: those that are asked again though they are confirmed, because the address is suppressed."""
    asked, replaced = [], set[str]()
    for row, list_ in _ticked(ctx, person, wanted, origin, renewed):
        if row.ask_id is not None:
            replaced.add(row.ask_id)
        row.state, row.ask_id, row.changed_at = SignupState.PENDING, ask_id, ctx.at
        ctx.session.add(row)
        asked.append(list_)
    obsolete.take_back(ctx.session, replaced)
    return asked


def _ticked(
    ctx: TransactionContext,
    person: Person,
    wanted: Iterable[str],
    origin: Origin,
    renewed: Collection[str] = (),
) -> Iterator[tuple[Signup, Newsletter]]:
    """Each of these lists that isn't confirmed yet, with its signup, new or not, as ticked now."""
    rows = rows_of(ctx.session, person)
    for name in wanted:
        list_ = newsletter(ctx.session, name)
        of_list = [row for row in rows if row.newsletter_id == name]
        # the reader's own before that of the bare address
        row = min(of_list, key=lambda row: row.reader_id is None, default=None)
        if row is not None and row.state is SignupState.CONFIRMED and name not in renewed:
            continue
        require_published([list_])
        values: dict[str, Any] = {
            "reader_id": (row.reader_id if row else None) or person.reader_id,
            "address": person.address,
            "address_key": person.key,
            "asked_at": ctx.at,
            "words": words(list_.name),
            "text_version": TEXT_VERSION,
            "source": origin.source,
            "ip": origin.ip[:64],
            "device": origin.device[:300],
        }
        if row is None:
            values |= {"newsletter_id": name, "state": SignupState.LEFT, "changed_at": ctx.at}
            row = Signup(id=ids.new("sgn", ctx.at), **values)
        else:
            row.sqlmodel_update(values)
        yield row, list_


def settle(
    ctx: TransactionContext, row: Signup, state: SignupState, origin: Origin, message_key: str | None = None
) -> None:
    """Change a signup and add its line of evidence."""
    said_yes = state is SignupState.CONFIRMED
    replaced = [row.ask_id] if row.ask_id is not None else []
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
    obsolete.take_back(ctx.session, replaced)


def person_of(session: Session, signup: Signup) -> Person:
    """The person behind a signup, at their present address: its reader, or the reader who registered with the address later.
    Otherwise "stop all" would miss what that reader ticked."""
    if signup.reader_id:
        reader = session.get(Reader, signup.reader_id)
        if reader is not None and reader.merged_into is not None:
            reader = session.get(Reader, reader.merged_into)
    else:
        reader = by_address(session, signup.address)
    return Person.of(reader) if reader else Person(signup.address)


def known(session: Session, names: Iterable[str]) -> list[str]:
    """The ids among these that are newsletters, each once, in the order of the page."""
    wanted = set(names)
    return [list_.id for list_ in newsletters(session) if list_.id in wanted]
