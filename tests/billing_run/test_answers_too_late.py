"""Answers that come after something else has happened: the money is kept once, or refunded automatically."""

from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from billing.acquirer.answers import Charged, Outcome
from billing.acquirer.answers import Declined as Refused
from billing.billing_run.settle import settle_all
from billing.payments.charge import NotSent
from billing.platform.actors import WORKER
from billing.staff.lists import documents, listing
from billing.staff.lists.documents import DocumentFilter, TaxDocumentKind
from billing.staff.lists.fields import Amounts
from tests.proofs.steps import intend, send, settle_attempt
from tests.support import ledger_checks
from tests.support.books import read_book, write_books
from tests.support.browser import Browser
from tests.support.declined_charge import Declined
from tests.support.world import World, local

pytestmark = pytest.mark.rare
RETRY_AT = local(2027, 3, 19, 9)


def to_the_page(world: World, reader: Declined) -> tuple[Browser, str]:
    """The browser that follows the mailed link to the hosted page, and the page's address."""
    browser = world.browser()
    browser.get(world.mailed_link(reader.email, "/pay/"))
    page = browser.sent_to("/pay/page")
    return browser, page


def give_up_as_closed(world: World, action: str = "retry", at: datetime = RETRY_AT) -> None:
    """Settle the open page as closed, though it isn't (a restored database, an acquirer's fault)."""
    with world.services.database.transaction() as session:
        for lost in (
            "UPDATE attempt SET state = 'not_sent', settled_at = intended_at WHERE state = 'open'",
            "UPDATE subscription SET charging_since = NULL, next_action = :action, next_action_at = :at",
        ):
            session.execute(sa.text(lost), {"action": action, "at": at})


def paid_and_given_up(world: World, reader: Declined) -> tuple[str, Outcome | NotSent]:
    """The attempt of a page that is paid and settled as closed, and Stripe's answer, which isn't stored yet."""
    _, page = to_the_page(world, reader)
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    world.sandbox.fill_in(page)
    world.skip_to(world.rows("SELECT next_poll_at FROM attempt WHERE state = 'open'")[0]["next_poll_at"])
    answer = send(world, reader.subscription_id)
    assert isinstance(answer[1], Charged)
    give_up_as_closed(world)
    return answer


def test_an_invoice_that_was_paid_twice_was_sold_once(
    world: World, declined: Declined, tmp_path: Path
) -> None:
    paid_twice(world, declined)
    first, last = date(2027, 3, 1), date(2027, 4, 30)
    write_books(world, tmp_path, first, last)
    invoices, notes, vat = (read_book(tmp_path, name) for name in ("invoices", "credit-notes", "vat"))
    assert [(row["number"], row["VAT, R"]) for row in invoices] == [("INV-000001", "9.78")]
    assert [(row["including VAT, R"], row["paid twice, R"]) for row in notes] == [("0.00", "75.00")]
    assert [(row["excluding VAT, R"], row["VAT, R"]) for row in vat] == [("65.22", "9.78")]
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        sold, credited = (documents.sums(ctx, DocumentFilter(kind)) for kind in TaxDocumentKind)
        printing = {
            amounts: listing.count(
                ctx.session,
                documents.of_documents(ctx, DocumentFilter(TaxDocumentKind.CREDIT_NOTES, amount=amounts)),
            )
            for amounts in (Amounts(None, 0), Amounts(0, 100), Amounts(1, None), Amounts(None, 10**7))
        }
    assert (sold.net.amount, sold.gross.amount) == (6522, 7500)
    assert (credited.net.amount, credited.gross.amount) == (0, 0)
    assert list(printing.values()) == [1, 1, 0, 1], "its credit note prints R0.00"


def retried(world: World, reader: Declined) -> tuple[str, Outcome | NotSent]:
    """The attempt of a refused retry, and Stripe's answer, which isn't stored yet."""
    world.skip_to(RETRY_AT)
    intend(world, reader.subscription_id)
    answer = send(world, reader.subscription_id)
    assert isinstance(answer[1], Refused)
    return answer


