"""The only functions that change a subscription's state and dates, each with a line of history."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict, Unpack
from zoneinfo import ZoneInfo

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.platform import bulk
from billing.platform.actors import WORKER, acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound
from billing.platform.logs import log_event
from billing.rules.lifecycle import Event, State, transition
from billing.rules.notices import Notice
from billing.subscriptions.models import Subscription, SubscriptionChange, TermsChangeReason
from billing.subscriptions.schedule import next_due


class SubscriptionPatch(TypedDict, total=False):
    """Columns with their new values; others stay as they are. mypy refuses a misspelt name, or a value of another type. `state`,
    `next_action` and what goes with them are absent: `change` derives them."""

    plan_id: str
    price_id: str
    payment_method_id: str
    card_expires_on: date
    card_notice_at: datetime | None
    charge_on: date
    anchor_number: int
    anchor_months: int
    is_fixed_term: bool
    term_notice_at: datetime | None
    first_notice_at: datetime | None
    second_notice_at: datetime | None
    period_number: int
    period_start_on: date
    period_end_on: date
    access_until: datetime
    charging_since: datetime | None
    first_failed_on: date | None
    retry_on: date | None
    next_price_id: str | None
    next_terms_on: date | None
    next_terms_because: TermsChangeReason | None
    resumes_on: date | None
    charge_day_from: date | None
    cancel_asked_at: datetime | None
    cancels_at: datetime | None
    cancel_request_at: datetime | None
    held_until: date | None


class UnknownSubscription(NotFound):
    """There is no such subscription."""

    code = "unknown_subscription"


def lock(session: Session, subscription_id: str) -> Subscription:
    """The subscription, locked until the transaction ends and read again. Raises UnknownSubscription.

    Take this lock before you touch a subscription's attempts, payments or refunds."""
    return lock_all(session, [subscription_id])[subscription_id]


def lock_all(session: Session, subscription_ids: Collection[str]) -> dict[str, Subscription]:
    """Lock many, as `lock` does one. Raises UnknownSubscription."""
    found = session.exec(
        select(Subscription)
        .where(bulk.one_of(Subscription.id, subscription_ids))
        .order_by(col(Subscription.id))  # two processes that lock some of the same rows can't deadlock
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(found) < len(set(subscription_ids)):
        raise UnknownSubscription
    return {subscription.id: subscription for subscription in found}


def change(
    ctx: TransactionContext,
    subscription: Subscription,
    event: Event,
    *,
    reason: str,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    """Apply an event to a locked subscription: the state by the table of transitions, the columns of the patch, a line of history,
    the next action. Waiting mails that it makes untrue are taken back. Raises NoSuchTransition."""
    line, _ = _apply(ctx, Change(subscription, reason, patch), event, setattr)
    ctx.session.add(SubscriptionChange(**line))
    take_back_mails(ctx, [subscription], but=patch)


def move_charge(
    ctx: TransactionContext, subscription: Subscription, reason: str, **patch: Unpack[SubscriptionPatch]
) -> None:
    """Move the next charge of a locked subscription; the history says why."""
    change(ctx.acting_as(WORKER), subscription, Event.CHARGE_MOVED, reason=reason, **patch)


@dataclass(frozen=True, slots=True)
class Change:
    """A locked subscription, why an event happens to it, and the columns that change."""

    subscription: Subscription
    reason: str
    patch: SubscriptionPatch


def change_all(ctx: TransactionContext, event: Event, cases: Sequence[Change]) -> None:
    """Apply an event to many locked subscriptions, as `change` does to one: one statement for them, one for their history. Raises
    NoSuchTransition."""
    lines, changes = [], []
    for case in cases:
        # set_committed_value: the bulk update below writes the columns, so the session must not write them again
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
"""The columns that change when a queued notice is taken back, by its kind and which of two it is."""


def take_back_mails(
    ctx: TransactionContext, subscriptions: Sequence[Subscription], *, but: Collection[str] = ()
) -> None:
    """Take back the waiting mails about these locked subscriptions that have become untrue. A notice among them is due again;
    `but`: columns that the caller has just set itself."""
    by_id = {subscription.id: subscription for subscription in subscriptions}
    for mail in obsolete.take_back(ctx.session, by_id):
        patch = _NOT_QUEUED.get((mail.kind, mail.which))
        if patch and patch.keys().isdisjoint(but):
            mark(by_id[mail.about], ctx.zone, **patch)


def mark(subscription: Subscription, zone: ZoneInfo, **patch: Unpack[SubscriptionPatch]) -> None:
    """Write dates on a locked subscription that are no event of their own, such as a charge under way."""
    for name, value in patch.items():
        setattr(subscription, name, value)
    reschedule(subscription, zone)


def mark_notice(ctx: TransactionContext, subscription: Subscription, which: Notice) -> None:
    """Write down that one of the two notices before a charge was queued."""
    if which is Notice.FIRST:
        mark(subscription, ctx.zone, first_notice_at=ctx.at)
    else:
        mark(subscription, ctx.zone, second_notice_at=ctx.at)


def mark_all(
    ctx: TransactionContext, subscriptions: Sequence[Subscription], **patch: Unpack[SubscriptionPatch]
) -> None:
    """Write the same dates on many locked subscriptions, in one statement."""
    ctx.session.flush()
    changes = []
    for subscription in subscriptions:
        for name, value in patch.items():
            set_committed_value(subscription, name, value)
        changes.append((subscription, {**patch, **_next(subscription, ctx.zone)}))
    bulk.update(ctx.session, changes)


def reschedule(subscription: Subscription, zone: ZoneInfo) -> None:
    """Write down what is due next, for the worker's index."""
    for name, value in _next(subscription, zone).items():
        setattr(subscription, name, value)


def postpone_action(subscription: Subscription, at: datetime) -> None:
    """Postpone the next action of a locked subscription to `at`, although it is due. Any change before then schedules it again."""
    if subscription.next_action_at is not None:
        subscription.next_action_at = max(subscription.next_action_at, at)


def _next(subscription: Subscription, zone: ZoneInfo) -> dict[str, Any]:
    due = next_due(subscription, zone)
    return {
        "next_action": str(due.action) if due else None,
        "next_action_at": due.at if due else None,
    }


def _apply(
    ctx: TransactionContext, case: Change, event: Event, write: Callable[[Any, str, Any], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Apply an event with `write`; the line of history, and the written columns, changed or not."""
    subscription, before = case.subscription, case.subscription.state
    after = transition(before, event)
    old = {name: getattr(subscription, name) for name in case.patch}
    columns = {**case.patch, "state": after}
    if after is State.ENDED:
        columns |= {"ended_at": ctx.at, "ended_reason": case.reason, "charging_since": None, "retry_on": None}
    for name, value in columns.items():
        write(subscription, name, value)
    coming = _next(subscription, ctx.zone)
    for name, value in coming.items():
        write(subscription, name, value)
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
