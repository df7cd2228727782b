"""Several readers may share a card. Its declines are counted together, even when attempts are added at the same time (RET-6)."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from tests.proofs.many_readers import all_of, due, trials
from tests.proofs.steps import intend, together
from tests.support import ledger_checks
from tests.support.cancel_helpers import cancel
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.world import World, local

REFUSED = "pm_card_chargeCustomerFail"


def share(world: World) -> None:
    """All readers pay with the card of one of them."""
    world.execute(
        'UPDATE payment_method SET fingerprint = (SELECT min(fingerprint COLLATE "C") FROM payment_method)'
    )


def attempts(world: World) -> int:
    """How many there are."""
    return len(world.rows("SELECT id FROM attempt"))


def states(world: World) -> Counter[str]:
    """How many subscriptions are in each state."""
    return Counter(row["state"] for row in world.rows("SELECT state FROM subscription"))


def eight_refusals(world: World) -> None:
    """Eight readers' first charges are refused on 16 March, all of one card. Needs a blank world."""

    def live() -> None:
        for number in range(8):
            world.start_trial(f"r{number}@example.com", f"{REFUSED}__{number}")
        share(world)
        world.advance_to(local(2027, 3, 16, 12))

    world.once("eight refusals of one card", live)
    assert states(world)["past_due"] == 8


def test_a_good_card_pays_for_ten_readers_each_month(world: World) -> None:
    trials(world, 10)
    share(world)
    world.advance_to(local(2027, 3, 16, 9, 30))
    assert states(world) == {"active": 10}
    leap_to(world, local(2027, 4, 16, 8))
    world.advance_to(local(2027, 4, 16, 9, 30))
    assert len(world.charges()) == 20, "a charge that succeeds is no retry"
    assert not [letter for letter in world.letters() if "did not approve" in letter.text]
    ledger_checks.check(world)


@pytest.mark.rare
def test_eight_unanswered_charges_however_many_workers_add_one_at_once(world: World) -> None:
    subscriptions = due(world, 11)
    share(world)
    assert together(*(partial(intend, world, one) for one in subscriptions)) == [None] * 11
    assert attempts(world) == 8
    assert states(world) == {"trialing": 11}, "three wait for the answers to the others"
    world.settle()
    world.advance(minutes=5)
    assert states(world) == {"active": 11}


@pytest.mark.rare
def test_who_was_never_asked_is_told_so_and_is_charged_when_the_card_may_be_asked(world: World) -> None:
    eight_refusals(world)
    world.advance_to(local(2027, 3, 20, 10))
    ninth = world.start_trial("ninth@example.com", "pm_card_visa__9")
    share(world)
    world.advance_to(local(2027, 4, 4, 12))
    subscription = world.subscription(ninth["subscription"]["id"])
    assert subscription["status"] == "past_due"
    letter = world.letters("ninth@example.com")[-1]
    said = " ".join(letter.text.split())
    assert "We have not asked your bank" in said
    assert "did not approve" not in said
    assert subscription["next_charge"]["at"] == "2027-04-16T07:00:00Z"
    assert "Friday 16 April 2027" in said
    browser = world.browser()
    page = browser.get(world.mailed_link("ninth@example.com", "/pay/"))
    assert "We have not asked your bank for this." in page.words
    assert "Friday 16 April 2027" in page.words
    assert 'action="/pay"' not in page.text, "another card only"
    assert "We have not asked your bank" in world.browser().sign_in("ninth@example.com").words
    world.advance_to(local(2027, 4, 16, 9, 30))
    assert world.subscription(ninth["subscription"]["id"])["status"] == "active"
    assert world.charged_at(of=ninth["reader"]["id"]) == ["2027-04-16 09:00"]


def test_another_card_pays_at_once_for_who_was_never_asked(world: World) -> None:
    eight_refusals(world)
    ninth = world.start_trial("ninth@example.com", "pm_card_visa__9")
    share(world)
    world.advance_to(local(2027, 3, 31, 12))
    browser = world.browser()
    browser.get(world.mailed_link("ninth@example.com", "/pay/"))
    target = world.sandbox.fill_in(browser.sent_to("/pay/page"), "5555555555554444")
    assert "this is paid" in browser.get(target).words
    assert world.charged_at(of=ninth["reader"]["id"]) == ["2027-03-31 12:00"]


def test_one_try_a_day_when_the_retries_of_two_readers_are_due_at_once(world: World) -> None:
    for number in range(2):
        world.start_trial(f"r{number}@example.com", f"{REFUSED}__{number}")
    world.advance_to(local(2027, 3, 16, 12))
    share(world)
    retries = local(2027, 3, 19, 9)
    world.advance_to(retries - timedelta(seconds=1))
    world.skip_to(retries)
    assert attempts(world) == 2, "one each on the day of their first charge"
    assert together(*(partial(intend, world, one) for one in all_of(world))) == [None, None]
    assert attempts(world) == 3


def test_a_start_whose_bank_was_never_asked_does_not_blame_the_bank(world: World) -> None:
    eight_refusals(world)
    begun = world.start_trial("again@example.com", "pm_card_visa")
    cancel(world, begun["subscription"]["id"], when="now")
    (own,) = world.rows(
        "SELECT m.fingerprint FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email LIKE 'again%'"
    )
    world.execute("UPDATE payment_method SET fingerprint = :own", own=own["fingerprint"])
    browser = signed_in(world, "again@example.com")
    browser.get("/subscribe?plan=monthly")
    browser.post("/subscribe/without-trial")
    page = browser.agree_and_pay("4242424242424242")
    assert "We did not charge this card" in page.words
    assert "We did not ask your bank" in page.words
    (row,) = world.rows("SELECT ended_reason FROM subscription WHERE ended_reason LIKE 'card%'")
    assert row["ended_reason"] == "card_limit"
