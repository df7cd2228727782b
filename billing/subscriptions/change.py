"""The one door: a subscription's state and dates change here, with a line of history, or not at all."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Unpack
from zoneinfo import ZoneInfo

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.platform import bulk
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound
from billing.platform.logs import log_event
from billing.rules.lifecycle import Event, State, transition
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.subscriptions.patch import SubscriptionPatch
from billing.subscriptions.schedule import next_due


class UnknownSubscription(NotFound):
    """There is no such subscription."""

    code = "unknown_subscription"


def lock(session: Session, subscription_id: str) -> Subscription:
    """The subscription, locked until the transaction ends and read afresh. Raises UnknownSubscription.

    Whoever touches a subscription's attempts, payments or refunds takes this lock first, so that they can't cross."""
    return lock_all(session, [subscription_id])[subscription_id]


def lock_all(session: Session, subscription_ids: Collection[str]) -> dict[str, Subscription]:
    """Many, locked in the order of their ids: two who lock some of the same can't wait for each other. Raises UnknownSubscription."""
    found = session.exec(
        select(Subscription)
        .where(bulk.one_of(Subscription.id, subscription_ids))
        .order_by(col(Subscription.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(found) < len(set(subscription_ids)):
        raise UnknownSubscription
    return {one.id: one for one in found}


def change(
    ctx: TransactionContext,
    subscription: Subscription,
    event: Event,
    *,
    reason: str,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    """Let something happen to a locked subscription: state by the table of transitions, dates as given, history, what comes next.
    Mails about it that wait, and have become untrue by it, are taken back.

    Raises NoSuchTransition when the table has no such transition."""
    line, _ = _apply(ctx, Change(subscription, reason, patch), event, setattr)
    ctx.session.add(SubscriptionChange(**line))
    take_back_mails(ctx, [subscription], but=patch)


@dataclass(frozen=True, slots=True)
class Change:
    """A locked subscription to which an event happens, why, and with which columns."""

    subscription: Subscription
    reason: str
    patch: SubscriptionPatch


def change_all(ctx: TransactionContext, event: Event, cases: Sequence[Change]) -> None:
    """Let the same happen to many locked subscriptions, as `change` does to one, in a statement each for them and for their
    history. Raises NoSuchTransition when the table has no such transition for one of them."""
    lines, changes = [], []
    for case in cases:
        line, columns = _apply(ctx, case, event, set_committed_value)
        lines.append(line)
        changes.append((case.subscription, columns))
    bulk.update(ctx.session, changes)
    bulk.insert(ctx.session, SubscriptionChange, lines)
    given = {name for case in cases for name in case.patch}
    take_back_mails(ctx, [case.subscription for case in cases], but=given)


_FIRST, _SECOND = SubscriptionPatch(first_notice_at=None), SubscriptionPatch(second_notice_at=None)
_NOT_QUEUED: dict[tuple[str, str | None], SubscriptionPatch] = {
    ("trial_notice", "first"): _FIRST,
    ("trial_notice", "second"): _SECOND,
    ("term_reminder", "first"): _FIRST,
    ("term_reminder", "second"): _SECOND,
    ("pause_ends", None): _FIRST,
    ("term_notice", None): SubscriptionPatch(term_notice_at=None),
    ("card_expiring", None): SubscriptionPatch(card_notice_at=None),
}
"""What a subscription says once a queued notice, by its kind and which of two it is, has been taken back."""


def take_back_mails(
    ctx: TransactionContext, subscriptions: Sequence[Subscription], *, but: Collection[str] = ()
) -> None:
    """Send none of the waiting mails about these locked subscriptions that are untrue by now. A notice among them is due again, as
    it was never told; `but`: columns of which the caller has decided otherwise."""
    here = {one.id: one for one in subscriptions}
    for mail in obsolete.take_back(ctx.session, here):
        patch = _NOT_QUEUED.get((mail.kind, mail.which))
        if patch and patch.keys().isdisjoint(but):
            mark(here[mail.about], ctx.zone, **patch)
            ctx.session.add(here[mail.about])


def mark(subscription: Subscription, zone: ZoneInfo, **patch: Unpack[SubscriptionPatch]) -> None:
    """Write dates on a locked subscription that are no event of their own (a notice queued, a charge under way)."""
    for name, value in patch.items():
        setattr(subscription, name, value)
    reschedule(subscription, zone)


def mark_all(
    ctx: TransactionContext,
    subscriptions: Sequence[Subscription],
    **patch: Unpack[SubscriptionPatch],
) -> None:
    """The same dates on many locked subscriptions, in one statement."""
    ctx.session.flush()
    changes = []
    for one in subscriptions:
        for name, value in patch.items():
            set_committed_value(one, name, value)
        changes.append((one, {**patch, **_next(one, ctx.zone)}))
    bulk.update(ctx.session, changes)


def reschedule(subscription: Subscription, zone: ZoneInfo) -> None:
    """Write down what is due next, for the worker's index."""
    for name, value in _next(subscription, zone).items():
        setattr(subscription, name, value)


def look_again(subscription: Subscription, at: datetime) -> None:
    """Let the worker leave a locked subscription alone until then, though something is due. Whatever is written on it before ends
    that: what is due is then decided afresh."""
    if subscription.next_action_at is not None:
        subscription.next_action_at = max(subscription.next_action_at, at)


def _next(subscription: Subscription, zone: ZoneInfo) -> dict[str, Any]:
    due = next_due(subscription, zone)
    return {
        "next_action": str(due.action) if due else None,
        "next_action_at": due.at if due else None,
    }


def _apply(
    ctx: TransactionContext, case: Change, event: Event, put: Callable[[Any, str, Any], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The line of history, and the columns that were `put`, whether they are others than before or not."""
    subscription, before = case.subscription, case.subscription.state
    after = transition(before, event)
    old = {name: getattr(subscription, name) for name in case.patch}
    columns = {**case.patch, "state": after}
    if after is State.ENDED:
        columns |= {"ended_at": ctx.at, "ended_reason": case.reason, "charging_since": None, "retry_on": None}
    for name, value in columns.items():
        put(subscription, name, value)
    coming = _next(subscription, ctx.zone)
    for name, value in coming.items():
        put(subscription, name, value)
    log_event(
        ctx.session,
        f"subscription {event}",
        subscription=subscription.id,
        reader=subscription.reader_id,
        state=f"{before}->{after}",
        by=ctx.actor,
    )
    line = {
        "subscription_id": subscription.id,
        "event": event,
        "from_state": before,
        "to_state": after,
        "at": ctx.at,
        **acted_by(ctx.actor),
        "reason": case.reason,
        "facts": {
            name: [_plain(old[name]), _plain(value)]
            for name, value in case.patch.items()
            if old[name] != value
        },
    }
    return line, columns | coming


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value
