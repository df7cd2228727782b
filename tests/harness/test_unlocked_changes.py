"""A test in which a row is changed without a lock fails at its end."""

import pytest
from sqlmodel import select

from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from tests.support.starting_points import Subscriber
from tests.support.world import World


def postpone(subscription: Subscription) -> None:
    assert subscription.next_action_at is not None
    subscription.next_action_at = subscription.next_action_at.replace(minute=59)


def test_a_change_without_a_lock_is_noticed_once(world: World, in_trial: Subscriber) -> None:
    with world.services.database.transaction() as session:
        postpone(session.exec(select(Subscription)).one())
    with pytest.raises(AssertionError, match=r"changed without a lock: subscription\.next_action_at"):
        world.judge()
    world.judge()


def test_a_change_under_a_lock_is_not(world: World, in_trial: Subscriber) -> None:
    with world.services.database.transaction() as session:
        postpone(lock(session, in_trial.subscription_id))
    world.judge()


def test_a_lock_ends_with_its_transaction(world: World, in_trial: Subscriber) -> None:
    with world.services.database.transaction() as session:
        lock(session, in_trial.subscription_id)
    with world.services.database.transaction() as session:
        postpone(session.get_one(Subscription, in_trial.subscription_id))
    with pytest.raises(AssertionError, match=r"subscription\.next_action_at"):
        world.judge()
