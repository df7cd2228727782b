"""Merge two accounts of one person: what that does, what stands in its way, and doing it in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg.errors import LockNotAvailable
from sqlmodel import Session, col, select

from billing.access.meter import month_of
from billing.newsletters.models import Newsletter, Signup, SignupState
from billing.newsletters.signups import Origin, settle
from billing.notices.merge import accounts_merged
from billing.personal_data.ask import CARD_PAGE_OPEN, CHARGING, AlreadyErased, open_of
from billing.personal_data.merge_models import ReaderMerge
from billing.personal_data.merge_register import MOVED
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import span
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.readers import deceased
from billing.readers.address_change import STOP_LIFE
from billing.readers.models import Reader
from billing.readers.register import by_id, lock_reader
from billing.rules.addresses import ERASED_DOMAIN, is_erased
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.start import share_used_trial

WAITS = (
    ("A charge is under way. Wait until it has ended.", CHARGING),
    ("A page that saves a card is open. Wait until it closes, within a day.", CARD_PAGE_OPEN),
    (
        "The address of one of the accounts is being changed, or was in the last seven days, and its old address can still stop that."
        " Wait until then.",
        f"""SELECT FROM address_change WHERE reader_id = :reader_id AND stopped_at IS NULL
           AND CASE WHEN confirmed_at IS NULL THEN used_at IS NULL AND expires_at >= :at
               ELSE confirmed_at >= :at - {span(STOP_LIFE)} END""",
    ),
)
"""What ends by itself, and what a merge waits for until it has: its words, and the query that finds it."""
SOURCE = "merge"
"""Where the no to a newsletter came from: the other account had said it."""
COUNTED = (
    *(
        "subscription",
        "payment",
        "refund",
        "payment_method",
        "consent",
        "complimentary_grant",
        "gift",
        "passkey",
    ),
    *("reader_request", "reader_note", "dispute", "staff_case"),
)
"""Tables whose rows the preview counts."""
_NOT_HELD = sa.text("SET LOCAL lock_timeout = '500ms'")
"""Shorter than PostgreSQL's search for deadlocks: where another transaction waits for this one, this one gives up."""
_LOCK_WHOLE = sa.text("SELECT id FROM reader WHERE id IN (:stays, :goes) ORDER BY id FOR UPDATE")


class SameAccount(Conflict):
    """Both are the same account: there is nothing to merge."""

    code = "same_account"


class BothSubscribed(Conflict):
    """Both accounts have a live subscription. End one of them now first, and give back what is owed for it."""

    code = "both_subscribed"
    title = "Both accounts have a live subscription"


class MergeWaits(Conflict):
    """Something of one of the accounts is under way. Wait until it has ended."""

    code = "merge_waits"


class ErasureStands(Conflict):
    """One of the accounts is closed and waits for its erasure. Let the reader take that back first, on the account page."""

    code = "erasure_asked"


