"""Gift links: a subscriber gives one article (PW-8). The secret is derived from the gift's id and stored nowhere.

Each visitor who opens the link is recorded once and may reread the article while the gift lasts. The meter isn't touched."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, UTCDateTime, col, func, select

from billing.access.entitlements import entitlements_of
from billing.access.models import Gift, GiftReading
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one, lock_row
from billing.platform.errors import Conflict, Forbidden, NotFound
from billing.platform.read_together import Rows, read_rows
from billing.platform.site import Site
from billing.readers.register import lock_reader
from billing.rules.access import READ, Entitlement, Facts, Reason, decide, strongest
from billing.rules.periods import add_months, start_of_day

PURPOSE = "gift"
GIVERS = frozenset({Reason.TRIAL, Reason.SUBSCRIPTION, Reason.GRACE})


@dataclass(frozen=True, slots=True)
class GiftLimits:
    """Gifts a civil month, days that each lasts, and readers who may open each."""

    a_month: int
    days: int
    readers: int


class NotASubscriber(Forbidden):
    """Only subscribers can give articles."""

    code = "not_a_subscriber"


class NoGiftsLeft(Conflict):
    """All gifts of this month are given. There are new ones next month."""

    code = "no_gifts_left"


class NeedsNoGift(Conflict):
    """Everyone can read this article as it is. Just send its address."""

    code = "needs_no_gift"


class UnknownGift(NotFound):
    """There is no such gift."""

    code = "unknown_gift"


class GiftEnd(StrEnum):
    """Why a gift no longer opens its article."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class GiftResult:
    """What a gift gave: an entitlement, or why none. `pending`: it will open the article once a person reads."""

    held: Entitlement | None = None
    over: GiftEnd | None = None
    pending: bool = False


NO_GIFT = GiftResult()


def give(ctx: TransactionContext, terms: GiftLimits, reader_id: str, article_id: str, facts: Facts) -> Gift:
    """Give the article, or return the reader's earlier gift of it while it lasts. `facts`: the article's, without an account.

    Locks the reader's row, so that two at once never exceed the month's gifts. Raises UnknownReader, NotASubscriber,
    NoGiftsLeft, NeedsNoGift."""
    if decide(facts, ctx.at).allowed:
        raise NeedsNoGift
    lock_reader(ctx.session, reader_id)
    held = strongest(entitlements_of(ctx, reader_id).held, ctx.at)
    if held is None or held.reason not in GIVERS:
        raise NotASubscriber
    for before in of_reader(ctx.session, reader_id):
        if before.article_id == article_id and end_of(before, ctx.at) is None:
            return before
    if gifts_left(ctx, terms, reader_id) < 1:
        raise NoGiftsLeft
    gift = Gift(
        id=ids.new("gft", ctx.at),
        reader_id=reader_id,
        article_id=article_id,
        given_at=ctx.at,
        until=ctx.at + timedelta(days=terms.days),
        most=terms.readers,
    )
    ctx.session.add(gift)
    ctx.session.flush()
    return gift


def gifts_left(ctx: TransactionContext, terms: GiftLimits, reader_id: str) -> int:
    """How many gifts the reader still has this month. A revoked one counts."""
    first = ctx.today.replace(day=1)
    begins, ends = (start_of_day(day, ctx.zone) for day in (first, add_months(first, 1)))
    given = ctx.session.exec(
        select(func.count())
        .select_from(Gift)
        .where(Gift.reader_id == reader_id, Gift.given_at >= begins, Gift.given_at < ends)
    ).one()
    return max(0, terms.a_month - given)


def of_reader(session: Session, reader_id: str, limit: int = 100, after: str | None = None) -> list[Gift]:
    """The reader's gifts, newest first; `after`: older than this one."""
    rows = select(Gift).where(Gift.reader_id == reader_id).order_by(col(Gift.id).desc()).limit(limit)
    return list(session.exec(rows.where(Gift.id < after) if after else rows))


def token(site: Site, gift: Gift) -> str:
    """The secret of the link: 192 bits, derived."""
    return site.tokens.token(PURPOSE, gift.id)


def link(site: Site, gift: Gift) -> str:
    """The address to share."""
    return site.page(f"/gift/{token(site, gift)}")


def by_token(ctx: TransactionContext, secret: str) -> Gift | None:
    """The gift of a link, even if it is over; None if the secret is forged or damaged."""
    gift_id = ctx.site.tokens.subject_of(PURPOSE, secret)
    return ctx.session.get(Gift, gift_id) if gift_id else None


