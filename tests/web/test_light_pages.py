"""Each reader's page is light: at most four requests and 45 kB with all its files. A recording is fetched when it is played."""

import re

import pytest

from billing.dev.paper import bundles, look
from billing.dev.previews.pages import of_readers
from billing.dev.previews.values import LOOK
from billing.web.kit.brand_sheet import sheet_of
from billing.web.kit.static_files import STATIC
from billing.web.views.frame import Frame, Page
from tests.support.demo import Demo
from tests.support.person import PHONE, Arrive
from tests.support.shared_chromium import Chromium

MOST_BYTES, MOST_REQUESTS = 45_000, 4
LOGO = 1
"""A publisher's logo is a request besides; `tests/browser/test_brand.py` counts the demo's."""
LOADED = re.compile(r'<(?:link rel="stylesheet" href|script src|img [^>]*src|audio [^>]*src)="([^"]+)"')
READERS = list(of_readers())
LOCKED = "the-water-nobody-counted"


def file_at(address: str) -> bytes:
    """The content of a file that a page names."""
    path = address.partition("?")[0]
    if path == bundles.SHEET:
        return bundles.paper_sheet("", "").css
    if path == bundles.SCRIPT:
        return bundles.listen_script()[0]
    if path.startswith(look.ADDRESS):
        return (look.STATIC / path.removeprefix(look.ADDRESS)[1:]).read_bytes()
    return (STATIC / path.removeprefix("/static/")).read_bytes()


@pytest.mark.parametrize(("page", "frame"), [each[1:] for each in READERS], ids=[each[0] for each in READERS])
def test_a_page_is_four_requests_and_45_kb_at_most(page: Page, frame: Frame) -> None:
    html = LOOK.page(page, frame)
    audio = re.findall(r"<audio[^>]*>", html)
    assert all('preload="none"' in one for one in audio)
    files = {each for each in LOADED.findall(html) if not any(each in one for one in audio)}
    assert 1 + len(files) + LOGO <= MOST_REQUESTS, files
    assert len(html.encode()) + sum(len(file_at(each)) for each in files) < MOST_BYTES


@pytest.mark.browser
def test_the_squeezed_sheet_sets_what_the_sheet_sets(chromium: Chromium) -> None:
    """A browser drops what it can't read, such as a sum without spaces, and says nothing."""
    rules = (  # the values of custom properties stay as they are written
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        " return [...sheet.cssRules].map(rule => rule.cssText.replace(/, /g, ',').replace(/\\b0\\./g, '.')) }"
    )
    written = sheet_of("", "").css + (bundles.PAPER / "paper.css").read_bytes()
    with chromium.context() as context:
        page = context.new_page()
        shown = page.evaluate(rules, bundles.paper_sheet("", "").css.decode())
        assert shown == page.evaluate(rules, written.decode())
        assert len(shown) > 100


@pytest.mark.browser
def test_an_article_with_a_recording_is_as_light_until_it_is_played(demo: Demo, arrive: Arrive) -> None:
    demo.trial("light@example.com", "pm_card_visa__73")
    person = arrive(PHONE)
    person.open("/sign-in")
    person.sign_in_by_mail("light@example.com")
    sizes: dict[str, int] = {}
    person.page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
    person.read(LOCKED)
    person.page.wait_for_load_state("networkidle")
    assert person.page.locator("audio").count() == 1
    assert len(sizes) <= MOST_REQUESTS, list(sizes)
    assert sum(sizes.values()) < MOST_BYTES, sizes
    played = person.page.locator("audio").evaluate("audio => { audio.muted = true; return audio.play(); }")
    assert played is None
