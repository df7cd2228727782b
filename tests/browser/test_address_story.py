"""A reader gives another address, confirms it and puts the old one back, in a browser on the running demo."""

from typing import Any

import pytest

from tests.support.a11y import accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, Arrive, Person

pytestmark = pytest.mark.browser


def fits(reader: Person) -> None:
    """The page is accessible, and no wider than the screen."""
    assert accessibility_barriers(reader.page) == []


def sign_in(demo: Demo, reader: Person, email: str, on_to: str) -> None:
    """By the mailed link, which leads on to where the reader wanted to go."""
    reader.page.get_by_label("Your email").fill(email)
    reader.press("Mail me a link")
    demo.now()
    reader.open(demo.letter(email, "sign-in link").link("/sign-in/link/"))
    reader.press("Sign me in")
    assert reader.page.url == f"{demo.url}{on_to}"


@pytest.mark.parametrize(("size", "card"), [(PHONE, 71), (LAPTOP, 72)], ids=["phone", "desk"])
def test_from_the_account_to_the_new_address_and_back(
    demo: Demo, arrive: Arrive, size: dict[str, Any], card: int
) -> None:
    old, new = f"old.{card}@example.com", f"new.{card}@example.com"
    demo.trial(old, f"pm_card_visa__{card}")
    reader = arrive(size)
    reader.open("/account")
    sign_in(demo, reader, old, "/account")
    fits(reader)
    reader.page.get_by_role("link", name="Change the email address").click()
    reader.see("Change your email address")
    fits(reader)
    reader.page.get_by_label("New email address").fill(new)
    reader.press("Send the link")
    reader.see("Check your mail", new)
    fits(reader)
    demo.now()
    reader.open(demo.letter(new, "Confirm your new address").link("/account/address/link/"))
    reader.see(f"Use {new} from now on?")
    fits(reader)
    reader.press("Use this address")
    assert "Your address is changed" in reader.page.locator(".flash-area").inner_text()
    reader.see(new)
    demo.now()
    finder = arrive(size)
    finder.open(demo.letter(old, "has another address now").link("/address/stop/"))
    finder.see(f"Put {old} back?")
    fits(finder)
    finder.press("Put it back")
    finder.see(f"{old} is back", "Sign in, and look at your card")
    fits(finder)
    reader.open("/account")
    reader.see("Sign in")
