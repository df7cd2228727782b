"""What is at risk while a request waits: the charge complained of and nothing else; nothing for a question."""

import pytest

from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

READER = "thandi@example.com"


def at_risk(world: World, staff: SignIn, kind: str) -> str:
    """What the page says of a request that comes now."""
    browser = world.browser().again("/contact")
    browser.post("/contact", kind=kind, email=READER, words="Please look at it.")
    (request,) = world.rows("SELECT id FROM reader_request")
    words = staff("support").get(f"/staff/requests/{request['id']}").words
    return words.partition("At risk: ")[2].partition(" Your answer")[0].partition(" What was charged")[0]


def test_a_complaint_puts_the_last_charge_before_it_at_risk(
    world: World, paid_twice: Subscriber, staff: SignIn
) -> None:
    paid = world.rows("SELECT id, paid_at FROM payment ORDER BY paid_at")
    said = at_risk(world, staff, "wrong_charge")
    local = paid[-1]["paid_at"].astimezone(world.settings.zone)
    assert said == f"R75.00 incl. VAT, charged on {local:%a} {local.day} {local:%b %Y, %H:%M}"


def test_not_what_is_charged_after_it_nor_what_went_back(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    before = at_risk(world, staff, "wrong_charge")
    world.advance(days=32)
    (request,) = world.rows("SELECT id, reader_id FROM reader_request")
    member = staff("support", "sipho@paper.example")
    assert f"At risk: {before}" in member.get(f"/staff/requests/{request['id']}").words
    first = world.rows("SELECT id FROM payment ORDER BY paid_at")[0]["id"]
    where = f"/staff/readers/{request['reader_id']}/refund"
    member.get(f"{where}?payment={first}")
    member.post(where, amount="75.00", reason="charged twice", step="confirm")
    world.advance(minutes=1)
    assert "At risk: nothing" in member.get(f"/staff/requests/{request['id']}").words


@pytest.mark.parametrize("kind", ["other", "access", "newsletter"])
def test_a_question_puts_nothing_at_risk(kind: str, world: World, paid: Subscriber, staff: SignIn) -> None:
    assert at_risk(world, staff, kind) == "nothing"


def test_a_preview_says_that_nothing_is_done_and_when_it_changed(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    member, colleague = staff("support"), staff("support", "sipho@paper.example")
    (payment,) = world.rows("SELECT id, reader_id FROM payment")
    where = f"/staff/readers/{payment['reader_id']}/refund"
    first = member.get(f"{where}?payment={payment['id']}")
    assert "Nothing is done yet." in first.words
    again = member.post(where, amount="20", step="preview")
    assert "This has changed" not in again.words
    world.advance(minutes=5)
    shown = member.page
    colleague.get(f"{where}?payment={payment['id']}")
    colleague.post(where, amount="10", step="preview")
    colleague.post(where, amount="10", reason="a bad day", step="confirm")
    at = world.now.astimezone(world.settings.zone)
    member.page = shown
    changed = member.post(where, amount="30", step="preview")
    assert (
        f"This has changed since you looked, last {at:%a} {at.day} {at:%b %Y, %H:%M}. Nothing is done yet."
        in (changed.words)
    )
    assert "This has changed" not in member.post(where, amount="20", step="preview").words, (
        "it was shown since"
    )