class AccountsBusy(Conflict):
    """Something is being done for one of the accounts this very moment. Nothing was merged; try again."""

    code = "accounts_busy"


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge does. `rows`: how many rows of each of `COUNTED` move. `metered`: metered articles that count this month,
    afterwards. `joined`, `left`: names of newsletters that come to the account that stays, and of those that stop, because the
    other account had left them. `sessions`: browsers that are signed out."""

    stays: Reader
    goes: Reader
    address: str
    freed: str
    rows: Mapping[str, int]
    metered: int
    joined: tuple[str, ...]
    left: tuple[str, ...]
    sessions: int


def who_stays(session: Session, one_id: str, other_id: str) -> str:
    """The account that stays where nobody chose: the one with the live subscription, else the first. Raises UnknownReader."""
    return other_id if live_of(session, other_id) is not None and live_of(session, one_id) is None else one_id


def preview(
    ctx: TransactionContext, stays_id: str, goes_id: str, *, other_address: bool = False
) -> MergePreview:
    """What merging does now; with `other_address` the account that stays gets the address of the one that goes.

    Raises UnknownReader, ReaderMerged, SameAccount, AlreadyErased, ErasureStands, BothSubscribed, MergeWaits."""
    session = ctx.session
    stays, goes = by_id(session, stays_id), by_id(session, goes_id)
    _refuse(ctx, stays, goes)
    joined, left = _lists(session, stays_id, goes_id)
    address, freed = (goes.email, stays.email) if other_address else (stays.email, goes.email)
    counts = ", ".join(f"(SELECT count(*) FROM {table} WHERE reader_id = :goes)" for table in COUNTED)  # noqa: S608
    given = {"stays": stays_id, "goes": goes_id, "month": month_of(ctx.site, ctx.at)}
    found = session.connection().execute(sa.text(f"SELECT {counts}"), given).one()
    return MergePreview(
        stays=stays,
        goes=goes,
        address=address,
        freed=freed,
        rows=dict(zip(COUNTED, found, strict=True)),
        metered=session.connection().execute(_METERED, given).scalar_one(),
        joined=_names(session, joined),
        left=_names(session, left),
        sessions=session.connection().execute(_SESSIONS, given).scalar_one(),
    )


_METERED = sa.text(
    "SELECT count(DISTINCT article) FROM meter_month, jsonb_object_keys(readings) AS article"
    " WHERE visitor IN (:stays, :goes) AND month = :month"
)
_SESSIONS = sa.text("SELECT count(*) FROM reader_session WHERE reader_id = :goes AND ended_at IS NULL")


def _refuse(ctx: TransactionContext, stays: Reader, goes: Reader) -> None:
    session = ctx.session
    if stays.id == goes.id:
        raise SameAccount
    both = (stays, goes)
    if any(is_erased(reader.email) for reader in both):
        raise AlreadyErased
    if any(open_of(session, reader.id) is not None for reader in both):
        raise ErasureStands
    if all(live_of(session, reader.id) is not None for reader in both):
        raise BothSubscribed
    for words, query in WAITS:
        for reader in both:
            given = {"reader_id": reader.id, "at": ctx.at}
            if session.connection().execute(sa.text(f"SELECT EXISTS ({query})"), given).scalar_one():
                raise MergeWaits(words)


def _lists(session: Session, stays_id: str, goes_id: str) -> tuple[list[str], list[str]]:
    """The newsletters that the account that stays gets from the other, and those that it leaves, as the other had."""
    rows = session.exec(select(Signup).where(col(Signup.reader_id).in_((stays_id, goes_id)))).all()
    mine = {row.newsletter_id: row.state for row in rows if row.reader_id == stays_id}
    others = {row.newsletter_id: row.state for row in rows if row.reader_id == goes_id}
    joined = [
        name
        for name, state in others.items()
        if state is SignupState.CONFIRMED and mine.get(name) in (None, SignupState.PENDING)
    ]
    left = [
        name
        for name, state in others.items()
        if state is SignupState.LEFT and mine.get(name) not in (None, SignupState.LEFT)
    ]
    return sorted(joined), sorted(left)


def _names(session: Session, newsletter_ids: list[str]) -> tuple[str, ...]:
    return tuple(session.get_one(Newsletter, newsletter_id).name for newsletter_id in newsletter_ids)


def merge(
    ctx: TransactionContext, stays_id: str, goes_id: str, *, other_address: bool = False
) -> ReaderMerge:
    """Move all that the account `goes_id` has to `stays_id`, and leave it empty. Raises as `preview`, AccountsBusy."""
    try:
        _lock(ctx.session, stays_id, goes_id)
        found = preview(ctx, stays_id, goes_id, other_address=other_address)
        return _merge(ctx, found)
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise AccountsBusy from error
        raise


def _lock(session: Session, stays_id: str, goes_id: str) -> None:
    """Both readers by id, then their subscriptions: two merges, and a merge and an act, wait for each other and can't deadlock.

    Last the keys of both: rows that come to name them wait here, and a trigger refuses those of the empty one then."""
    for reader_id in sorted((stays_id, goes_id)):
        lock_reader(session, reader_id)
    subscriptions = select(Subscription.id).where(col(Subscription.reader_id).in_((stays_id, goes_id)))
    session.exec(subscriptions.order_by(col(Subscription.id)).with_for_update()).all()
    session.flush()
    session.connection().execute(_NOT_HELD)
    session.connection().execute(_LOCK_WHOLE, {"stays": stays_id, "goes": goes_id})
    session.expire_all()  # what has changed until now is read again
    for reader_id in (stays_id, goes_id):
        lock_reader(session, reader_id)


def _merge(ctx: TransactionContext, found: MergePreview) -> ReaderMerge:
    session, stays, goes = ctx.session, found.stays, found.goes
    _leave_lists(ctx, stays.id, goes.id)
    done = ReaderMerge(
        id=ids.new("mrg", ctx.at),
        reader_id=stays.id,
        merged_id=goes.id,
        begun_at=ctx.at,
        freed_address=found.freed,
        moved={},
        **acted_by(ctx.actor),
    )
    session.add(done)
    session.flush()
    done.moved = _move(ctx, done, found)
    share_used_trial(ctx, stays.id, (found.address, found.freed))
    _empty(session, found)
    done.done_at = ctx.at
    session.flush()
    if (death := deceased.of(session, stays.id)) is not None:  # it may have come with the other account
        deceased.stop_mail(ctx, stays, death)
    session.expire_all()
    accounts_merged(ctx, done.id, reader_id=stays.id, address=found.address, freed=found.freed)
    log_event(session, "accounts merged", reader=stays.id, merged=goes.id)
    return done


def _leave_lists(ctx: TransactionContext, stays_id: str, goes_id: str) -> None:
    """An opt-out of either account stays an opt-out, with its line of evidence."""
    _, left = _lists(ctx.session, stays_id, goes_id)
    rows = select(Signup).where(Signup.reader_id == stays_id, col(Signup.newsletter_id).in_(left))
    for row in ctx.session.exec(rows.with_for_update().order_by(col(Signup.id))).all():
        settle(ctx, row, SignupState.LEFT, Origin(SOURCE))


def _move(ctx: TransactionContext, done: ReaderMerge, found: MergePreview) -> dict[str, int]:
    """Run the register's statements; how many rows of each table moved or ended. The triggers of append-only tables let them
    through while this merge is open."""
    connection = ctx.session.connection()
    connection.execute(sa.text("SELECT set_config('masthead.merging', :id, true)"), {"id": done.id})
    given = {
        "stays": done.reader_id,
        "goes": done.merged_id,
        "address": found.address.lower(),
        "freed": found.freed.lower(),
        "at": ctx.at,
    }
    moved = {}
    for table, statements in MOVED.items():
        rows = [(each, connection.execute(sa.text(each), given).rowcount) for each in statements]
        moved[table] = sum(count for statement, count in rows if not statement.startswith("DELETE"))
    # the triggers guard append-only tables again from what follows in this transaction
    connection.execute(sa.text("SELECT set_config('masthead.merging', '', true)"))
    return {table: rows for table, rows in moved.items() if rows}


def _empty(session: Session, found: MergePreview) -> None:
    """Leave of the account that goes a row without an address, which names the one that stays. Its external id moves, or, where the
    other has one too, stays there: programs find the person by both."""
    stays, goes = found.stays, found.goes
    external_id, proved_at = goes.external_id, goes.address_proved_at
    earlier = select(Reader).where(Reader.merged_into == goes.id).with_for_update()
    for one in session.exec(earlier.order_by(col(Reader.id))).all():
        one.merged_into = stays.id
    goes.email = f"{goes.id}{ERASED_DOMAIN}"
    goes.address_proved_at = None
    goes.merged_into = stays.id
    if stays.external_id is None:
        goes.external_id = None
    session.flush()  # what is unique is free now
    if found.address != stays.email:
        stays.email, stays.address_proved_at = found.address, proved_at
    if stays.external_id is None:
        stays.external_id = external_id
    stays.created_at = min(stays.created_at, goes.created_at)
    stays.language = stays.language or goes.language
    session.flush()