def paid_twice(world: World, declined: Declined) -> Browser:
    """The browser of a reader whose page was settled as closed. Its payment appears after another was made."""
    browser, page = to_the_page(world, declined)
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    world.sandbox.fill_in(page)
    give_up_as_closed(world)
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.replace(card, number="5555555555554444")
    browser.get("/pay")
    assert "this is paid" in browser.post("/pay").words
    world.sandbox.trouble()
    completed = [event for event in world.sandbox.events() if event["type"] == "checkout.session.completed"]
    (late,) = [event for event in completed if event["data"]["object"]["mode"] == "payment"]
    world.sandbox.resend(late["id"], copies=2)
    world.settle()
    return browser


def test_money_that_comes_twice_all_the_same_goes_back_by_itself(world: World, declined: Declined) -> None:
    browser = paid_twice(world, declined)
    assert len(world.charges()) == 2
    assert [refund["status"] for refund in world.sandbox.refunds()] == ["succeeded"]
    assert world.rows("SELECT duplicate FROM payment ORDER BY duplicate") == [
        {"duplicate": False},
        {"duplicate": True},
    ]
    assert world.mail_kinds(declined.email).count("receipt") == 1
    assert world.rows("SELECT amount, vat FROM refund") == [{"amount": 7500, "vat": 0}], (
        "no supply, so no VAT"
    )
    assert [letter for letter in world.letters(declined.email) if "paid already" in letter.text] != []
    ledger_checks.check(world)
    assert "this is paid" in browser.get("/pay").words


@pytest.mark.parametrize("first", ["paid", "refused"])
def test_a_page_is_paid_and_a_retry_refused_and_both_answers_come_at_once(
    world: World, declined: Declined, first: str
) -> None:
    """In either order the invoice is paid, and the refusal has no effect."""
    answers = [paid_and_given_up(world, declined), retried(world, declined)]
    words = ["charged", "declined"]
    if first == "refused":
        answers.reverse()
        words.reverse()
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        assert settle_all(ctx, answers) == words
    world.settle()
    assert world.subscription(declined.subscription_id)["status"] == "active"
    mails = world.mail_kinds(declined.email)
    assert mails.count("receipt") == 1
    assert mails.count("payment_failed") == 1, "the first charge's; the payment takes the retry's back"
    world.advance_to(local(2027, 4, 15, 12))
    assert len([charge for charge in world.charges() if charge["status"] == "succeeded"]) == 1, (
        "no retry follows"
    )
    ledger_checks.check(world)


def test_a_page_paid_after_the_grace_goes_back(world: World, declined: Declined) -> None:
    """The subscription ended with the grace, so no mail says that the reader cancelled."""
    world.advance_to(local(2027, 4, 5, 23, 45))
    _, page = to_the_page(world, declined)
    give_up_as_closed(world, "give_up", local(2027, 4, 6))
    world.advance_to(local(2027, 4, 6))
    assert world.subscription(declined.subscription_id)["status"] == "ended"
    world.sandbox.fill_in(page)
    world.settle()
    (refund,) = world.rows("SELECT amount, state, reason FROM refund")
    assert (refund["amount"], refund["state"]) == (7500, "succeeded")
    assert refund["reason"].startswith("Your subscription had been stopped")
    assert world.subscription(declined.subscription_id)["status"] == "ended"
    ledger_checks.check(world)


def test_a_card_given_while_the_old_one_is_asked_is_tried_at_once(world: World, declined: Declined) -> None:
    """The ladder would have waited for days."""
    answer = retried(world, declined)
    browser = world.browser()
    browser.get(world.mailed_link(declined.email, "/card/"))
    page = browser.sent_to("/card")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    assert settle_attempt(world, *answer) == "settled", "the old card's answer was looked up first"
    world.settle()
    assert [charge["payment_method_details"]["card"]["last4"] for charge in world.charges()] == ["4444"]
    assert world.subscription(declined.subscription_id)["status"] == "active"
    ledger_checks.check(world)