def end_of(gift: Gift, at: datetime) -> GiftEnd | None:
    """Why the gift admits no new visitor at the instant; None while it does."""
    if gift.revoked_at is not None and gift.revoked_at <= at:
        return GiftEnd.REVOKED
    if gift.until <= at:
        return GiftEnd.EXPIRED
    return GiftEnd.USED_UP if gift.opened >= gift.most else None


def revoke(ctx: TransactionContext, gift_id: str, *, reader_id: str | None = None, reason: str) -> Gift:
    """Revoke it for everyone. `reader_id`: only if this reader gave it. Raises UnknownGift."""
    gift = lock_row(ctx.session, Gift, gift_id)
    if gift is None or (reader_id is not None and gift.reader_id != reader_id):
        raise UnknownGift
    if gift.revoked_at is None:
        gift.revoked_at, gift.revoked_reason = ctx.at, reason
        ctx.session.flush()
    return gift


def revoke_all(ctx: TransactionContext, reader_id: str, *, reason: str) -> None:
    """Revoke every running gift of a reader: whose card was used for fraud (PW-8), or whose account is erased."""
    rows = select(Gift).where(
        Gift.reader_id == reader_id, col(Gift.revoked_at).is_(None), Gift.until > ctx.at
    )
    for gift in ctx.session.exec(rows.order_by(col(Gift.id)).with_for_update()):
        gift.revoked_at, gift.revoked_reason = ctx.at, reason
    ctx.session.flush()


def passes(
    ctx: TransactionContext, articles: Collection[str], visitors: Collection[str]
) -> dict[tuple[str, str], Entitlement]:
    """What opened gifts give these visitors for these articles at the instant (now or past), by article and visitor."""
    if not articles or not visitors:
        return {}
    return passes_in(
        read_rows(ctx.session, PASSES, at=ctx.at, articles=list(articles), visitors=list(visitors))
    )


def passes_in(rows: Rows) -> dict[tuple[str, str], Entitlement]:
    """The passes of these rows, by article and visitor."""
    return {(article_id, visitor): entitlement(until) for article_id, visitor, until in rows}


_TEXTS, _AT = ARRAY(sa.Text), sa.bindparam("at", type_=UTCDateTime())
PASSES = (
    sa.select(col(Gift.article_id), col(GiftReading.visitor), func.max(Gift.until).label("until"))
    .join(GiftReading, col(GiftReading.gift_id) == Gift.id)
    .where(
        col(GiftReading.visitor) == sa.any_(sa.bindparam("visitors", type_=_TEXTS)),
        col(GiftReading.at) <= _AT,
        col(Gift.article_id) == sa.any_(sa.bindparam("articles", type_=_TEXTS)),
        col(Gift.until) > _AT,
        sa.or_(col(Gift.revoked_at).is_(None), col(Gift.revoked_at) > _AT),
    )
    .group_by(Gift.article_id, GiftReading.visitor)
)
"""The query of `passes`, for `:at`, `:articles` and `:visitors`; `passes_in` takes its rows."""


def offered(gift: Gift, article_id: str, at: datetime) -> GiftResult:
    """What the gift would give for this article, or why it no longer does."""
    if gift.article_id != article_id:
        return NO_GIFT
    reason = end_of(gift, at)
    return GiftResult(over=reason) if reason is not None else GiftResult(pending=True)


def open_gift(ctx: TransactionContext, secret: str, article_id: str, visitor: str) -> GiftResult:
    """Open the link for this visitor, and record it. Locks the gift, so that two visitors at once never exceed its limit."""
    gift = by_token(ctx, secret)
    if gift is None:
        return NO_GIFT
    found = offered(gift, article_id, ctx.at)
    if not found.pending:
        return found
    gift = lock_one(ctx.session, Gift, gift.id)
    reason = end_of(gift, ctx.at)  # once more: another visitor may have been the last one
    if reason is not None:
        return GiftResult(over=reason)
    if ctx.session.get(GiftReading, (gift.id, visitor)) is None:
        ctx.session.add(GiftReading(gift_id=gift.id, visitor=visitor, at=ctx.at))
        gift.opened += 1
        ctx.session.flush()
    return GiftResult(held=entitlement(gift.until))


def entitlement(until: datetime) -> Entitlement:
    """What an opened gift gives: reading only, neither audio nor comments."""
    return Entitlement(Reason.GIFT, until, frozenset({READ}))
