"""A reader's other address, with sample values: the form, the mail's links, and the link that stops it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from billing.address_changes.request import SameAddress
from billing.dev.previews.values import LONG_ADDRESS, NOW, READER, VISITOR
from billing.readers.links import WrongCode
from billing.readers.register import BadAddress
from billing.web.kit.problems import words_of
from billing.web.views.account import AddressQuestionPage
from billing.web.views.address import AddressConfirmPage, AddressPage, AddressSentPage, AddressStopPage
from billing.web.views.frame import Frame, Page

OLD, NEW = "thandi@example.org", "thandi@karoo-mail.example"


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    at, until = replace(READER, path="/account/address"), NOW + timedelta(hours=1)
    yield "address", AddressPage(email=OLD), at
    yield "address-refused", AddressPage(email=LONG_ADDRESS, refuses=True), at
    yield "address-waiting", AddressPage(email=OLD, waiting=(LONG_ADDRESS, until)), at
    typo = AddressPage(email=OLD, typed="thandi@elsewhere,example", error=words_of(BadAddress()))
    yield "address-typo", typo, at
    yield "address-same", AddressPage(email=OLD, typed=OLD, error=words_of(SameAddress())), at
    yield "address-closing", AddressPage(email=OLD, closes=True), at
    question = AddressQuestionPage(
        action="/account/address", typed="thandi@gmail.con", suggested="thandi@gmail.com"
    )
    yield "address-slip", question, at
    sent = AddressSentPage(to=NEW, until=until)
    yield "address-sent", sent, at
    yield "address-sent-problem", replace(sent, to=LONG_ADDRESS, error=words_of(WrongCode())), at
    yield "address-confirm", AddressConfirmPage(email=NEW, here=True, old=OLD), at
    yield "address-confirm-by-staff", AddressConfirmPage(email=LONG_ADDRESS, here=True), VISITOR
    yield "address-confirm-elsewhere", AddressConfirmPage(email=NEW, here=False), VISITOR
    week = (NOW + timedelta(days=7)).date()
    waits = AddressStopPage(email=OLD, asked_at=NOW, until=week, confirmed=False)
    yield "address-stop", waits, VISITOR
    yield "address-stop-confirmed", replace(waits, email=LONG_ADDRESS, confirmed=True), VISITOR
    yield "address-stopped", replace(waits, stopped=True), VISITOR
    yield "address-put-back", replace(waits, confirmed=True, stopped=True, put_back=True), VISITOR
    yield "address-not-put-back", replace(waits, confirmed=True, stopped=True), VISITOR
