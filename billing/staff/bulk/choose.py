"""Choose the readers of an act on many: a pasted list, a filter of staff's lists, or all whom an outage touched. The list is frozen before anybody looks at it.

All but a pasted list is listed in pages by id, each in a transaction of its own: a crash loses nothing, and repeats nothing."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access.entitlements_at import entitlements_at
from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.readers.models import Reader
from billing.readers.register import ids_of_external
from billing.rules.access import Reason
from billing.staff.bulk.models import BulkAction, BulkKind, BulkLine, LineState
from billing.staff.lists import names as list_names
from billing.staff.lists import readers, subscriptions
from billing.staff.lists.fields import Filter
from billing.staff.lists.kinds import LISTS, ListName
from billing.subscriptions.models import Subscription

PAGE = 500
"""Readers that are listed in one transaction."""
MOST_PASTED = 5000
_BETWEEN = re.compile(r"[\s,;<>\"']+")
_PAID = frozenset({Reason.SUBSCRIPTION, Reason.TRIAL})


class ChosenBy(StrEnum):
    """How readers are chosen."""

    LIST = "list"
    ENTITLED = "entitled"
    """Whose subscription or trial let them read at any moment of a time."""
    CHARGED = "charged"
    """Who was charged in a time."""
    FILTER = "filter"
    """Who fits a filter of staff's lists."""


class NobodyChosen(Invalid):
    """Choose at least one reader."""

    code = "nobody_chosen"


class TooManyPasted(Invalid):
    """At most 5000 readers can be pasted at once."""

    code = "too_many_pasted"


class NoSuchFilter(Invalid):
    """That filter can't be read. Go back to the list, and choose again."""

    code = "bad_filter"


class NoSuchTime(Invalid):
    """Give two moments that have passed, the later one second."""

    code = "bad_time"


@dataclass(frozen=True, slots=True)
class Pasted:
    """The readers of a pasted list, once each, and the entries that fit nobody."""

    reader_ids: tuple[str, ...]
    unknown: tuple[str, ...]


def read_pasted(session: Session, text: str) -> Pasted:
    """Find the readers of a list of ids, mail addresses and external ids. A merged account stands for the one that stays.

    Raises NobodyChosen, TooManyPasted."""
    entries = list(dict.fromkeys(entry for entry in _BETWEEN.split(text) if entry))
    if not entries:
        raise NobodyChosen
    if len(entries) > MOST_PASTED:
        raise TooManyPasted
    found = {**ids_of_external(session, entries), **_by_id(session, entries), **_by_address(session, entries)}
    ids = dict.fromkeys(found[entry] for entry in entries if entry in found)
    return Pasted(tuple(ids), tuple(entry for entry in entries if entry not in found))


def _by_id(session: Session, entries: Iterable[str]) -> dict[str, str]:
    asked = [entry for entry in entries if entry.startswith("rdr_")]
    stays = sa.func.coalesce(Reader.merged_into, Reader.id)
    return dict(session.exec(select(Reader.id, stays).where(bulk.one_of(Reader.id, asked))).all())


def _by_address(session: Session, entries: Iterable[str]) -> dict[str, str]:
    by_lower: dict[str, list[str]] = {}
    for entry in entries:
        if "@" in entry:
            by_lower.setdefault(entry.lower(), []).append(entry)
    address = sa.func.lower(Reader.email)
    rows = session.exec(select(address, Reader.id).where(address.in_(by_lower))).all()
    return {entry: reader_id for lower, reader_id in rows for entry in by_lower[lower]}


def in_time(by: ChosenBy, since: datetime, until: datetime, at: datetime) -> dict[str, Any]:
    """A selection by a time. Raises NoSuchTime."""
    if not since < until <= at:
        raise NoSuchTime
    return {"by": by.value, "since": since.isoformat(), "until": until.isoformat()}


