"""Which money a cancellation gives back, and what the page that confirms it says of that."""

import pytest

from tests.support.cancel_helpers import cancel, cancel_signed_out, refused
from tests.support.world import World, local

EMAIL = "naledi@example.com"


def test_staff_enter_a_letter_received_in_the_trial_and_both_charges_since_go_back(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription, reader = begun["subscription"]["id"], begun["reader"]["id"]
    world.advance_to(local(2027, 5, 3, 11))
    assert len(world.charges()) == 2
    cancel(world, subscription, requested_at="2027-03-14T18:00:00+02:00", reason="letter")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500, 7500]
    invoices = world.api.get(f"/v1/readers/{reader}/invoices").json()["data"]
    notes = [world.api.get(f"/v1/invoices/{invoice['id']}").json()["refunds"] for invoice in invoices]
    assert sorted(note["credit_note"] for found in notes for note in found) == ["CN-000001", "CN-000002"]
    assert sorted(world.told(EMAIL)[-3:]) == ["cancelled", "refunded", "refunded"]
    refunded = [letter for letter in world.letters(EMAIL) if "CN-00000" in letter.text]
    assert all("R75.00" in letter.text and "R9.78" in letter.text for letter in refunded)
    assert len(refunded) == 2
    assert world.subscription(subscription)["status"] == "ended"
    assert world.access(world.articles["subscriber"][0], reader)["reason"] == "subscribe"
    world.advance_to(local(2027, 8, 1))
    assert len(world.charges()) == 2


def test_a_moment_between_two_charges_gives_back_only_the_later_one(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription = begun["subscription"]["id"]
    world.advance_to(local(2027, 4, 20))
    after = cancel(world, subscription, requested_at="2027-04-01T12:00:00Z")
    assert after["cancel_requested_at"] == "2027-04-01T12:00:00Z"
    world.settle()
    newest, oldest = world.sandbox.charges()
    assert (newest["amount_refunded"], oldest["amount_refunded"]) == (7500, 0)
    assert world.subscription(subscription)["status"] == "ended", "the month that was paid for is over"


def test_now_and_the_last_charge_back_none_or_only_what_came_after(world: World) -> None:
    wishes: dict[str, tuple[dict[str, str], str, int]] = {
        "now, last": ({"when": "now", "refund": "last"}, "ended", 7500),
        "now, none": ({"when": "now", "refund": "none"}, "ended", 0),
        "now": ({"when": "now"}, "ended", 0),
        "end, last": ({"refund": "last"}, "ended", 7500),
        "end, none": ({"refund": "none", "requested_at": "2027-04-20T08:00:00Z"}, "active", 0),
    }
    begun = {
        name: world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n, name in enumerate(wishes)
    }
    world.advance_to(local(2027, 5, 1))
    for name, (wish, _, _) in wishes.items():
        cancel(world, begun[name]["subscription"]["id"], **wish)
    world.settle()
    for name, (_, status, returned) in wishes.items():
        one = begun[name]
        assert (name, world.subscription(one["subscription"]["id"])["status"]) == (name, status)
        charges = world.charges(of=one["reader"]["id"])
        assert [charge["amount_refunded"] for charge in charges] == [0, returned]
        reads = world.access(world.articles["subscriber"][0], one["reader"]["id"])["allowed"]
        assert reads is (status == "active")
    world.advance_to(local(2027, 6, 1))
    assert len(world.charges()) == 2 * len(wishes)


def test_what_was_charged_after_the_moment_of_asking_is_never_kept(world: World) -> None:
    """Not even when a program says so: the doctor would send it back at night, with an apology."""
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(2)]
    kept, last = (one["subscription"]["id"] for one in begun)
    world.advance_to(local(2027, 5, 1))
    asked = "2027-03-10T08:00:00Z"
    assert refused(world, kept, refund="none", requested_at=asked) == (409, "charged_since")
    assert world.subscription(kept)["cancel_requested_at"] is None
    cancel(world, kept, requested_at=asked)
    cancel(world, last, refund="last", requested_at=asked)
    world.settle()
    for one in begun:
        charges = world.charges(of=one["reader"]["id"])
        assert [charge["amount_refunded"] for charge in charges] == [7500, 7500]
    world.advance(days=1)
    assert world.rows("SELECT kind FROM staff_case") == []


@pytest.mark.parametrize("day", [16, 30])
def test_within_14_days_of_the_first_charge_the_cancel_page_gives_it_back_in_one_step(
    world: World, day: int
) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, day, 18))
    browser = cancel_signed_out(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "End today and get R75.00 (incl. VAT) back" in browser.page.words
    done = browser.post("/cancel", when="now")
    assert "R75.00 (incl. VAT) is on its way back" in done.words
    world.settle()
    assert world.charges()[0]["amount_refunded"] == 7500
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "ended"
    assert sorted(world.told(EMAIL)[-2:]) == ["refunded", "withdrawn"]


def test_what_went_back_long_before_is_not_announced_by_the_cancelled_page(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 20, 11))
    (payment,) = world.rows("SELECT id FROM payment")
    wish = {"amount": 2000, "reason": "A week without the site"}
    answer = world.api.post(f"/v1/payments/{payment['id']}/refunds", json=wish)
    assert answer.status_code < 300, answer.text
    world.advance_to(local(2027, 4, 4, 11))
    browser = cancel_signed_out(world, world.mailed_link(EMAIL, "/cancel/"))
    done = browser.post("/cancel", when="period_end")
    assert "You can read through" in done.words
    assert "on its way back" not in done.words


def test_what_went_back_is_announced_until_the_bank_must_have_shown_it(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 20, 11))
    browser = cancel_signed_out(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "R75.00 (incl. VAT) is on its way back" in browser.post("/cancel", when="now").words
    world.advance(days=9)
    assert "R75.00 (incl. VAT) is on its way back" in browser.get("/cancel").words
    world.advance(days=3)
    assert "on its way back" not in browser.get("/cancel").words


def test_on_the_fifteenth_day_the_money_is_not_offered_and_cannot_be_taken(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 31, 0))
    browser = cancel_signed_out(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "back" not in browser.page.words.replace("Back, and keep", "")
    browser.post("/cancel", when="now")
    world.settle()
    assert world.sandbox.refunds() == []
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "active"


def test_in_the_second_month_there_is_no_cooling_off(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 4, 17))
    browser = cancel_signed_out(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "R75.00" not in browser.page.words
