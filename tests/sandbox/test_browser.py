"""A person with a keyboard and a phone saves a card."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.sandbox.asking import Stripe, a_customer, a_session
from tests.support.chromium import CHROMIUM, MISSING
from tests.support.sandbox import Sandbox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=MISSING),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(params=[(360, 640, "light"), (1280, 800, "dark")], ids=["phone", "desk"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield context.new_page()
    context.close()


def _judge(page: Page) -> None:
    page.wait_for_load_state()  # words may stand there before their style does
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_refused_then_authenticated_then_saved(page: Page, sandbox: Sandbox, stripe: Stripe) -> None:
    session = a_session(stripe, customer=a_customer(stripe).id, success_url=f"{sandbox.url}/_sandbox?s=done")
    page.goto(str(session.url))
    _judge(page)
    page.focus("[name=number]")
    for entry in ("4000 0000 0000 0002", "12 / 40", "123", "Thandi Nkosi"):
        page.keyboard.type(entry)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert page.inner_text("[role=alert]") == "Your card was declined."
    _judge(page)
    page.click("text=4000 0025 0000 3155")
    page.fill("[name=holder]", "Thandi Nkosi")
    page.click("#save")
    page.wait_for_selector("#fail")
    _judge(page)
    page.click("#fail")
    assert "unable to authenticate" in page.inner_text("[role=alert]")
    page.click("text=4000 0025 0000 3155")
    page.fill("[name=holder]", "Thandi Nkosi")
    page.click("#save")
    page.click("#complete")
    page.wait_for_url("**/_sandbox?s=done")
    _judge(page)
    assert stripe.v1.checkout.sessions.retrieve(session.id).status == "complete"
    page.goto(str(session.url))
    _judge(page)