def by_filter(ctx: TransactionContext, of: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A selection by a filter of a list of readers or subscriptions, as it was written. Raises NoSuchFilter."""
    wanted, words = _read_filter(ctx, of, query)
    return {"by": ChosenBy.FILTER.value, "of": of, "query": wanted.write(), "words": words or "all of them"}


def _read_filter(ctx: TransactionContext, of: str, query: Mapping[str, str]) -> tuple[Filter, str]:
    if of not in READERS_OF:
        raise NoSuchFilter
    names = list_names.of_lists(ctx.session)
    wanted, wrong = LISTS[ListName(of)].filter.read(query, names)
    if wrong:
        raise NoSuchFilter
    return wanted, wanted.words(names)


READERS_OF: Mapping[str, Callable[[TransactionContext, Any], sa.Select[str]]] = {
    ListName.READERS: readers.reader_ids,
    ListName.SUBSCRIPTIONS: subscriptions.reader_ids,
}
"""The lists whose readers can be acted on."""


def span_of(action: BulkAction) -> tuple[datetime, datetime] | None:
    """The two moments of a selection by time."""
    chosen = action.selection
    if "since" not in chosen:
        return None
    return datetime.fromisoformat(chosen["since"]), datetime.fromisoformat(chosen["until"])


def add(session: Session, action: BulkAction, subjects: Iterable[tuple[str, str, str | None]]) -> None:
    """Add lines: subject, reader and charge of each. One that stands there already stays."""
    rows = [
        {
            "action_id": action.id,
            "subject": subject,
            "reader_id": reader_id,
            "payment_id": payment_id,
            "state": LineState.CHOSEN,
            "cents": 0,
            "days": 0,
            "words": "",
            "tries": 0,
        }
        for subject, reader_id, payment_id in subjects
    ]
    bulk.insert(session, BulkLine, rows, unless="action_id, subject")


def list_next(ctx: TransactionContext, action: BulkAction, most: int) -> tuple[int, bool]:
    """List the next page of a selection by time, of `most` rows; how many were looked at, and whether that was the last page.

    The caller has locked the action."""
    span = span_of(action)
    rows = _fitting(ctx, action, most) if span is None else _in_span(ctx.session, action, span, most)
    if rows:
        action.chosen_through = rows[-1][0]
    looked_at = len(rows)
    if span is not None and action.selection["by"] == ChosenBy.ENTITLED:
        rows = [row for row in rows if was_entitled(ctx, row[1], *span)]
    add(ctx.session, action, rows)
    return looked_at, looked_at < most


def _fitting(ctx: TransactionContext, action: BulkAction, most: int) -> "Rows":
    chosen = action.selection
    wanted, _ = _read_filter(ctx, chosen["of"], chosen["query"])
    (reader_id,) = READERS_OF[chosen["of"]](ctx, wanted).subquery().c
    next_ids = sa.select(reader_id).distinct().where(reader_id > action.chosen_through)
    found = ctx.session.execute(next_ids.order_by(reader_id).limit(most)).scalars()
    return [(each, each, None) for each in found]


def _in_span(session: Session, action: BulkAction, span: tuple[datetime, datetime], most: int) -> "Rows":
    """Charges of the time where charges go back; else who paid them, or whose subscription ran."""
    if action.selection["by"] != ChosenBy.CHARGED:
        return _page(session, _SUBSCRIBED, action, span, most)
    return _page(session, _CHARGED if action.kind is BulkKind.REFUND else _PAYERS, action, span, most)


Rows = list[tuple[str, str, str | None]]
_CHARGED = sa.text(
    "SELECT id, reader_id, id FROM payment WHERE paid_at >= :since AND paid_at < :until AND id > :after ORDER BY id LIMIT :most"
)
_PAYERS = sa.text(
    "SELECT DISTINCT reader_id, reader_id, CAST(NULL AS text) FROM payment"
    " WHERE paid_at >= :since AND paid_at < :until AND reader_id > :after ORDER BY reader_id LIMIT :most"
)
_SUBSCRIBED = sa.text(
    "SELECT DISTINCT reader_id, reader_id, CAST(NULL AS text) FROM subscription"
    " WHERE reader_id > :after AND started_at < :until AND (ended_at IS NULL OR ended_at > :since)"
    " ORDER BY reader_id LIMIT :most"
)
"""Readers with a subscription that had begun and hadn't ended; `was_entitled` decides about each."""


def _page(
    session: Session, query: sa.TextClause, action: BulkAction, span: tuple[datetime, datetime], most: int
) -> Rows:
    given = {"since": span[0], "until": span[1], "after": action.chosen_through, "most": most}
    return [(row[0], row[1], row[2]) for row in session.connection().execute(query, given)]


def was_entitled(ctx: TransactionContext, reader_id: str, since: datetime, until: datetime) -> bool:
    """Whether a subscription or a trial let the reader read at the beginning or the end of the time, or from a start within it."""
    starts = ctx.session.exec(
        select(Subscription.started_at).where(
            Subscription.reader_id == reader_id, col(Subscription.started_at).between(since, until)
        )
    )
    return any(
        held.reason in _PAID
        for moment in (since, until, *starts)
        for held in entitlements_at(ctx.moved_to(moment), reader_id).held
    )
