"""Notices that wait for a greylisting relay while the reader chooses something else: taken back, and told again where they hold."""

from collections.abc import Callable
from datetime import date

from billing.renewals import announce_price, pause, switch
from tests.support.cancel_helpers import cancel
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def _by(world: World, do: Callable[..., object], *arguments: object, **more: object) -> None:
    """What the account's pages call, without a mail to sign in by."""
    parts = world.parts
    with parts.database.transaction() as session:
        do(session, parts.office, *arguments, at=world.now, by="reader", why="asked", **more)


def _cancel_and_go_on(world: World, reader: Subscriber) -> None:
    cancel(world, reader.subscription_id)
    world.api.post(f"/v1/subscriptions/{reader.subscription_id}/resume").raise_for_status()


def _mails(world: World, kind: str) -> list[tuple[str, dict[str, object]]]:
    """What became of the mails of a kind, by name, and what they said."""
    rows = world.rows("SELECT state, fields FROM message WHERE kind = :kind ORDER BY state", kind=kind)
    return [(row["state"], row["fields"]) for row in rows]


def _states(world: World, kind: str) -> list[str]:
    return [state for state, _ in _mails(world, kind)]


def _price_announced(world: World, reader: Subscriber) -> None:
    """R80.00 from 16 June; its notice waits on 10 May."""
    world.advance_to(local(2027, 4, 20))
    with world.parts.database.transaction() as session:
        announce_price.plan_change(
            session, "monthly", 8000, date(2027, 5, 1), today=date(2027, 4, 20), at=world.now, by="command"
        )
    world.smtp.greylist(reader.email, times=None)
    world.advance_to(local(2027, 5, 10))
    assert _states(world, "price_notice") == ["queued"]


def test_a_price_is_announced_again_when_the_cancellation_is_undone(
    world: World, paid_twice: Subscriber
) -> None:
    _price_announced(world, paid_twice)
    cancel(world, paid_twice.subscription_id)
    assert _states(world, "price_notice") == ["obsolete"]
    world.api.post(f"/v1/subscriptions/{paid_twice.subscription_id}/resume").raise_for_status()
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "price_notice") == ["accepted", "obsolete"]
    world.advance_to(local(2027, 6, 16, 12))
    assert [charge["amount"] for charge in world.charges()] == [7500, 7500, 7500, 8000]


def test_a_price_is_announced_again_when_another_plan_is_undone(world: World, paid_twice: Subscriber) -> None:
    _price_announced(world, paid_twice)
    _by(world, switch.ask, paid_twice.subscription_id, "yearly")
    assert _states(world, "price_notice") == ["obsolete"]
    _by(world, switch.undo, paid_twice.subscription_id)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "price_notice") == ["accepted", "obsolete"]


def test_a_pause_that_is_ended_by_hand_does_not_announce_its_end(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 20))
    _by(world, pause.ask, paid.subscription_id, 1, most=3)
    world.advance_to(local(2027, 5, 7))
    world.smtp.greylist(paid.email, times=None)
    world.advance_to(local(2027, 5, 8, 10))
    assert _states(world, "pause_ends") == ["queued"]
    _by(world, pause.undo, paid.subscription_id)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "pause_ends") == ["obsolete"]
    assert world.told(paid.email)[-1] == "receipt"


def test_the_reminder_names_the_plan_that_was_chosen_while_it_waited(world: World, year: Subscriber) -> None:
    fast_forward(world, local(2028, 1, 20, 12))
    world.smtp.greylist(year.email, times=None)
    world.advance_to(local(2028, 1, 24, 10))
    assert [(state, said["amount"]) for state, said in _mails(world, "term_reminder")] == [("queued", 7500)]
    _by(world, switch.ask, year.subscription_id, "yearly")
    world.smtp.mend()
    world.advance(hours=2)
    assert [(state, said["amount"]) for state, said in _mails(world, "term_reminder")] == [
        ("accepted", 75000),
        ("obsolete", 7500),
    ]
    world.advance_to(local(2028, 2, 1, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000]


def test_the_end_of_a_year_is_announced_again_after_a_cancellation_that_is_undone(
    world: World, year: Subscriber
) -> None:
    fast_forward(world, local(2027, 10, 1, 12))
    world.smtp.greylist(year.email, times=None)
    world.advance_to(local(2027, 11, 20))
    assert _states(world, "term_notice") == ["queued"]
    _cancel_and_go_on(world, year)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "term_notice") == ["accepted", "obsolete"]
    world.advance_to(local(2028, 2, 1, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500]


def test_that_a_card_ends_is_no_news_once_there_is_another(world: World, paid: Subscriber) -> None:
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.replace(card["gateway_ref"], exp_month=4, exp_year=2027)
    world.settle()
    world.advance_to(local(2027, 4, 16, 8))
    world.smtp.greylist(paid.email, times=None)
    world.advance_to(local(2027, 4, 16, 10))
    assert _states(world, "card_expiring") == ["queued"]
    world.sandbox.replace(card["gateway_ref"])
    world.settle()
    assert _states(world, "card_expiring") == ["obsolete"]
