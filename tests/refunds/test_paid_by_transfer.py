"""A refund that failed for good is paid by bank transfer: finance posts it with its credit note, and the books stay clean."""

from datetime import date
from typing import Any

import pytest

from billing.reconcile.reconcile import reconcile
from billing.reports import doctor
from tests.support import ledger_checks
from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.cancel_helpers import cancel
from tests.support.ledger_queries import balances, journal
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def refund(world: World) -> dict[str, Any]:
    """The only one."""
    (row,) = world.rows("SELECT * FROM refund")
    return row


@pytest.fixture(params=["too_old", "pending_fails", "canceled"])
def refused(world: World, paid: Subscriber, request: pytest.FixtureRequest) -> Subscriber:
    """A reader who left at once on 16 March. Stripe refused the refund for good. It is 20 March, noon."""

    def live() -> None:
        world.sandbox.banks("refunds", **{"as": request.param})
        cancel(world, paid.subscription_id, when="now", refund="last")
        world.advance_to(local(2027, 3, 20, 12))
        world.sandbox.banks("refunds", **{"as": None})

    world.once(f"a refund is refused for good: {request.param}", live)
    return paid


def pay(finance: Browser, **typed: str) -> Answer:
    """Write a transfer down on the page of the books."""
    finance.get("/staff/books")
    return finance.post("/staff/books/paid-back", **typed)


def clean(world: World) -> None:
    """No promise is broken, and our books are Stripe's."""
    services = world.services
    assert [
        one.promise.name for one in doctor.examine(services.database, services.site, world.now) if one.count
    ] == []
    report = reconcile(services.reconcile_context, date(2027, 3, 16), date(2027, 3, 19), world.now)
    assert report.differences == []
    ledger_checks.check(world)


def test_finance_books_it_with_reference_and_day_and_its_credit_note_goes_out(
    world: World, refused: Subscriber, staff: SignIn
) -> None:
    assert (refund(world)["state"], refund(world)["credit_note_number"]) == ("failed", None)
    finance = staff("finance")
    owed = finance.get("/staff/books")
    assert "Owed to readers" in owed.words
    assert f"{refused.email} R75.00 incl. VAT when it is paid" in owed.words
    assert "Write down the bank" in pay(finance, reference=" ", on="2027-03-19").words
    done = pay(finance, reference="EFT 2027/118", on="2027-03-19")
    assert "Owed to readers" not in done.words
    world.settle()
    row = refund(world)
    assert (row["credit_note_number"], row["paid_back_ref"], row["state"]) == (1, "EFT 2027/118", "failed")
    assert row["paid_back_at"] == local(2027, 3, 19)
    assert journal(world)[-1].endswith("bank -7500")
    assert "refund" in journal(world)[-1]
    assert balances(world)["bank"] == -7500
    assert balances(world)["gateway"] > 0, "the charge is still at Stripe, for the next payout"
    note = world.letter(refused.email, "Credit note")
    assert "by bank transfer, with the reference “EFT 2027/118”" in " ".join(note.text.split())
    assert note.enclosures[0].name == "credit-note-CN-000001.pdf"
    (line,) = world.rows(f"SELECT act, {BY}, after FROM audit_line WHERE act = 'paid_back_by_hand'")
    assert line["by"] == "staff:finance@paper.example"
    assert line["after"] == {"cents": 7500, "reference": "EFT 2027/118", "on": "2027-03-19"}
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == []
    clean(world)


def test_it_is_booked_once_and_by_finance_alone(world: World, refused: Subscriber, staff: SignIn) -> None:
    finance, refund_id = staff("finance"), refund(world)["id"]
    assert staff("support").get("/staff/books").status == 403
    for day in ("2027-03-21", "2027-03-15", "soon"):
        assert pay(finance, reference="EFT 1", on=day).status == 422, day
    assert "Owed to readers" not in pay(finance, reference="EFT 1").words
    finance.get("/staff/books")
    again = finance.http.post(
        "/staff/books/paid-back", data={"refund_id": refund_id, "reference": "EFT 2", "on": "2027-03-20"}
    )
    assert again.status_code in (403, 409)
    assert balances(world)["bank"] == -7500
    answer = world.api.post(f"/v1/payments/{refund(world)['payment_id']}/refunds", json={"reason": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_exceeds_payment")


def test_the_reader_sees_what_is_owed_and_then_what_was_paid(
    world: World, refused: Subscriber, staff: SignIn
) -> None:
    browser = world.browser()
    browser.sign_in(refused.email)
    assert "R75.00 incl. VAT owed to you" in browser.get("/account").words
    assert "R75.00 (incl. VAT) could not go back to your card" in browser.get("/account/cancelled").words
    pay(staff("finance"), reference="EFT 1")
    page = browser.get("/account").words
    assert "owed to you" not in page
    assert "R75.00 incl. VAT refunded" in page


def test_a_part_that_is_asked_again_and_goes_is_owed_no_more(
    world: World, refused: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    assert "Owed to readers" in finance.get("/staff/books").words
    payment = refund(world)["payment_id"]
    world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "to the card"}).raise_for_status()
    assert "Owed to readers" not in finance.get("/staff/books").words, "it is on its way"
    world.settle()
    assert "Owed to readers" not in finance.get("/staff/books").words
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == []
    clean(world)


def test_a_bad_day_or_no_reference_keeps_what_was_typed_in_its_row(
    world: World, refused: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    page = pay(finance, reference="EFT 2027/118", on="2027-03-21")
    assert page.status == 422
    row = page.text.partition(f'name="refund_id" value="{refund(world)["id"]}"')[2].partition("</tr>")[0]
    assert 'value="EFT 2027/118"' in row
    assert 'value="2027-03-21"' in row
    assert "is today or before" in row, "the row says what is wrong with it"
    page = pay(finance, reference=" ", on="2027-03-19")
    assert 'value="2027-03-19"' in page.text
    assert refused.email in page.words
