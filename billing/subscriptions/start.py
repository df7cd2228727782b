"""Start a subscription: with a trial, once per person, or without one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.mail import obsolete
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.platform.tokens import Tokens
from billing.readers.register import by_id
from billing.rules import periods, trial
from billing.rules.addresses import canonical
from billing.rules.lifecycle import State
from billing.subscriptions.change import reschedule
from billing.subscriptions.find import AnyPlan, AnyPrice, live_of
from billing.subscriptions.models import (
    Subscription,
    SubscriptionChange,
    TrialClaim,
    TrialException,
)


class TrialUsed(Conflict):
    """There has been a free trial with this address or this card already. You can start right away without one."""

    code = "trial_used"


class AlreadySubscribed(Conflict):
    """There is a subscription for this address already."""

    code = "already_subscribed"


class AlreadyAllowed(Conflict):
    """This reader may have another trial already, and hasn't started it."""

    code = "trial_already_allowed"


class Open(StrEnum):
    """What may be started with an address."""

    TRIAL = "trial"
    PAID = "paid"
    """The trial has been used."""
    NOTHING = "nothing"
    """A subscription is running."""


def open_to(ctx: TransactionContext, *, email: str, reader_id: str | None) -> Open:
    """What a person with this address may start now. At the start itself the constraints decide."""
    if reader_id is not None and live_of(ctx.session, reader_id) is not None:
        return Open.NOTHING
    return Open.TRIAL if may_try(ctx, email=email, reader_id=reader_id) else Open.PAID


def refuse_second(session: Session, reader_id: str) -> None:
    """Raises AlreadySubscribed where the reader has a live subscription. The unique index decides between two starts at once."""
    if live_of(session, reader_id) is not None:
        raise AlreadySubscribed


def may_try(ctx: TransactionContext, *, email: str, reader_id: str | None) -> bool:
    """Whether a trial may begin: the address hasn't had one, or staff have allowed another."""
    return not trial_used_by_address(ctx, email) or open_exception(ctx.session, reader_id) is not None


def trial_used_by_address(ctx: TransactionContext, email: str) -> bool:
    """Whether this address, in its canonical form, has had its trial."""
    return ctx.session.get(TrialClaim, ("address", address_digest(ctx.site.tokens, email))) is not None


def trial_used_by_card(session: Session, fingerprint: str) -> bool:
    """Whether the card with this keyed hash has had its trial."""
    return session.get(TrialClaim, ("card", fingerprint)) is not None


TRIAL_FACTS = sa.select(
    sa.exists()
    .where(col(TrialClaim.kind) == "address", col(TrialClaim.digest) == sa.bindparam("trial_address"))
    .label("is_claimed"),
    sa.exists()
    .where(col(TrialException.reader_id) == sa.bindparam("reader_id"), col(TrialException.used_at).is_(None))
    .label("is_allowed"),
)
"""The query of what `may_try` asks, for the digest `:trial_address` of `address_digest` and `:reader_id`: whether the address has had
its trial, and whether staff have allowed another."""


def address_digest(tokens: Tokens, email: str) -> str:
    """The keyed hash that recognises an address after its erasure."""
    return tokens.list_digest("trial-address", canonical(email))


@dataclass(frozen=True, slots=True)
class Starting:
    """What a reader has agreed to, and their card."""

    reader_id: str
    plan: AnyPlan
    price: AnyPrice
    payment_method_id: str
    card_expires_on: date
    card_fingerprint: str
    """The card's keyed hash."""
    first_charge_on: date | None = None
    """The day that the consent to a trial names. No charge comes earlier, even if the plan has fewer free days by now."""


def start_trial(ctx: TransactionContext, agreed: Starting) -> Subscription:
    """Begin the free days. Raises TrialUsed where the address or the card had theirs and staff have allowed no other, and
    AlreadySubscribed. Unique constraints decide between two starts at once."""
    charge_on = trial.first_charge_on(ctx.today, agreed.plan.trial_days)
    charge_on = max(charge_on, agreed.first_charge_on or charge_on)
    subscription = _begin(ctx, agreed, charge_on)
    address = address_digest(ctx.site.tokens, by_id(ctx.session, agreed.reader_id).email)
    taken = _claim(ctx, {"address": address, "card": agreed.card_fingerprint}, subscription.id)
    # in this order: the next trial uses the permission up, even one that doesn't need it
    if not _use_exception(ctx, agreed.reader_id, subscription.id) and taken:
        raise TrialUsed(by=taken[0])
    return subscription


def start_paid(ctx: TransactionContext, agreed: Starting) -> Subscription:
    """Begin without free days: the first charge is due at once. Raises AlreadySubscribed."""
    return _begin(ctx, agreed, None)


