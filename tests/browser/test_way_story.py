"""From a wall back to the article, in a browser on the running demo: the taps are counted."""

from typing import Any

import pytest

from tests.support.demo import Demo
from tests.support.measured import Record
from tests.support.person import LAPTOP, PHONE, Arrive, Person

pytestmark = pytest.mark.browser

LOCKED, TITLE = "the-water-nobody-counted", "The water nobody counted"
LAST_WORDS = "stays under its tarpaulin"
MOST_TAPS = 6
# the last number is that of a card that no other story has: a trial is one for each card
SIZES: list[Any] = [
    pytest.param(PHONE, {}, 61, id="phone"),
    pytest.param(LAPTOP, {}, 62, id="desk"),
    pytest.param(PHONE, {"java_script_enabled": False}, 63, id="without-scripts"),
]


def to_the_review(reader: Person, email: str) -> None:
    """From the wall, two taps."""
    assert LAST_WORDS not in reader.read(LOCKED)
    reader.clicks = 0
    reader.press("Start my free trial")
    reader.page.get_by_label("Your email").fill(email)
    reader.press("Continue")


def to_the_article(reader: Person, copy: int) -> None:
    """From the review, four taps."""
    reader.page.locator(".consent input").check()
    reader.press("Agree and continue to the card")
    reader.page.wait_for_url("**/c/pay/**")
    reader.save_card(f"4242424242424242__{copy}")
    reader.clicks += 2  # the box, and the card page's button
    reader.page.wait_for_url("**/subscribe/started")
    first = reader.page.locator("main .button").first
    assert first.inner_text() == f"Read on: {TITLE}"
    reader.press(f"Read on: {TITLE}")
    reader.see(LAST_WORDS)


@pytest.mark.parametrize(("size", "options", "copy"), SIZES)
def test_from_the_wall_by_the_card_page_to_the_article(
    demo: Demo,
    arrive: Arrive,
    size: dict[str, Any],
    options: dict[str, Any],
    copy: int,
    record_property: Record,
) -> None:
    reader = arrive(size, **options)
    to_the_review(reader, f"wall-{copy}@example.com")
    to_the_article(reader, copy)
    record_property("taps from the wall to the article", reader.clicks)
    assert reader.page.url == f"{demo.url}/articles/{LOCKED}"
    assert reader.clicks <= MOST_TAPS


def test_a_reload_the_back_button_and_another_tab_lose_nothing(demo: Demo, arrive: Arrive) -> None:
    reader = arrive()
    to_the_review(reader, "tabs@example.com")
    reader.page.reload()
    reader.page.go_back()
    reader.page.go_forward()
    other = reader.context.new_page()
    other.goto(f"{demo.url}/articles")
    other.goto(f"{demo.url}/sign-in")
    other.close()
    to_the_article(reader, 64)


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "desk"])
def test_who_registers_at_a_wall_reads_on_at_once(demo: Demo, arrive: Arrive, size: dict[str, Any]) -> None:
    article = demo.card["articles"]["registered"][0]
    email = f"register.{size['viewport']['width']}@example.com"
    reader = arrive(size)
    reader.read(article)
    reader.clicks = 0
    reader.press("Sign in or register, free")
    reader.sign_in_by_mail(email)
    assert reader.page.url == f"{demo.url}/articles/{article}"
    assert "You are registered" in reader.page.locator(".flash-area").inner_text()
    assert reader.page.locator(".wall").count() == 0
    assert reader.page.get_by_role("link", name="Subscribe", exact=True).count() == 1
    assert reader.clicks <= MOST_TAPS


def test_a_page_of_the_account_is_shown_after_signing_in(demo: Demo, arrive: Arrive) -> None:
    demo.trial("deep@example.com", "pm_card_visa__35")
    reader = arrive()
    reader.open("/account/gifts")
    reader.see("Sign in")
    reader.sign_in_by_mail("deep@example.com")
    assert reader.page.url == f"{demo.url}/account/gifts"
