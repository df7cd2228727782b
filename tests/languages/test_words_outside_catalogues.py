"""No page and no mail has a word that a catalogue can't translate."""

from dataclasses import replace

import pytest

import billing.container  # noqa: F401 - registers every mail
from billing.dev.previews.pages import of_readers
from billing.dev.previews.values import LOOK
from billing.web.views.frame import Frame, Page, no_token
from emails import Mail, render
from emails.samples import HOUSE, samples
from tests.support.pseudo_language import PSEUDO, outside, outside_text, strings_of

PAGES = {name: (page, frame) for name, page, frame in of_readers()}
MAILS = {name: mail for name, mail in samples().items() if not mail.for_staff}


@pytest.mark.parametrize("name", PAGES)
def test_every_word_of_a_page_is_in_a_catalogue(name: str) -> None:
    page, frame = PAGES[name]
    shown = LOOK.page(page, replace(frame, language=PSEUDO, banner=None))
    assert outside(shown, _data(page, frame)) == set()


def _data(page: Page, frame: Frame) -> frozenset[str]:
    url = frame.house.url.removeprefix("https://").removeprefix("http://")
    names = {language.name for language in frame.languages}
    return (
        strings_of(page)
        | strings_of(replace(frame, csrf=no_token, banner=None))
        | names
        | {url, frame.house.legal_form.lower(), "VAT", "WhatsApp", "SHA-256"}
    )


@pytest.mark.parametrize("name", MAILS)
def test_every_word_of_a_mail_is_in_a_catalogue(name: str) -> None:
    mail = MAILS[name]
    rendered, data = render(mail, HOUSE, PSEUDO), _mail_data(mail)
    assert outside(rendered.html, data) == set()
    assert set(outside_text(f"{rendered.subject}\n{rendered.text}", data)) == set()


def _mail_data(mail: Mail) -> frozenset[str]:
    return strings_of(mail) | strings_of(HOUSE) | {HOUSE.url.removeprefix("https://")}
