"""Somebody with a browser: what they do on the pages, and what they must never see."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect

from tests.support.demo import Demo, Mail
from tests.support.shared_chromium import Chromium

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
SMALL_PHONE: dict[str, Any] = PHONE | {"viewport": {"width": 360, "height": 640}}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@dataclass
class Person:
    """One browser of its own, with its cookies. `troubles` are errors that the browser's console told."""

    demo: Demo
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)
    clicks: int = 0
    _refusals: set[str] = field(default_factory=set)
    _ends: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def arrive(cls, chromium: Chromium, demo: Demo, size: dict[str, Any] = PHONE, **more: Any) -> "Person":
        ends = ExitStack()
        context = ends.enter_context(chromium.context(**size, **more))
        person = cls(demo, context, context.new_page(), _ends=ends)
        person._listen(person.page)
        return person

    def _listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status >= 400:
            self._refusals.add(response.url)

    def _hear(self, message: ConsoleMessage) -> None:
        """A page that refuses is refused with its status, which browsers write to the console."""
        refused = message.location["url"] in self._refusals and "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not refused:
            self.troubles.append(f"{message.location['url']}: {message.text}")

    def open(self, path: str) -> None:
        """By typing an address, or following a link from elsewhere."""
        self.page.goto(path if path.startswith("http") else f"{self.demo.url}{path}")

    def press(self, name: str) -> None:
        """Click the one link or button called so, and count it."""
        self.clicks += 1
        self.page.get_by_role("main").get_by_text(name, exact=True).click()
        self.page.wait_for_load_state()

    def agree(self, email: str) -> None:
        """From the offer to the card page."""
        self.open("/")
        self.page.locator(".hero .button").click()
        self.page.get_by_label("Your mail address").fill(email)
        self.press("Continue")
        self.page.locator(".consent input").check()
        self.press("Agree and continue to the card")
        self.page.wait_for_url("**/c/pay/**")

    def type_card(self, number: str) -> None:
        """On the card page."""
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_label("Expiry date").fill("12 / 34")
        self.page.get_by_label("Security code").fill("123")
        self.page.get_by_label("Name on card").fill("Thandi Nkosi")

    def save_card(self, number: str) -> None:
        """Type it and send it."""
        self.type_card(number)
        self.page.get_by_role("button", name="Save card").click()

    def start_trial(self, email: str, number: str) -> None:
        """All of it, until the page that says the trial has begun."""
        self.agree(email)
        self.save_card(number)
        self.page.wait_for_url("**/subscribe/started")

    def move_clock(self, *buttons: str) -> None:
        """With the demo's bar, as on a phone: open it, press."""
        for name in buttons:
            button = self.page.locator(".demo").get_by_role("button", name=name)
            if not button.is_visible():
                self.page.locator(".demo summary").click()
            button.click()
            self.page.wait_for_load_state()

    def see(self, *words: str) -> None:
        """The main part of the page holds these words."""
        for each in words:
            expect(self.page.get_by_role("main")).to_contain_text(each)

    def read(self, article: str) -> str:
        """What stands on an article's page."""
        self.open(f"/articles/{article}")
        return self.page.get_by_role("main").inner_text()

    def open_letter(self, letter: Mail) -> Any:
        """Open it in the mailbox, as mail programs show it; the frame with the letter."""
        self.open(f"/mailbox/{letter.id}")
        return self.page.frame_locator("iframe")

    def leave(self) -> None:
        """Close the browser. Raises AssertionError for anything that was written to its console."""
        self._ends.close()
        assert self.troubles == []


Arrive = Callable[..., Person]
"""`arrive(size, **options)` of Playwright's contexts: somebody new."""
