"""Invoices and refunds in the API; a call refunds at most once, and never more than was paid."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from billing.disputes.evidence import gather
from billing.payments.models import Payment
from billing.platform.actors import WORKER
from billing.staff import money_entries
from tests.support.cancel_helpers import cancel
from tests.support.pdf import Pdf
from tests.support.start_at_once import start_at_once
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def first_invoice(world: World, reader: str) -> dict[str, Any]:
    """As programs see it."""
    return dict(world.api.get(f"/v1/readers/{reader}/invoices").json()["data"][0])


def give_back(world: World, payment: str, key: str | None = None, **body: object) -> httpx.Response:
    """Ask for a refund."""
    headers = {"Idempotency-Key": key} if key else {}
    asked = {"reason": "goodwill"} | body
    return world.api.post(f"/v1/payments/{payment}/refunds", json=asked, headers=headers)


def test_an_invoice_is_told_with_net_vat_and_gross(world: World, paid: Subscriber) -> None:
    reader, invoice = paid.reader_id, first_invoice(world, paid.reader_id)
    assert (
        invoice.items()
        >= {
            "status": "paid",
            "number": "INV-000001",
            "period_start": "2027-03-16",
            "period_end": "2027-04-16",
            "net": {"amount": 6522, "currency": "ZAR"},
            "vat": {"amount": 978, "currency": "ZAR"},
            "gross": {"amount": 7500, "currency": "ZAR"},
            "paid_at": "2027-03-16T07:00:00Z",
            "issued_on": "2027-03-16",
        }.items()
    )
    one = world.api.get(f"/v1/invoices/{invoice['id']}").json()
    assert one == invoice | {"refunds": [], "corrections": []}
    world.advance_to(local(2027, 5, 17))
    first = world.api.get(f"/v1/readers/{reader}/invoices", params={"limit": 2}).json()
    rest = world.api.get(f"/v1/readers/{reader}/invoices", params={"after": first["data"][-1]["id"]}).json()
    numbers = [row["number"] for row in [*first["data"], *rest["data"]]]
    assert (numbers, first["has_more"], rest["has_more"]) == (
        ["INV-000001", "INV-000002", "INV-000003"],
        True,
        False,
    )
    assert world.api.get("/v1/invoices/inv_nobody").json()["code"] == "unknown_invoice"
    assert world.api.get("/v1/readers/rdr_nobody/invoices").json()["code"] == "unknown_reader"


def test_a_paid_invoice_is_a_pdf(world: World, paid: Subscriber) -> None:
    invoice = first_invoice(world, paid.reader_id)
    answer = world.api.get(f"/v1/invoices/{invoice['id']}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    (page,) = Pdf(answer.content).pages
    for words in ("Tax invoice (copy)", "INV-000001", "R65.22", "VAT at 15% R9.78", "R75.00"):
        assert words in page
    give_back(world, invoice["payment_id"], amount=2500).raise_for_status()
    world.settle()
    _, note = Pdf(world.api.get(f"/v1/invoices/{invoice['id']}.pdf").content).pages
    assert "For tax invoice no. INV-000001 Reason goodwill" in note
    assert world.api.get("/v1/invoices/inv_nobody.pdf").json()["code"] == "unknown_invoice"


def test_an_open_invoice_is_no_pdf(world: World, owing: Subscriber) -> None:
    owed = world.api.get(f"/v1/readers/{owing.reader_id}/invoices").json()["data"][-1]
    assert owed["status"] == "open"
    refused = world.api.get(f"/v1/invoices/{owed['id']}.pdf")
    assert (refused.status_code, refused.json()["code"]) == (409, "invoice_not_paid")


def test_money_goes_back_in_parts_and_never_more_than_came(world: World, paid: Subscriber) -> None:
    invoice = first_invoice(world, paid.reader_id)
    payment = invoice["payment_id"]
    first = give_back(world, payment, amount=2500)
    assert first.status_code == 201
    assert (first.json()["status"], first.json()["amount"]) == (
        "pending",
        {"amount": 2500, "currency": "ZAR"},
    )
    assert give_back(world, payment, amount=1000).status_code == 201
    over = give_back(world, payment, amount=4001)
    assert (over.status_code, over.json()["code"], over.json()["left"]) == (
        409,
        "refund_exceeds_payment",
        4000,
    )
    assert give_back(world, payment).json()["amount"]["amount"] == 4000, "no amount: all that is left"
    none = give_back(world, payment)
    assert (none.status_code, none.json()["code"]) == (409, "refund_exceeds_payment")
    for wrong in ({"amount": 0}, {"amount": -1}, {"amount": 1.5}, {"reason": ""}, {"reason": None}):
        assert give_back(world, payment, **wrong).status_code == 422
    assert give_back(world, "pay_nobody").json()["code"] == "unknown_payment"

    world.settle()
    refunds = world.api.get(f"/v1/invoices/{invoice['id']}").json()["refunds"]
    assert {refund["status"] for refund in refunds} == {"succeeded"}
    assert sorted(refund["credit_note"] for refund in refunds) == ["CN-000001", "CN-000002", "CN-000003"]
    assert sum(refund["amount"]["amount"] for refund in refunds) == 7500
    assert world.charges()[0]["amount_refunded"] == 7500
    split = world.rows("SELECT amount, net, vat FROM refund")
    assert all(row["net"] + row["vat"] == row["amount"] for row in split)
    assert world.mail_kinds(paid.email).count("refunded") == 3


def test_the_same_key_gives_back_once_and_another_body_is_refused(world: World, paid: Subscriber) -> None:
    invoice = first_invoice(world, paid.reader_id)
    payment = invoice["payment_id"]
    first = give_back(world, payment, "thank-you", amount=500)
    again = give_back(world, payment, "thank-you", amount=500)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = give_back(world, payment, "thank-you", amount=600)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    refused = give_back(world, payment, "too-much", amount=99999)
    assert give_back(world, payment, "too-much", amount=99999).json() == refused.json(), (
        "refusals are answers"
    )
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [500]


def test_eight_at_once_give_back_no_more_than_was_paid(world: World, paid: Subscriber) -> None:
    invoice = first_invoice(world, paid.reader_id)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: give_back(world, invoice["payment_id"], amount=2000), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    world.settle()
    assert sum(refund["amount"] for refund in world.sandbox.refunds()) == 6000


def test_a_refund_that_stays_pending_has_its_credit_note_when_the_money_went(world: World) -> None:
    reader = world.start_trial("naledi@example.com", "pm_card_pendingRefund")["reader"]["id"]
    world.advance_to(local(2027, 3, 17))
    invoice = first_invoice(world, reader)
    assert give_back(world, invoice["payment_id"]).status_code == 201
    world.settle()

    def refund() -> dict[str, Any]:
        """The one refund of the invoice."""
        return dict(world.api.get(f"/v1/invoices/{invoice['id']}").json()["refunds"][0])

    assert (refund()["status"], refund()["credit_note"]) == ("pending", None)
    assert "refunded" not in world.mail_kinds("naledi@example.com"), "money is returned when it has arrived"
    world.advance(days=3)
    assert (refund()["status"], refund()["credit_note"]) == ("succeeded", "CN-000001")
    assert world.mail_kinds("naledi@example.com")[-1] == "refunded"


@pytest.fixture
def lost_and_found(world: World, paid: Subscriber) -> Subscriber:
    """A reader who left at once and began another subscription. A charge of the first is found only then."""
    (method,) = world.rows("SELECT gateway_ref, customer_ref FROM payment_method")
    cancel(world, paid.subscription_id, when="now", refund="none")
    world.advance_to(local(2027, 3, 20, 12))
    start_at_once(world, paid.email)
    world.advance_to(local(2027, 3, 21, 12))
    stripe: Any = world.sandbox.client()
    stripe.v1.payment_intents.create(
        {
            "amount": 7500,
            "currency": "zar",
            "customer": method["customer_ref"],
            "payment_method": method["gateway_ref"],
            "confirm": True,
            "off_session": True,
            "metadata": {
                "attempt": "att_lost",
                "invoice": "inv_lost",
                "subscription": paid.subscription_id,
                "period": "2",
                "rung": "1",
            },
        }
    )
    world.settle()
    return paid


def test_an_invoice_that_is_found_late_comes_after_those_that_were_read_before(
    world: World, lost_and_found: Subscriber
) -> None:
    """Ids follow their subscription's, so they don't sort by time. A program that continues after its last one misses
    nothing.
    """
    path = f"/v1/readers/{lost_and_found.reader_id}/invoices"
    listed = world.api.get(path).json()["data"]
    assert [row["number"] for row in listed] == ["INV-000001", "INV-000002", "INV-000003"]
    rest = world.api.get(path, params={"after": listed[1]["id"]}).json()["data"]
    assert rest == listed[2:]
    assert world.api.get(path, params={"after": listed[2]["id"]}).json()["data"] == []
    assert world.api.get(path, params={"after": "inv_nobody"}).json()["code"] == "bad_after"
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        session = ctx.session
        refs = [entry.ref for entry in money_entries.attempts(session, lost_and_found.reader_id, 2)]
        newest = session.exec(select(Payment).order_by(col(Payment.paid_at).desc())).first()
        first = session.exec(select(Payment).order_by(col(Payment.paid_at))).first()
        assert newest is not None
        assert first is not None
        others = gather(ctx, first)["other payments"]
    assert refs[0] == newest.attempt_id
    assert [one["paid"] for one in others] == sorted((one["paid"] for one in others), reverse=True)
