"""The brand in Chromium: an admin looks, errs and saves, and a reader's page loads no more than before."""

import pytest
from playwright.sync_api import Response, expect

from billing.dev.seed import BRAND
from tests.support.a11y import accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, Arrive
from tests.support.shared_chromium import Chromium
from tests.support.staff_member import Member

pytestmark = pytest.mark.browser

MOST_BYTES, MOST_REQUESTS = 45_000, 4
"""Of a page with all its files, the bar of the demo's clock included."""


@pytest.mark.parametrize("path", ["/", "/articles", "/sign-in"])
def test_a_page_with_the_brand_is_light(arrive: Arrive, path: str) -> None:
    person = arrive(PHONE)
    answers: list[Response] = []
    person.page.on("response", lambda answer: answers.append(answer))
    person.open(path)
    person.page.wait_for_load_state("networkidle")
    assert any("/brand/logo.svg" in answer.url for answer in answers)
    assert any("/brand/paper.css" in answer.url for answer in answers)
    assert len(answers) <= MOST_REQUESTS, [answer.url for answer in answers]
    assert sum(len(answer.body()) for answer in answers) < MOST_BYTES
    nameplate = person.page.locator(".nameplate img")
    assert nameplate.evaluate("picture => picture.complete && picture.naturalWidth > 0")


def test_an_admin_looks_errs_and_saves(chromium: Chromium, demo: Demo) -> None:
    admin = Member.sign_in(chromium, demo, "admin")
    page = admin.page
    admin.person.open("/staff/brand")
    page.get_by_label("Accent", exact=True).fill("#7a1f5c")
    page.get_by_role("button", name="Look at it first").click()
    light, dark = (page.frame_locator("iframe").nth(place).locator(".button") for place in (0, 1))
    expect(light).to_have_css("background-color", "rgb(122, 31, 92)")
    expect(dark).not_to_have_css("background-color", "rgb(122, 31, 92)")
    page.locator("#reason").fill("longer hours")
    page.get_by_label("Accent", exact=True).fill("#f0a000")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#accent-problem")).to_contain_text("has a contrast of 1.83:1")
    for size in (PHONE, LAPTOP):
        page.set_viewport_size(size["viewport"])
        assert accessibility_barriers(page) == [], size
    page.get_by_label("Accent", exact=True).fill(str(BRAND["accent"]))
    page.get_by_label("Support hours").fill("Every day")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".foot")).to_contain_text("Every day")
    demo.command("brand", "set", "--support-hours", str(BRAND["support_hours"]), "--reason", "as before")
    admin.person.leave()
