"""Deferred revenue: money for days to come, the daily posting of what was earned, and what a refund takes back.

One posting a day in all, not one an invoice. With a million subscriptions that is one row a day, and one statement over the open
deferrals (an index range) instead of a million updates. What an invoice has earned is never stored; it follows from its deferrals
and the day. So a run that was killed, a week late, or repeated posts the same: each day once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.ledger.models import Account, Deferral, RecognitionMark
from billing.ledger.post import Posting, post_many
from billing.platform import bulk
from billing.platform.db import Database, advisory_key, instant
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.rules.periods import start_of_day
from billing.rules.recognition import Spread, Taken, take_back

RECOGNITION = "recognition"
_DAY = timedelta(days=1)
_DAYS_AT_ONCE = 31
_KEY = {"key": advisory_key("recognise revenue")}


def _open_from(session: Session) -> date | None:
    """The first day that isn't recognised; None before the first sale. Sales share this lock, so the day stays open until this
    transaction ends."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:key)"), _KEY)
    through = recognised_through(session)
    return through + _DAY if through else None


def _begin(session: Session, site: Site, first_day: date) -> date:
    """Set the mark at the first sale, unless another transaction was quicker; the first day that isn't recognised."""
    mark = {"id": 1, "through": first_day - _DAY, "next_at": start_of_day(first_day + _DAY, site.zone)}
    session.execute(insert(RecognitionMark).values(**mark).on_conflict_do_nothing())
    return session.exec(select(col(RecognitionMark.through))).one() + _DAY


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice's cents to earn on days to come; `given` when staff gave the days."""

    invoice_id: str
    spread: Spread
    given: bool = False


def defer(session: Session, site: Site, owed: Sequence[Owed]) -> list[int]:
    """Begin to earn them by the day; for each, the cents that are earned already.

    Days before the first unrecognised one count at once: a charge that succeeded on the third try has earned the days before."""
    open_from = _open_from(session) or _begin(session, site, min(due.spread.starts_on for due in owed))
    earned = [due.spread.earned(open_from) for due in owed]
    rows = [
        {
            "invoice_id": due.invoice_id,
            "given": due.given,
            "amount": due.spread.amount,
            "starts_on": due.spread.starts_on,
            "ends_on": due.spread.ends_on,
            "counts_from": max(due.spread.starts_on, open_from),
            "counts_until": due.spread.ends_on,
        }
        for due, already in zip(owed, earned, strict=True)
        if already < due.spread.amount
    ]
    bulk.insert(session, Deferral, rows)
    return earned


def take_back_of(session: Session, invoice_id: str, net: int, *, on: date, wholly: bool) -> tuple[Taken, int]:
    """Stop earning `net` cents of an invoice from the day `on`, unearned cents first; how they split, and the worth of given
    days that end. `wholly`: nothing of the sale is left, so days given with it end too. The caller holds the subscription's
    lock, and posts the result."""
    cut = max(on, _open_from(session) or on)
    rows = session.exec(
        select(Deferral)
        .where(Deferral.invoice_id == invoice_id, Deferral.counts_until > cut)
        .order_by(col(Deferral.id))
        .with_for_update()
    ).all()
    sold = [row for row in rows if not row.given]
    taken = take_back(net, sum(_unearned(row, cut) for row in sold))
    to_take = taken.deferred
    for row in sold:
        to_take -= _shorten(session, row, cut, to_take)
    given = [row for row in rows if row.given and wholly]
    worth = sum(_shorten(session, row, cut, _unearned(row, cut)) for row in given)
    session.flush()
    return taken, worth


def _spread(row: Deferral) -> Spread:
    return Spread(row.amount, row.starts_on, row.ends_on)


def _unearned(row: Deferral, cut: date) -> int:
    spread = _spread(row)
    return spread.earned(row.counts_until) - spread.earned(max(cut, row.counts_from))


def _shorten(session: Session, row: Deferral, cut: date, most: int) -> int:
    """Take up to `most` cents that a deferral has still to earn; how many. The rest is spread over its remaining days."""
    unearned = _unearned(row, cut)
    taken = min(unearned, most)
    if not taken:
        return 0
    first, last = max(cut, row.counts_from), row.counts_until
    row.counts_until = first
    if taken < unearned:
        rest = Deferral(
            invoice_id=row.invoice_id,
            given=row.given,
            amount=unearned - taken,
            starts_on=first,
            ends_on=last,
            counts_from=first,
            counts_until=last,
        )
        session.add(rest)
    return taken


# The same largest remainder as `rules.recognition.Spread.share`, on all open deferrals at once.
_EARNED = sa.text(
    """
    SELECT CAST(day AS date) AS day, CAST(coalesce(sum(
        amount / (ends_on - starts_on)
        + CASE WHEN CAST(day AS date) - starts_on < amount % (ends_on - starts_on) THEN 1 ELSE 0 END
    ), 0) AS bigint) AS cents
    FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day
    LEFT JOIN deferral ON counts_until > CAST(day AS date) AND counts_from <= CAST(day AS date)
    GROUP BY 1 ORDER BY 1
    """
)


def recognised_through(session: Session) -> date | None:
    """The last day whose revenue is earned in the books; None before the first sale."""
    return session.exec(select(col(RecognitionMark.through))).first()


def earned_in_books(session: Session, day: date) -> bool:
    """Whether the books have all revenue that is earned up to the end of this day. Nothing is posted for days on which nothing is
    deferred, so the mark may stay behind."""
    through = recognised_through(session)
    return through is None or through >= day or instant(session, NEXT_DUE) is None


def recognise_due(database: Database, site: Site, at: datetime) -> int:
    """Post what each past day has earned, once; how many days were posted."""
    done = 0
    while True:
        with database.transaction() as session:
            days = recognise(session, site, at)
        stop_point("revenue.recognised")
        if not days:
            return done
        done += days


def recognise(session: Session, site: Site, at: datetime) -> int:
    """Post what the next past days have earned, a month of them at most; how many days."""
    # Waits for open sales and refunds (see `_open_from`): none may count a day as open that is closed here.
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), _KEY)
    mark = session.exec(select(RecognitionMark).execution_options(populate_existing=True)).first()
    if mark is None or mark.next_at > at or instant(session, NEXT_DUE) is None:
        return 0
    first = mark.through + _DAY
    last = min(site.today(at) - _DAY, mark.through + timedelta(days=_DAYS_AT_ONCE))
    earned = session.execute(_EARNED, {"first": first, "last": last}).all()
    post_many(session, [_posting(day, cents, at) for day, cents in earned if cents])
    mark.through, mark.next_at = last, start_of_day(last + 2 * _DAY, site.zone)
    return (last - first).days + 1


def _posting(day: date, cents: int, at: datetime) -> Posting:
    lines = {Account.DEFERRED_REVENUE: cents, Account.REVENUE: -cents}
    return Posting(RECOGNITION, day.isoformat(), at, day, lines)


NEXT_DUE = "SELECT next_at FROM recognition_mark WHERE EXISTS (SELECT FROM deferral WHERE counts_until > through + 1)"
"""When the next day to recognise is over; null while nothing is deferred (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """The day that is recognised next, for people."""
    through = recognised_through(session)
    return f"the revenue earned on {through + _DAY:%-d %B} is posted" if through else "nothing"
