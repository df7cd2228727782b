"""Write down what staff and programs did for readers, and what they were refused. Lines are never changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform.actors import WORKER, StaffActor, acted_by, ip_of, is_actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.logs import log_event
from billing.rules.card_numbers import without_card_numbers
from billing.staff.audit_words import words_fit
from billing.staff.models import AuditLine, Outcome, StaffMember

LONGEST_REASON = 300
_AT_ONCE = 500
Change = tuple[dict[str, Any], dict[str, Any]]
"""What was, and what is now, as JSON values."""


class NeedsReason(Invalid):
    """Say why; the reason is kept with what you do."""

    code = "change_needs_reason"


def takeover(ctx: TransactionContext) -> None:
    """A worker saw that this database took over from a failed server, and adopted it."""
    write(ctx.acting_as(WORKER), "take_over_database")


def of(member: StaffMember, ip: str) -> StaffActor:
    """A staff member as an actor."""
    return StaffActor(member.email, member.id, ip)


class AuditDetails(TypedDict, total=False):
    """What a line says besides who, when and which act; see the columns of `AuditLine`."""

    outcome: Outcome
    reader_id: str | None
    subject: str | None
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    cents: int
    days: int


def write(ctx: TransactionContext, act: str, **details: Unpack[AuditDetails]) -> AuditLine:
    """Add a line, in the transaction of the act itself. `before` and `after` hold JSON values."""
    line = AuditLine(
        at=ctx.at,
        staff_id=staff_id_of(ctx.actor),
        **acted_by(ctx.actor),
        act=act,
        ip=ip_of(ctx.actor)[:64],
        **details,
    )
    ctx.session.add(line)
    ctx.session.flush()
    outcome = line.outcome
    log_event(
        ctx.session,
        f"staff {act} {outcome}",
        line=line.id,
        by=str(ctx.actor),
        reader=line.reader_id,
        on=line.subject,
    )
    return line


def reasoned(
    ctx: TransactionContext, act: str, reason: str, do: Callable[[], Change], *, subject: str | None = None
) -> dict[str, Any]:
    """Change what concerns all readers, and add its line: the reason on one line, at most 300 characters, without card numbers.

    Returns what is now. Raises NeedsReason before anything is done, and what `do` raises."""
    reason = clean_reason(reason)
    if not reason:
        raise NeedsReason
    before, after = do()
    write(ctx, act, subject=subject, reason=reason, before=before, after=after)
    return after


def differing(before: dict[str, Any], after: dict[str, Any]) -> Change:
    """Those of the facts that became others, as they were and as they are."""
    names = [name for name in after if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def clean_reason(reason: str) -> str:
    """A typed reason as it is kept: on one line, at most 300 characters, without card numbers; empty where none was typed."""
    return without_card_numbers(" ".join(reason.split()))[:LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines of the audit to find; an empty field doesn't matter."""

    words: str = ""
    """Words that all stand in the act, its code or its words, its reason, its subject, or what was before and after; "in quotes"
    together."""
    who: str = ""
    """A part of the staff member's address, or of a key's name."""
    reader_id: str = ""
    act: str = ""
    since: datetime | None = None
    before: datetime | None = None
    refused_only: bool = False


def search(session: Session, sought: Sought, *, limit: int, older_than: int | None = None) -> list[AuditLine]:
    """Lines that fit, newest first; `older_than` is the last id of the page before."""
    query = select(AuditLine).where(*_fits(sought, older_than))
    return list(session.exec(query.order_by(col(AuditLine.id).desc()).limit(limit)))


def count(session: Session, sought: Sought) -> int:
    """How many lines fit."""
    return session.exec(select(sa.func.count()).select_from(AuditLine).where(*_fits(sought))).one()


def stream(session: Session, sought: Sought, *, older_than: int | None = None) -> Iterator[AuditLine]:
    """All lines that fit, newest first, a few hundred at a time."""
    query = select(AuditLine).where(*_fits(sought, older_than)).order_by(col(AuditLine.id).desc())
    yield from session.exec(query, execution_options={"yield_per": _AT_ONCE})


def _fits(sought: Sought, older_than: int | None = None) -> Iterator[sa.ColumnElement[bool]]:
    if sought.words:
        yield words_fit(sought.words)
    if sought.who:
        actor = sa.func.concat(AuditLine.actor_kind, ":", AuditLine.actor_id)
        yield actor.icontains(sought.who, autoescape=True)
    if sought.reader_id:
        yield col(AuditLine.reader_id) == sought.reader_id
    if sought.act:
        yield col(AuditLine.act) == sought.act
    if sought.since is not None:
        yield col(AuditLine.at) >= sought.since
    if sought.before is not None:
        yield col(AuditLine.at) < sought.before
    if sought.refused_only:
        yield col(AuditLine.outcome) == Outcome.REFUSED
    if older_than is not None:
        yield col(AuditLine.id) < older_than


def acts(session: Session) -> list[str]:
    """Every act that the audit knows, for the search form."""
    return list(session.exec(select(AuditLine.act).distinct().order_by(AuditLine.act)))


def refused(ctx: TransactionContext, act: str, *, reason: str, asked: str) -> None:
    """Write down what a program was refused, once an hour, whatever it goes on to try."""
    if not _is_recent(ctx, act, *is_actor(AuditLine, ctx.actor), AuditLine.outcome == Outcome.REFUSED):
        write(ctx, act, outcome=Outcome.REFUSED, reason=reason, after={"asked": asked})


def note_page_opened(ctx: TransactionContext, reader_id: str) -> None:
    """Write down that a member opened a reader's page, once an hour."""
    of_member = AuditLine.staff_id == staff_id_of(ctx.actor)
    if not _is_recent(ctx, "open", of_member, AuditLine.reader_id == reader_id):
        write(ctx, "open", reader_id=reader_id)


def _is_recent(ctx: TransactionContext, act: str, *which: sa.ColumnElement[bool] | bool) -> bool:
    an_hour_ago = ctx.at - timedelta(hours=1)
    found = select(AuditLine.id).where(AuditLine.act == act, AuditLine.at > an_hour_ago, *which)
    return ctx.session.exec(found.limit(1)).first() is not None
