"""A refund bounces or is refused for good: the reader is asked for a bank account, and staff take over."""

import pytest

from billing.notices.returned_charges import HOLD
from tests.support.cancel_helpers import cancel
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def bounced(world: World) -> None:
    """A refund of 20 March that had succeeded fails a day later. It is 22 March."""

    def live() -> None:
        world.start_trial(READER, "pm_card_refundFail")
        world.advance_to(local(2027, 3, 20, 12))
        (payment,) = world.rows("SELECT id FROM payment")
        world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
        world.advance_to(local(2027, 3, 22, 12))

    world.once("a refund that bounced", live)


def test_a_reader_whose_refund_bounced_is_told_and_asked_how_to_pay(world: World) -> None:
    bounced(world)
    assert world.mail_kinds(READER)[-2:] == ["refunded", "refund_failed"]
    letter = world.letter(READER, "did not reach your card")
    said = " ".join(letter.text.split())
    for words in (
        "We owe you: R75.00 incl. VAT",
        "Charged on: Tuesday 16 March 2027",
        "Visa ending in 5126",
        "Credit note no.: CN-000001",
        "reply to this mail",
        "the account number",
        "The credit note that we sent you still holds.",
    ):
        assert words in said, words
    (link,) = [link for link in letter.links if "/contact" in link]
    assert "What is it about" in world.browser().get(link).words
    (case,) = world.rows("SELECT what, link FROM staff_case WHERE kind = 'refund_failed'")
    assert "The reader was told, and asked for a bank account." in case["what"]
    assert case["link"] == "/staff/owed"


def test_it_is_told_once_however_often_stripe_says_it(world: World) -> None:
    bounced(world)
    for event in world.sandbox.events():
        if event["type"].startswith("refund."):
            world.sandbox.resend(event["id"], copies=2)
    world.settle()
    world.advance(days=2)
    assert world.mail_kinds(READER).count("refund_failed") == 1


def test_when_a_transfer_has_paid_it_the_reader_is_told_and_the_case_is_closed(
    world: World, staff: SignIn
) -> None:
    bounced(world)
    finance = staff("finance")
    finance.get("/staff/books")
    finance.post("/staff/books/paid-back", reference="EFT 2027/118", on="2027-03-22")
    world.settle()
    assert world.mail_kinds(READER)[-1] == "paid_back"
    said = " ".join(world.letter(READER, "to your bank account").text.split())
    assert "Reference: EFT 2027/118 For credit note no.: CN-000001" in said
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == []


@pytest.mark.parametrize("way", ["too_old", "pending_fails"])
def test_a_refund_that_never_went_is_told_as_well(world: World, paid: Subscriber, way: str) -> None:
    world.sandbox.banks("refunds", **{"as": way})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.advance(days=2)
    said = " ".join(world.letter(paid.email, "did not reach your card").text.split())
    assert "The credit note comes to you with the transfer." in said
    assert "CN-" not in said


def test_money_that_the_bank_took_back_itself_is_not_promised_once_more(
    world: World, paid: Subscriber
) -> None:
    """It was refunded in the dashboard meanwhile, so Stripe refuses ours. The reader has the money."""
    world.sandbox.client().v1.refunds.create({"charge": world.charges()[0]["id"]})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    assert "refund_failed" not in world.mail_kinds(paid.email)
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'refund_failed'")
    assert "already been refunded" in case["what"]
    assert "asked for a bank account" not in case["what"]


def newest(world: World, subject: str) -> str:
    """Subject, text and html of the mail; what follows by mail, or is on its way, is read in all of them."""
    letter = world.letter(READER, subject)
    return " ".join(f"{letter.subject} {letter.text} {letter.html}".split())


GOES_BACK = (
    "goes back to you",
    "on its way",
    "follows by mail",
    "up to ten days",
    "returned in full",
    "is returned",
)


def test_a_withdrawal_whose_refund_is_refused_at_once_promises_nothing(
    world: World, paid: Subscriber
) -> None:
    world.sandbox.banks("refunds", **{"as": "too_old"})
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/withdraw", json={}).raise_for_status()
    world.settle()
    said = newest(world, "You have withdrawn")
    assert "we owe you the charge in full" in said
    assert "did not arrive; another mail asks how we may pay you" in said
    assert [words for words in GOES_BACK if words in said] == []
    assert "was to go back to your card" in newest(world, "did not reach your card")


def test_nor_does_a_cancellation_or_a_year_left_early(world: World) -> None:
    year = subscriber(world, "yearly")
    world.sandbox.banks("refunds", **{"as": "too_old"})
    cancel(world, year.subscription_id, when="early")
    world.settle()
    said = newest(world, "You leave your year early")
    assert "did not arrive; another mail asks how we may pay you" in said
    assert [words for words in GOES_BACK if words in said] == []


def test_a_cancellation_adds_up_what_goes_back_and_nothing_else(world: World, paid_twice: Subscriber) -> None:
    world.sandbox.client().v1.refunds.create({"charge": world.charges()[-1]["id"]})
    cancel(world, paid_twice.subscription_id, requested_at="2027-03-14T18:00:00+02:00")
    world.settle()
    letter = world.letter(READER, "is cancelled")
    assert letter.subject.endswith("is cancelled, and R75.00 incl. VAT goes back to you")
    assert "has been returned before" in " ".join(letter.text.split())


def test_credit_notes_for_two_cards_name_both(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, READER)
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.settle()
    world.advance_to(local(2027, 4, 16, 12))
    world.sandbox.faults(
        {"effect": "reset", "when": "before", "method": "POST", "path": "/v1/refunds", "times": None}
    )
    cancel(world, paid.subscription_id, requested_at="2027-03-14T18:00:00+02:00")
    world.advance(seconds=HOLD.total_seconds())
    world.sandbox.faults()
    world.advance(hours=3)
    said = newest(world, "2 credit notes: R150.00 incl. VAT refunded")
    assert "back to the cards that paid" in said
    assert "Refunded to Visa ending in 4242" in said
    assert "Refunded to Mastercard ending in 4444" in said
