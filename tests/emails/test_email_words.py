"""The texts of mails: what each must say, and what none may say."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from billing.dev.previews.mails import HOUSE, samples
from billing.notices.cancellation import CancelledMail
from billing.notices.payment import PaymentFailedMail, ReceiptMail
from billing.notices.refunds import RefundedMail
from billing.notices.trial import TrialNoticeMail, TrialStartedMail
from billing.readers.notices import SignInMail
from emails import MAILS, House, Mail, Rendered, render
from emails.languages import offered, say
from tests.emails.lint import tree
from tests.emails.rules import IN_ANY_LANGUAGE, RULES, parts, words

NAMES = list(samples())
AFRIKAANS = offered(["af"]).default


def both(name: str) -> list[str]:
    """The text part in one line, and the words of the HTML part."""
    return parts(render(samples()[name], HOUSE))


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(message) for message in samples().values()} == set(MAILS.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_mail(name: str, rule: Callable[[Rendered, Mail], None]) -> None:
    message = samples()[name]
    rule(render(message, HOUSE), message)


@pytest.mark.parametrize("rule", IN_ANY_LANGUAGE, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_mail_in_afrikaans(name: str, rule: Callable[[Rendered, Mail], None]) -> None:
    message = samples()[name]
    rule(render(message, HOUSE, AFRIKAANS), message)


def test_the_trial_is_confirmed_with_its_terms() -> None:
    for said in both("trial-started"):
        assert re.search(r"Charged today:? +R0\.00", said)
        assert "the end of Sunday 15 March 2026" in said
        assert "R75.00 incl. VAT on Monday 16 March 2026" in said
        assert "R75.00 incl. VAT every month, until you cancel" in said
        assert "Visa ending in 4242" in said
        assert (
            "Unless you cancel before Monday 16 March 2026, your card will be charged R75.00 incl. VAT"
            in said
        )
        assert "You can cancel at any time, online" in said
    started = samples()["trial-started"]
    assert isinstance(started, TrialStartedMail)
    mail = render(started, HOUSE)
    assert started.cancel_url in mail.text
    assert f'href="{started.cancel_url}"' in mail.html


@pytest.mark.parametrize(
    ("name", "brand"), [("trial-notice-first", "Visa"), ("trial-notice-second", "Mastercard")]
)
def test_both_notices_say_amount_date_card_and_how_to_cancel(name: str, brand: str) -> None:
    notice = samples()[name]
    assert isinstance(notice, TrialNoticeMail)
    for said in both(name):
        assert "R75.00 incl. VAT" in said
        assert "Monday 16 March 2026" in said
        assert f"{brand} ending in {notice.card_last4}" in said
        assert "Cancel before Monday" in said or "cancel before Monday" in said
    mail = render(notice, HOUSE)
    assert notice.cancel_url in mail.text
    assert f'href="{notice.cancel_url}"' in mail.html
    assert "R75.00" in mail.subject
    assert "16 March 2026" in mail.subject


def test_the_two_notices_differ() -> None:
    first, second = (render(samples()[f"trial-notice-{which}"], HOUSE) for which in ("first", "second"))
    assert first.subject != second.subject
    assert get_args(TrialNoticeMail.__annotations__["which"]) == ("first", "second")
    assert "last reminder" in second.text
    assert "last reminder" not in first.text


@pytest.mark.parametrize("name", ["receipt", "receipt-copy", "receipt-last"])
def test_the_receipt_is_an_abridged_tax_invoice(name: str) -> None:
    for said in both(name):
        assert "tax invoice" in said.lower()
        for fact in (
            "Karoo Courier Media (Pty) Ltd",
            "14 Stockenstroom Street, Graaff-Reinet, 6280",
            "4000000018",
            "INV-000123",
            "Monday 16 March 2026",
            "Digital subscription, one month",
            "16 March to 15 April 2026",
        ):
            assert fact in said, fact
        assert re.search(r"Value, excluding VAT:? +R65\.22", said)
        assert re.search(r"VAT at 15%:? +R9\.78", said)
        assert re.search(r"Total, including VAT:? +R75\.00", said)
        assert "Visa ending in 4242" in said
    (heading,) = tree(render(samples()[name], HOUSE).html).all("h1")
    assert heading.text.startswith("Tax invoice")


def test_only_a_copy_says_copy() -> None:
    assert "opy" not in "".join(both("receipt")) + render(samples()["receipt"], HOUSE).subject
    copy = render(samples()["receipt-copy"], HOUSE)
    assert copy.subject.startswith("Copy of tax invoice INV-000123")
    assert copy.text.startswith("TAX INVOICE (COPY)")
    assert "Tax invoice (copy)" in words(copy.html)


def test_a_receipt_says_how_to_cancel_while_something_will_be_charged() -> None:
    receipt = samples()["receipt"]
    assert isinstance(receipt, ReceiptMail)
    mail = render(receipt, HOUSE)
    assert "Thursday 16 April 2026" in mail.text
    assert receipt.cancel_url in mail.text
    last = render(replace(receipt, next_charge_on=None), HOUSE)
    assert "No further payment is planned." in last.text
    assert receipt.cancel_url not in last.text + last.html


def test_the_credit_note_names_its_invoice_and_reason() -> None:
    for said in both("refunded"):
        assert "credit note" in said.lower()
        for fact in (
            *(
                "CN-000007",
                "INV-000123",
                "Friday 20 March 2026",
                "Cancelled within 14 days of the first payment",
            ),
            *(HOUSE.legal_name, HOUSE.address, HOUSE.vat_number, "Visa ending in 4242"),
        ):
            assert fact in said, fact
        assert re.search(r"R65\.22.*R9\.78.*R75\.00", said)
    refunded = samples()["refunded"]
    assert isinstance(refunded, RefundedMail)
    assert "R1 234.50 incl. VAT" in render(
        replace(refunded, notes=(replace(refunded.notes[0], amount=123450, net=107348, vat=16102),)), HOUSE
    ).subject.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "name", ["payment-failed", "payment-failed-card", "payment-failed-confirm", "payment-failed-cause-bank"]
)
def test_a_declined_payment_is_no_invoice_and_blames_nobody(name: str) -> None:
    mail = render(samples()[name], HOUSE)
    for said in (mail.subject, mail.text, mail.html):
        assert not re.search(
            r"invoice|lost|stolen|fraud|insufficient|\bfunds|money in|suspicious|expired", said, re.IGNORECASE
        )
    assert "You can read until" in mail.text
    assert "Sunday 5 April 2026" in mail.text
    assert ("Thursday 19 March 2026" in mail.text) == (
        name in ("payment-failed", "payment-failed-cause-bank")
    )
    failed = samples()[name]
    assert isinstance(failed, PaymentFailedMail)
    assert failed.pay_url in mail.text
    assert failed.card_url in mail.text
    assert ("Your bank asks for you" in mail.html) == failed.confirm
    assert failed.cancel_url in mail.text


@pytest.mark.parametrize(
    ("message", "says", "not_says"),
    [
        (
            CancelledMail("2026-03-15", False, "https://a.example/undo", "https://a.example/"),
            "You were not charged",
            "again",
        ),
        (
            CancelledMail("2026-04-15", True, None, "https://a.example/"),
            "You will not be charged again",
            "not charged, and",
        ),
        (
            CancelledMail(None, True, None, "https://a.example/"),
            "Reading for subscribers has stopped",
            "until the end",
        ),
    ],
)
def test_a_cancellation_says_what_was_and_will_be_charged(
    message: CancelledMail, says: str, not_says: str
) -> None:
    mail = render(message, HOUSE)
    body = mail.text.partition("----")[0]
    assert says in " ".join(body.split())
    assert says in words(mail.html)
    assert not_says not in " ".join(body.split()).partition(says)[0] + says
    assert (message.undo_url or message.offer_url) in mail.text


def test_a_sign_in_mail_keeps_its_secret_out_of_the_subject() -> None:
    message = SignInMail("https://a.example/in#secret", "12345678", 10)
    mail = render(message, HOUSE)
    assert "12345678" not in mail.subject
    assert "12345678" in mail.text
    assert "12345678" in words(mail.html)
    assert 'href="https://a.example/in#secret"' in mail.html


def test_a_long_house_and_long_links_stay_readable() -> None:
    long = House(
        "The " + "Very " * 30 + "Long",
        "L" * 100,
        "14 Street, " * 20,
        "4000000018",
        "a@b.example",
        "1",
        "https://a.example",
    )
    link = "https://a.example/" + "x" * 200
    mail = render(
        TrialNoticeMail("first", 7500, "2026-03-16", "visa", "4242", say("nothing"), link, link), long
    )
    too_long = {line.strip() for line in mail.text.split("\n") if len(line) > 78}
    assert too_long == {link, "L" * 100 + ","}