def _begin(ctx: TransactionContext, agreed: Starting, trial_to: date | None) -> Subscription:
    """Write its row, and the first line of its history. `trial_to`: the day of the first charge, where days before it are free."""
    refuse_second(ctx.session, agreed.reader_id)
    today, plan = ctx.today, agreed.plan
    read_to = trial_to or periods.nth(today, 1, plan.months).end_on
    subscription = Subscription(
        id=ids.new("sub", ctx.at),
        reader_id=agreed.reader_id,
        plan_id=plan.id,
        price_id=agreed.price.id,
        payment_method_id=agreed.payment_method_id,
        card_expires_on=agreed.card_expires_on,
        state=State.TRIALING if trial_to else State.ACTIVE,
        started_at=ctx.at,
        charge_on=trial_to or today,
        is_fixed_term=plan.then_plan_id is not None,
        access_until=periods.start_of_day(read_to, ctx.zone),
    )
    reschedule(subscription, ctx.zone)
    try:
        with (
            ctx.session.begin_nested()
        ):  # a savepoint: a refused insert leaves the caller's transaction usable
            ctx.session.add(subscription)
            ctx.session.flush()
    except sa.exc.IntegrityError as error:
        raise AlreadySubscribed from error
    of_reader = select(Subscription.id).where(Subscription.reader_id == subscription.reader_id)
    # a waiting mail that an earlier one has ended is obsolete
    obsolete.take_back(ctx.session, ctx.session.exec(of_reader).all())
    _write_first_line(ctx, subscription, "trial started" if trial_to else "started without a trial")
    return subscription


def _write_first_line(ctx: TransactionContext, subscription: Subscription, reason: str) -> None:
    first_line = SubscriptionChange(
        subscription_id=subscription.id,
        to_state=subscription.state,
        at=ctx.at,
        **acted_by(ctx.actor),
        reason=reason,
        facts={},
    )
    ctx.session.add(first_line)
    log_event(
        ctx.session,
        "subscription started",
        subscription=subscription.id,
        reader=subscription.reader_id,
        state=subscription.state,
        by=ctx.actor,
    )


_CLAIMS = insert(TrialClaim).on_conflict_do_nothing().returning(col(TrialClaim.kind))


def _claim(ctx: TransactionContext, digests: dict[str, str], subscription_id: str) -> list[str]:
    """Claim address and card; the kinds that were claimed before."""
    ctx.session.flush()
    rows = [
        {"kind": kind, "digest": digest, "subscription_id": subscription_id, "claimed_at": ctx.at}
        for kind, digest in sorted(digests.items())  # two starts that claim the same can't deadlock
    ]
    free = set(ctx.session.execute(_CLAIMS, rows).scalars())
    return sorted(digests.keys() - free)


_USED = sa.text(
    """SELECT subscription_id FROM trial_claim
       WHERE subscription_id = ANY(ARRAY(SELECT id FROM subscription WHERE reader_id = :reader_id))
          OR (kind = 'address' AND digest = ANY(:digests)) ORDER BY claimed_at LIMIT 1"""
)
"""An array and no join, so that both conditions use their index."""


def share_used_trial(ctx: TransactionContext, reader_id: str, addresses: Collection[str]) -> None:
    """One trial a person: where the reader, or one of these addresses of theirs, has had one, none of the addresses gets another."""
    digests = sorted({address_digest(ctx.site.tokens, address) for address in addresses})
    used = ctx.session.execute(_USED, {"reader_id": reader_id, "digests": digests}).scalar()
    if used is None:
        return
    rows = [
        {"kind": "address", "digest": digest, "subscription_id": used, "claimed_at": ctx.at}
        for digest in digests
    ]
    ctx.session.execute(insert(TrialClaim).on_conflict_do_nothing(), rows)


def open_exception(session: Session, reader_id: str | None) -> TrialException | None:
    """The unused permission of the reader for another trial."""
    if reader_id is None:
        return None
    return session.exec(_open_exceptions(reader_id)).first()


def allow_trial(ctx: TransactionContext, reader_id: str, *, reason: str) -> TrialException:
    """Let the reader start one more trial with an address and a card that have had theirs. Raises AlreadyAllowed."""
    exception = TrialException(
        id=ids.new("tex", ctx.at), reader_id=reader_id, given_at=ctx.at, **acted_by(ctx.actor), reason=reason
    )
    try:
        with ctx.session.begin_nested():
            ctx.session.add(exception)
            ctx.session.flush()
    except sa.exc.IntegrityError as error:
        raise AlreadyAllowed from error
    return exception


def _use_exception(ctx: TransactionContext, reader_id: str, subscription_id: str) -> bool:
    """Use the permission for a trial that starts now; whether there was one."""
    exception = ctx.session.exec(_open_exceptions(reader_id).with_for_update()).first()
    if exception is None:
        return False
    exception.used_at, exception.subscription_id = ctx.at, subscription_id
    return True


def _open_exceptions(reader_id: str) -> SelectOfScalar[TrialException]:
    return select(TrialException).where(
        TrialException.reader_id == reader_id, col(TrialException.used_at).is_(None)
    )
