"""The one door. A subscription's state and dates change here, with a line of history, or not at all."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from billing.errors import NotFound
from billing.logs import say
from billing.rules.lifecycle import Happening, State, move
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.subscriptions.schedule import next_due


class UnknownSubscription(NotFound):
    """There is no such subscription."""

    code = "unknown_subscription"


def lock(session: Session, subscription_id: str) -> Subscription:
    """The subscription, locked until the transaction ends and read afresh. Raises UnknownSubscription.

    Whoever touches a subscription's attempts, payments or refunds takes this lock first, so that they can't cross."""
    found = session.exec(
        select(Subscription)
        .where(Subscription.id == subscription_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise UnknownSubscription
    return found


def change(
    session: Session,
    subscription: Subscription,
    happening: Happening,
    *,
    at: datetime,
    by: str,
    why: str,
    zone: ZoneInfo,
    **columns: Any,
) -> None:
    """Let something happen to a locked subscription: state by the table of moves, dates as given, history, what comes next.

    Raises MoveRefused when the table has no such move."""
    before = subscription.state
    after = move(before, happening)
    changed = {
        name: (getattr(subscription, name), value)
        for name, value in columns.items()
        if getattr(subscription, name) != value
    }
    for name, (_, value) in changed.items():
        setattr(subscription, name, value)
    subscription.state = after
    if after is State.ENDED:
        subscription.ended_at = at
        subscription.ended_why = why
        subscription.charging_since = None
        subscription.retry_on = None
    reschedule(subscription, zone)
    say(
        session,
        f"subscription {happening}",
        subscription=subscription.id,
        reader=subscription.reader_id,
        state=f"{before}->{after}",
        by=by,
    )
    facts = {name: [_plain(old), _plain(new)] for name, (old, new) in changed.items()}
    session.add(
        SubscriptionChange(
            subscription_id=subscription.id,
            happening=happening,
            from_state=before,
            to_state=after,
            at=at,
            by=by,
            why=why,
            facts=facts,
        )
    )


def mark(subscription: Subscription, zone: ZoneInfo, **columns: Any) -> None:
    """Write dates on a locked subscription that are no happening of their own (a notice queued, a charge under way)."""
    for name, value in columns.items():
        setattr(subscription, name, value)
    reschedule(subscription, zone)


def reschedule(subscription: Subscription, zone: ZoneInfo) -> None:
    """Write down what is due next, for the worker's index."""
    due = next_due(subscription, zone)
    subscription.next_action = due.action if due else None
    subscription.next_action_at = due.at if due else None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value
