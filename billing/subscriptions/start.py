"""Start a subscription: with a trial, once per person, or without one."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

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
from billing.subscriptions import exceptions
from billing.subscriptions.change import reschedule
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Plan, Price, Subscription, SubscriptionChange, TrialClaim


class TrialUsed(Conflict):
    """There has been a free trial with this address or this card already. You can start right away without one."""

    code = "trial_used"


class AlreadySubscribed(Conflict):
    """There is a subscription for this address already."""

    code = "already_subscribed"


class Open(StrEnum):
    """What may be started with an address."""

    TRIAL = "trial"
    PAID = "paid"
    """The trial has been used."""
    NOTHING = "nothing"
    """A subscription is running."""


def open_to(ctx: TransactionContext, *, email: str, reader_id: str | None) -> Open:
    """What somebody with this address may start now. The constraints have the last word when it happens."""
    if reader_id is not None and live_of(ctx.session, reader_id) is not None:
        return Open.NOTHING
    return Open.TRIAL if may_try(ctx, email=email, reader_id=reader_id) else Open.PAID


def refuse_second(session: Session, reader_id: str) -> None:
    """Raises AlreadySubscribed when the reader holds a live subscription. The unique index has the last word."""
    if live_of(session, reader_id) is not None:
        raise AlreadySubscribed


def may_try(ctx: TransactionContext, *, email: str, reader_id: str | None) -> bool:
    """Whether a trial may begin: the address hasn't had one, or staff have allowed another."""
    return not trial_used_by_address(ctx, email) or exceptions.open_for(ctx.session, reader_id) is not None


def trial_used_by_address(ctx: TransactionContext, email: str) -> bool:
    """Whether this address, in its canonical form, has had its trial."""
    return ctx.session.get(TrialClaim, ("address", address_digest(ctx.site.tokens, email))) is not None


def trial_used_by_card(session: Session, fingerprint: str) -> bool:
    """Whether the card with this keyed hash has had its trial."""
    return session.get(TrialClaim, ("card", fingerprint)) is not None


def address_digest(tokens: Tokens, email: str) -> str:
    """The keyed hash by which an address is recognised after it is forgotten."""
    return tokens.list_digest("trial-address", canonical(email))


@dataclass(frozen=True, slots=True)
class Starting:
    """What a reader has agreed to, and the card that they gave for it."""

    reader_id: str
    plan: Plan
    price: Price
    payment_method_id: str
    card_expires_on: date
    card_fingerprint: str
    """The card's keyed hash."""


def start_trial(ctx: TransactionContext, agreed: Starting) -> Subscription:
    """Begin the free days. Raises TrialUsed when address or card had theirs and staff have allowed no other,
    AlreadySubscribed when one is running. The unique constraints decide between two starts at once."""
    charge_on = trial.first_charge_on(ctx.today, agreed.plan.trial_days)
    subscription = _begin(ctx, agreed, charge_on)
    address = address_digest(ctx.site.tokens, by_id(ctx.session, agreed.reader_id).email)
    taken = _claim(ctx, {"address": address, "card": agreed.card_fingerprint}, subscription.id)
    if not exceptions.use(ctx, agreed.reader_id, subscription.id) and taken:
        raise TrialUsed(by=taken[0])
    return subscription


def start_paid(ctx: TransactionContext, agreed: Starting) -> Subscription:
    """Begin without free days: the first charge is due at once. Raises AlreadySubscribed."""
    return _begin(ctx, agreed, None)


def _begin(ctx: TransactionContext, agreed: Starting, trial_to: date | None) -> Subscription:
    """Its row and the first line of its history; `trial_to` is the day of the first charge, where days are free before it."""
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
        with ctx.session.begin_nested():
            ctx.session.add(subscription)
            ctx.session.flush()
    except sa.exc.IntegrityError as error:
        raise AlreadySubscribed from error
    of_reader = select(Subscription.id).where(Subscription.reader_id == subscription.reader_id)
    # that an earlier one has ended is no news any more
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
    """Claim address and card, by their kinds in their order, so that two who claim the same can't wait for each other; the kinds
    that are somebody's already."""
    ctx.session.flush()
    rows = [
        {"kind": kind, "digest": digest, "subscription_id": subscription_id, "claimed_at": ctx.at}
        for kind, digest in sorted(digests.items())
    ]
    free = set(ctx.session.execute(_CLAIMS, rows).scalars())
    return sorted(digests.keys() - free)
