"""A receipt has its tax invoice, and a refund mail its credit note, as a PDF with the mail's facts (H14)."""

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.dev.previews.mails import HOUSE, samples
from billing.notices.payment import ReceiptMail
from billing.notices.refunds import RefundedMail
from emails import Mail, pdf_of, print_documents, render
from emails.languages import named
from tests.support.pdf import Pdf

RECEIPT = cast(ReceiptMail, samples()["receipt"])
REFUNDED = cast(RefundedMail, samples()["refunded"])
(NOTE,) = REFUNDED.notes


def printed(message: Mail) -> Pdf:
    return Pdf(print_documents(message.documents, HOUSE).content)


def with_reason(reason: str) -> RefundedMail:
    return replace(REFUNDED, notes=(replace(NOTE, reason=named("refund reason", reason)),))


def test_receipts_corrections_and_refunds_alone_carry_a_paper() -> None:
    papers = {name: pdf_of(message, HOUSE) for name, message in samples().items()}
    assert {name: paper.name for name, paper in papers.items() if paper} == {
        "receipt": "tax-invoice-INV-000123.pdf",
        "receipt-copy": "tax-invoice-INV-000123-copy.pdf",
        "receipt-last": "tax-invoice-INV-000123.pdf",
        "receipt-again": "tax-invoice-INV-000123.pdf",
        "invoice-corrected": "tax-invoice-INV-000131.pdf",
        "invoice-corrected-again": "tax-invoice-INV-000131.pdf",
        "cancelled-with-money": "credit-note-CN-000007.pdf",
        "death-recorded-with-money": "credit-note-CN-000007.pdf",
        "refunded": "credit-note-CN-000007.pdf",
        "refunded-again": "credit-note-CN-000007.pdf",
        "refunded-by-transfer": "credit-note-CN-000007.pdf",
        "refunded-with-invoice": "tax-invoice-INV-000123.pdf",
        "refunded-later": "tax-invoice-INV-000123.pdf",
        "refunded-two-cards": "credit-note-CN-000007.pdf",
        "refunded-not-taken": "tax-invoice-INV-000123.pdf",
    }


@pytest.mark.parametrize(
    "name",
    [
        "receipt",
        "receipt-copy",
        "receipt-last",
        "receipt-again",
        "refunded",
        "refunded-again",
        "refunded-by-transfer",
    ],
)
def test_a_paper_is_accessible_and_one_page(name: str) -> None:
    paper = printed(samples()[name])
    assert len(paper.pages) == 1
    assert paper.is_accessible


def test_a_tax_invoice_holds_what_the_law_asks() -> None:
    paper = printed(RECEIPT)
    for words in (
        "Tax invoice Tax invoice no. INV-000123 Date Monday 16 March 2026",
        "Supplier Karoo Courier Media (Pty) Ltd Address 14 Stockenstroom Street, Graaff-Reinet, 6280 VAT number 4000000018",
        "Description Digital subscription, one month Period 16 March to 15 April 2026",
        "Value, excluding VAT R65.22 VAT at 15% R9.78 Total, including VAT R75.00",
        "Paid with Visa ending in 4242",
    ):
        assert words in paper.words
    assert "copy" not in paper.words.lower()
    assert paper.title == "Tax invoice INV-000123"
    copy = printed(replace(RECEIPT, is_copy=True))
    assert "Tax invoice (copy)" in copy.words
    assert copy.title == "Tax invoice (copy) INV-000123"


def test_a_credit_note_names_its_invoice_and_its_reason() -> None:
    paper = printed(REFUNDED)
    assert paper.title == "Credit note CN-000007"
    for words in (
        "Credit note Credit note no. CN-000007",
        f"For tax invoice no. {NOTE.invoice_number} Reason {NOTE.reason}",
        "Total refunded, including VAT R75.00 Refunded to Visa ending in 4242",
    ):
        assert words in paper.words


def test_what_people_typed_stays_their_words() -> None:
    typed = 'Cost #sys.version *off* _by_ $1$ \\ "late" // <paper> @me ḓ ḽ ṋ ṱ'
    paper = printed(with_reason(typed))
    assert f"Reason {typed} Supplier" in paper.words
    assert paper.is_accessible


def test_the_same_facts_give_the_same_bytes() -> None:
    assert print_documents(RECEIPT.documents, HOUSE) == print_documents(RECEIPT.documents, HOUSE)
    assert print_documents(RECEIPT.documents, HOUSE) != print_documents(
        replace(RECEIPT, number="INV-000124").documents, HOUSE
    )


def test_an_invoice_and_its_credit_notes_are_a_page_each() -> None:
    both = print_documents([*RECEIPT.documents, NOTE], HOUSE)
    assert both.name == "tax-invoice-INV-000123.pdf"
    invoice, note = Pdf(both.content).pages
    assert "Tax invoice no. INV-000123" in invoice
    assert "Credit note no. CN-000007" in note


@given(st.text(max_size=300))
@settings(max_examples=60)
def test_no_reason_that_can_be_mailed_keeps_its_credit_note_from_being_printed(reason: str) -> None:
    words = with_reason(reason)
    render(words, HOUSE)
    assert "Credit note no. CN-000007" in printed(words).pages[0]


@pytest.mark.parametrize("letter", ["\ufffe", "ٖ"])
def test_a_letter_that_no_font_has_costs_the_standard_and_not_the_paper(letter: str) -> None:
    paper = printed(with_reason(f"Returned {letter} today"))
    assert not paper.is_accessible
    assert "Credit note no. CN-000007" in paper.words


def test_a_charge_that_went_back_at_once_has_both_of_its_papers_in_one_file() -> None:
    paper = pdf_of(samples()["refunded-with-invoice"], HOUSE)
    assert paper is not None
    invoice, note = Pdf(paper.content).pages
    assert "Tax invoice no. INV-000123" in invoice
    assert "copy" not in invoice.lower()
    assert "For tax invoice no. INV-000123" in note
