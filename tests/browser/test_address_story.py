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


@pytest.mark.parametrize(("size", "card"), [(PHONE, 71), (LAPTOP, 72)], ids=["phone", "desk"])
def test_from_the_account_to_the_new_address_and_back(
    demo: Demo, arrive: Arrive, size: dict[str, Any], card: int
) -> None:
    old, new = f"old.{card}@example.com", f"new.{card}@example.com"
    demo.trial(old, f"pm_card_visa__{card}")
    reader = arrive(size)
    reader.open("/account")
    reader.sign_in_by_mail(old)
    assert reader.page.url == f"{demo.url}/account"
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
