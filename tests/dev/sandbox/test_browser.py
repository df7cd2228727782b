"""A person saves a card by keyboard and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_session
from tests.support.a11y import ANY, accessibility_barriers
from tests.support.sandbox import Sandbox
from tests.support.shared_chromium import Chromium

pytestmark = pytest.mark.browser


@pytest.fixture(params=[(360, 640, "light"), (1280, 800, "dark")], ids=["phone", "desk"])
def page(chromium: Chromium, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height, scheme = request.param
    with chromium.context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:
        yield context.new_page()


def _judge(page: Page) -> None:
    assert accessibility_barriers(page, ANY) == []


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
