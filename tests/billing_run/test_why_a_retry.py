"""Staff read on the reader's timeline why a card is retried on a certain day and why a charge moved."""

from datetime import timedelta

from tests.support.declined_charge import Declined
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

AWAY = {"effect": "reset", "when": "before", "path": "/v1/*", "times": None}


def card_ref(world: World) -> str:
    (row,) = world.rows("SELECT gateway_ref FROM payment_method")
    return str(row["gateway_ref"])


def timeline(world: World, staff: SignIn, reader_id: str) -> str:
    """What support reads of the subscription."""
    return staff("support").get(f"/staff/readers/{reader_id}?only=subscription").words


def test_the_whole_ladder_is_explained(world: World, declined: Declined, staff: SignIn) -> None:
    world.advance_to(local(2027, 4, 6))
    page = timeline(world, staff, declined.reader_id)
    steps = [
        "asked again on 19 March: second rung",
        "asked again on 25 March: third rung, moved by two days to payday",
        "asked again on 30 March: fourth rung",
        "the reader is asked to pay: the attempts at this invoice are used",
    ]
    places = [page.find(step) for step in steps]
    assert -1 not in places, page
    assert places == sorted(places, reverse=True), "newest first"


def test_a_reader_who_is_asked_has_a_reason_too(world: World, notified: Subscriber, staff: SignIn) -> None:
    world.sandbox.decline(card_ref(world), "lost_card")
    world.advance_to(local(2027, 3, 16, 12))
    page = timeline(world, staff, notified.reader_id)
    assert "declined: lost_card; the reader is asked to pay: only another card can pay" in page


def test_a_retry_that_moves_leaves_a_line(world: World, declined: Declined, staff: SignIn) -> None:
    """The card was already charged that day, for something else."""
    world.execute("UPDATE attempt SET intended_at = :at", at=local(2027, 3, 19, 0, 30))
    world.advance_to(local(2027, 3, 19, 10))
    page = timeline(world, staff, declined.reader_id)
    assert "Charge moved" in page
    assert (
        "not asked today; asked again on 20 March: second rung, moved by one day, as a card is asked once a day"
        in page
    )


def test_a_charge_that_was_never_sent_says_so(world: World, paid: Subscriber, staff: SignIn) -> None:
    world.advance_to(local(2027, 4, 16, 8))
    world.sandbox.faults(AWAY)
    world.advance_to(local(2027, 4, 16, 9))
    world.skip_to(world.now + timedelta(days=2))
    world.settle()
    world.sandbox.faults()
    world.advance(hours=2)
    page = timeline(world, staff, paid.reader_id)
    assert "the acquirer could not be asked in time" in page


def test_a_charge_that_the_acquirer_refuses_says_when_it_is_made_again(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    world.sandbox.banks("restrict", payment_method=card_ref(world))
    world.advance_to(local(2027, 4, 16, 18))
    page = timeline(world, staff, paid.reader_id)
    assert "the acquirer refuses the charge itself; made again on 16 April 2027, 13:00" in page
    assert "the acquirer refuses the charge itself; it waits for staff" in page
