"""Staff at work on the real demo, in a real browser: each click counted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.demo.test_demo import Running

CHROMIUM = Path("/usr/bin/chromium")
READER = "thandi@example.com"
REASON = "Wrote on the 3rd that she wants to stop"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed at /usr/bin/chromium"),
]


@dataclass
class Hand:
    """One person's browser; counts clicks and what is typed."""

    page: Page
    clicks: int = 0
    typed: list[str] = field(default_factory=list)

    def click(self, name: str, role: Any = "button") -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=re.compile(name)).first.click()

    def type(self, label: str, words: str) -> None:
        self.typed.append(words)
        self.page.get_by_label(label).first.fill(words)

    def sees(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)

    def is_accessible(self) -> None:
        for width in (360, 1280):
            self.page.set_viewport_size({"width": width, "height": 800})
            grave = [
                (found["id"], [node["target"] for node in found["nodes"]])
                for found in Axe().run(self.page).response["violations"]
                if found["impact"] in ("serious", "critical")
            ]
            assert grave == [], (self.page.url, width)
            wide = self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (self.page.url, width)


@dataclass
class Demo:
    """The running demo: its pages for people, its API for the clock and for trials."""

    card: dict[str, Any]
    api: httpx.Client
    browser: Browser

    def person(self) -> Hand:
        """A browser of one's own."""
        return Hand(self.browser.new_context(base_url=self.card["url"]).new_page())

    def staff(self, role: str) -> Hand:
        """By the link that the demo printed: choose the role, send the code that is shown."""
        hand = self.person()
        hand.page.goto(self.card["staff_sign_in_url"])
        hand.sees("Demo only")
        hand.click(f"As {role}")
        hand.sees("no phone follows this clock")
        hand.click("Sign in")
        expect(hand.page.get_by_role("heading", name="Find a reader")).to_be_visible()
        hand.clicks = 0
        return hand

    def trial(self, email: str, method: str) -> dict[str, Any]:
        at = self.advance(0)
        consent = {"text_version": "app-1", "accepted_at": at, "ip": "196.25.1.9", "user_agent": "App/1"}
        body = {"email": email, "payment_method": method, "consent": consent}
        return dict(self.api.post("/v1/trials", json=body).raise_for_status().json())

    def advance(self, seconds: float) -> str:
        answer = self.api.post("/v1/clock/advance", json={"seconds": int(seconds)})
        return str(answer.raise_for_status().json()["now"])

    def to(self, moment: str, *, plus: timedelta) -> None:
        at = datetime.fromisoformat(moment) + plus
        self.api.post("/v1/clock/advance", json={"to": at.isoformat()}).raise_for_status()

    def mails(self, to: str) -> list[str]:
        return [letter["subject"] for letter in self.api.get("/mailbox.json", params={"to": to}).json()]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Running(tmp_path / "data", "--port", "0")
    try:
        card = running.card()
        headers = {"Authorization": f"Bearer {card['api_key']}"}
        with (
            httpx.Client(base_url=card["url"], headers=headers, timeout=90, trust_env=False) as api,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            yield Demo(card, api, browser)
            browser.close()
    finally:
        if running.launcher.poll() is None:
            running.launcher.terminate()
        running.end()


def find(hand: Hand, email: str) -> None:
    """One click: the box is on every page of a reader, and on the first."""
    hand.page.get_by_label("Find a reader").fill(email)
    hand.click("Find")
    expect(hand.page.get_by_role("heading", name=email)).to_be_visible()


def test_staff_at_work_on_the_demo(demo: Demo) -> None:
    started = demo.trial(READER, "pm_card_visa")
    charge_at = started["subscription"]["next_charge"]["at"]
    demo.to(charge_at, plus=timedelta(days=-2, hours=3))  # the 3rd: she writes
    reader = demo.person()
    reader.page.goto("/contact")
    reader.page.get_by_label("Please cancel my subscription").check()
    reader.page.get_by_label("Your mail address").fill(READER)
    reader.page.get_by_label("Your message").fill("Please cancel. I am moving abroad.")
    reader.click("Send it")
    reader.sees("it counts from this moment")
    demo.to(charge_at, plus=timedelta(hours=8))  # the 5th: she has been charged
    assert sum("Tax invoice" in subject for subject in demo.mails(READER)) == 1

    first, second = demo.staff("support"), demo.staff("admin")
    first.sees("1 request waits for an answer")
    find(first, READER)
    find(second, READER)
    first.sees("I am moving abroad.")
    first.sees("R75.00 incl. VAT charged since")
    first.is_accessible()
    first.click("^Cancel", "link")
    second.click("^Cancel", "link")
    first.sees("R75.00 incl. VAT goes back")
    first.is_accessible()
    first.type("Why?", REASON)
    first.click("Cancel and give back R75.00 incl. VAT")
    first.sees("Your subscription ended")
    assert first.clicks <= 6
    assert first.typed == [REASON]

    second.type("Why?", "asked me too")
    second.click("Cancel and give back")
    second.sees("This was done before you")
    second.sees(REASON)
    second.is_accessible()

    demo.advance(60)
    told = demo.mails(READER)
    assert sum("is cancelled" in subject for subject in told) == 1
    assert sum("Credit note CN-000001: R75.00" in subject for subject in told) == 1
    first.page.reload()
    first.sees("R75.00 incl. VAT went back")
    first.page.get_by_role("link", name="refunds").click()
    first.is_accessible()
    _refused_above_the_limit(demo, first)


def _refused_above_the_limit(demo: Demo, support: Hand) -> None:
    """Three months paid; the limit is R150.00 in one act, and a letter is said to have come before all of them."""
    other = demo.trial("pieter@example.org", "pm_card_mastercard")
    began = demo.advance(0)
    demo.to(other["subscription"]["next_charge"]["at"], plus=timedelta(days=65))
    support = demo.staff("support")
    find(support, "pieter@example.org")
    support.click("^Cancel", "link")
    asked = datetime.fromisoformat(began).astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    asked = (datetime.fromisoformat(asked) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    support.page.get_by_label("First asked at").fill(asked)
    support.click("Look again")
    support.sees(
        "This would give back R225.00 incl. VAT. As support you may give back up to R150.00 incl. VAT"
    )
    admin = demo.staff("admin")
    admin.page.goto("/staff/audit?refused=yes")
    admin.sees("This would give back R225.00 incl. VAT")
    admin.is_accessible()
