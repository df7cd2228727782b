"""The last charge that staff chose to give back with the end of a subscription waits for its minute, and can be undone alone."""

import pytest

from tests.staff.test_deceased import EXECUTOR, FORM, page_of, record, state, take_back
from tests.staff.test_undoing_refunds import SIPHO, pressed_late, states
from tests.support.browser import Browser
from tests.support.merging import healthy
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

LEAVES_AFTER_A_MINUTE = "It leaves us after a minute. Until then you can undo it on the reader’s page."
LEAVES_AT_ONCE = "charged after the moment of asking leaves at once, and can’t be undone."
STAYS_ENDED = "That undoes the refund alone: the subscription stays ended."


def record_with_last_charge(world: World, member: Browser, reader: Subscriber) -> str:
    """A member records the death, and gives the last charge back; the address that undoes the refund."""
    page = record(member, reader, chosen="last")
    assert "until then you can undo it here" in page.text
    (refund,) = world.rows("SELECT id FROM refund WHERE undone_at IS NULL")
    return f"{page_of(reader)}/refunds/{refund['id']}/undo"


def preview(member: Browser, reader: Subscriber, **typed: str) -> str:
    where = f"{page_of(reader)}/deceased"
    member.get(where)
    return member.post(where, **FORM | typed, step="preview").words


def cents(world: World) -> list[int]:
    """As the audit counts them."""
    acts = "SELECT cents FROM audit_line WHERE act IN ('deceased', 'undo_refund') AND outcome = 'done' ORDER BY id"
    return [row["cents"] for row in world.rows(acts)]


def test_undone_within_the_minute_no_money_leaves_and_the_mail_mentions_none(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    member = staff("support", SIPHO)
    words = preview(member, paid, chosen="last")
    assert (LEAVES_AFTER_A_MINUTE in words, LEAVES_AT_ONCE in words) == (True, False)
    undo = record_with_last_charge(world, member, paid)
    assert "R75.00 incl. VAT goes back" in member.page.words
    assert "can be undone until" in member.page.words
    assert STAYS_ENDED in member.page.words
    world.advance(seconds=59)
    assert (world.sandbox.refunds(), world.mail_kinds(EXECUTOR)) == ([], []), "the mail waits for it"

    page = member.get(page_of(paid))
    page = member.post(undo)
    assert "Undone. No money has left." in page.text
    assert "was undone by staff before it left" in page.words
    assert STAYS_ENDED not in page.words
    world.settle()
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]
    letter = world.letter(EXECUTOR, "has ended, as its reader has died")
    assert "R75" not in letter.text
    assert "goes back" not in letter.text
    assert letter.enclosures == ()
    world.advance(days=3)
    assert (world.sandbox.refunds(), states(world), state(world)) == ([], ["failed"], "ended")
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]
    assert cents(world) == [7500, -7500]
    healthy(world)


def test_when_the_minute_is_over_it_goes_with_mail_and_credit_note(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    member = staff("support", SIPHO)
    undo = record_with_last_charge(world, member, paid)
    shown = member.page
    world.advance(minutes=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert pressed_late(member, undo, shown).status == 409
    letter = world.letter(EXECUTOR, "has ended, as its reader has died")
    words = " ".join(letter.text.split())
    assert "R75.00 incl. VAT goes back to the card that paid" in words
    assert "CN-000001" in words
    world.advance(days=3)
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]
    assert (states(world), cents(world)) == (["succeeded"], [7500])
    healthy(world)


@pytest.mark.parametrize("chosen", ["auto", "last"])
def test_what_was_charged_after_the_moment_of_asking_leaves_at_once(
    world: World, paid_twice: Subscriber, staff: SignIn, chosen: str
) -> None:
    member, since = staff("support", SIPHO), "2027-04-10T10:00"
    words = preview(member, paid_twice, asked=since, chosen=chosen)
    assert (LEAVES_AFTER_A_MINUTE in words, LEAVES_AT_ONCE in words) == (False, True)
    page = record(member, paid_twice, asked=since, chosen=chosen)
    assert "can be undone until" not in page.words
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]
    healthy(world)


def test_after_an_undo_the_same_charge_can_still_go_back_once(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    member = staff("support", SIPHO)
    undo = record_with_last_charge(world, member, paid)
    member.post(undo)
    take_back(member, paid)
    assert "No money goes back." in preview(member, paid, chosen="last"), "no subscription ends with it"
    where = f"{page_of(paid)}/refund"
    (payment,) = world.rows("SELECT id FROM payment")
    member.get(f"{where}?payment={payment['id']}")
    member.post(where, amount="75", step="preview")
    page = member.post(where, amount="75", step="confirm", reason="her daughter asked")
    assert "can be undone until" in page.words
    assert STAYS_ENDED not in page.words, "that refund ended nothing"
    world.advance(minutes=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    healthy(world)


def test_a_colleague_who_undoes_it_gives_away_no_more_for_that(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    undo = record_with_last_charge(world, staff("support", SIPHO), paid)
    colleague = staff("support", "nandi@paper.example")
    colleague.get(page_of(paid))
    assert colleague.post(undo).status == 200
    assert cents(world) == [7500, 0]
