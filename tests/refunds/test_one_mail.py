"""Refunds with one cause are in one mail with its documents; every tax invoice reaches its reader."""

from datetime import timedelta
from typing import Any

import pytest

from billing.timetable import Queue, tick
from tests.proofs.many_readers import CHARGE_AT, trials
from tests.proofs.many_readers import cancel as ask_to_cancel
from tests.proofs.steps import intend, send, settle_attempt
from tests.support import ledger_checks
from tests.support.cancel_helpers import cancel, cancel_signed_out
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def said(world: World, email: str, subject: str) -> str:
    return " ".join(world.letter(email, subject).text.split())


@pytest.fixture
def four_charges(world: World, paid_twice: Subscriber) -> Subscriber:
    """A reader who was charged four times since a letter of 14 March that nobody opened; it is 17 June."""
    fast_forward(world, local(2027, 6, 17, 12))
    return paid_twice


LETTER = {"requested_at": "2027-03-14T18:00:00+02:00", "reason": "letter"}


def test_a_cancellation_with_four_refunds_is_one_mail_with_each_date_and_sum(
    world: World, four_charges: Subscriber
) -> None:
    before = len(world.letters(four_charges.email))
    cancel(world, four_charges.subscription_id, **LETTER)
    tick(world.services, queue=Queue.MAIL)
    assert len(world.letters(four_charges.email)) == before, (
        "it waits for the refunds, whichever queue is first"
    )
    world.settle()
    (letter,) = world.letters(four_charges.email)[before:]
    assert letter.subject.endswith("is cancelled, and R300.00 incl. VAT goes back to you")
    words = " ".join(letter.text.split())
    for month, number in (("March", 1), ("April", 2), ("May", 3), ("June", 4)):
        assert f"Charged on 16 {month} 2027: R75.00 incl. VAT to Visa ending in 4242" in words
        assert f"Credit note no.: CN-{number:06d}" in words
    (paper,) = letter.enclosures
    assert paper.name == "credit-note-CN-000001.pdf"
    world.advance(days=3)
    assert len(world.letters(four_charges.email)) == before + 1
    ledger_checks.check(world)


def test_the_mail_leaves_soon_also_when_stripe_is_away_and_the_credit_notes_follow_in_one(
    world: World, four_charges: Subscriber
) -> None:
    before = len(world.letters(four_charges.email))
    world.sandbox.faults(
        {"effect": "reset", "when": "before", "method": "POST", "path": "/v1/refunds", "times": None}
    )
    cancel(world, four_charges.subscription_id, **LETTER)
    world.settle()
    assert len(world.letters(four_charges.email)) == before
    world.advance(minutes=10)
    (letter,) = world.letters(four_charges.email)[before:]
    assert "R300.00 incl. VAT goes back to you" in letter.subject
    assert " ".join(letter.text.split()).count("on its way") >= 4
    assert "CN-" not in letter.text
    world.sandbox.faults()
    world.advance(hours=3)
    (_, notes) = world.letters(four_charges.email)[before:]
    assert notes.subject == "4 credit notes: R300.00 incl. VAT refunded"
    assert all(f"CN-{number:06d}" in notes.text for number in range(1, 5))
    ledger_checks.check(world)


def test_one_that_was_returned_before_is_said_so_and_holds_up_none_of_the_others(
    world: World, paid_twice: Subscriber
) -> None:
    newest = world.charges()[-1]
    world.sandbox.client().v1.refunds.create({"charge": newest["id"]})
    before = len(world.letters(paid_twice.email))
    cancel(world, paid_twice.subscription_id, **LETTER)
    world.settle()
    (letter,) = world.letters(paid_twice.email)[before:]
    words = " ".join(letter.text.split())
    assert "Charged on 16 March 2027: R75.00 incl. VAT to Visa ending in 4242, credit note CN-000001" in words
    assert (
        "Charged on 16 April 2027: R75.00 incl. VAT to Visa ending in 4242, has been returned before" in words
    )


def test_a_withdrawal_is_one_mail_with_its_credit_note(world: World, paid: Subscriber) -> None:
    before = len(world.letters(paid.email))
    cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/")).post("/cancel", when="now")
    world.settle()
    (letter,) = world.letters(paid.email)[before:]
    assert letter.subject.startswith("You have withdrawn: R75.00 incl. VAT")
    assert "Credit note no.: CN-000001" in " ".join(letter.text.split())
    ledger_checks.check(world)


def test_a_refund_that_waits_for_balance_holds_up_no_confirmation(world: World, paid: Subscriber) -> None:
    world.sandbox.banks("refunds", **{"as": "no_balance"})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    assert world.mail_kinds(paid.email)[-1] == "cancelled"
    assert "on its way" in said(world, paid.email, "is cancelled")
    world.sandbox.banks("refunds", **{"as": None})
    world.advance(days=1)
    assert world.mail_kinds(paid.email)[-1] == "refunded"
    ledger_checks.check(world)


def raced(world: World, refunds: str | None = None) -> dict[str, Any]:
    """A reader whose charge succeeds during the cancellation. `refunds`: what becomes of refunds, if not that they go out."""

    def live() -> list[str]:
        started = trials(world, 1)
        world.advance_to(CHARGE_AT - timedelta(seconds=1))
        return started

    (subscription_id,) = world.once("a second before the charge", live)
    world.skip_to(CHARGE_AT)
    world.sandbox.banks("refunds", **{"as": refunds})
    intend(world, subscription_id)
    attempt_id, answer = send(world, subscription_id)
    assert ask_to_cancel(world, subscription_id).status_code == 200
    assert settle_attempt(world, attempt_id, answer) == "refunded"
    return world.rows("SELECT id, email FROM reader")[0]


def test_a_charge_that_raced_a_cancellation_gets_its_invoice_and_its_credit_note_in_one_mail(
    world: World,
) -> None:
    reader = raced(world)
    world.settle()
    assert sorted(world.mail_kinds(reader["email"])[-2:]) == ["cancelled", "refunded"]
    letter = world.letter(reader["email"], "Credit note CN-000001 and tax invoice INV-000001")
    words = " ".join(letter.text.split())
    assert "Tax invoice no.: INV-000001" in words
    assert "For tax invoice no.: INV-000001" in words
    (paper,) = letter.enclosures
    assert paper.name == "tax-invoice-INV-000001.pdf"
    ledger_checks.check(world)


def test_the_invoice_of_a_raced_charge_goes_out_also_when_the_refund_waits(world: World) -> None:
    reader = raced(world, refunds="pending")
    world.settle()
    words = said(world, reader["email"], "R75.00 incl. VAT goes back to you")
    assert "Tax invoice no.: INV-000001" in words
    assert "on its way" in words
    world.advance(days=2)
    note = world.letter(reader["email"], "Credit note CN-000001")
    assert "INV-000001: R75" not in note.subject, "one original"
    assert world.mail_kinds(reader["email"]).count("refunded") == 2
    ledger_checks.check(world)
