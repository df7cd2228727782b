"""A person with Chromium: their actions on the pages, and the console errors that must not happen."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect

from tests.support.demo import Demo, Mail
from tests.support.shared_chromium import Chromium

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
SMALL_PHONE: dict[str, Any] = PHONE | {"viewport": {"width": 360, "height": 640}}
LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@dataclass
class Person:
    """A fresh browser context. `troubles` are errors and warnings from the browser's console."""

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
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("response", self._on_response)

    def _on_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status >= 400:
            self._refusals.add(response.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        """Record errors and warnings, but for the line that browsers write when a page itself has an error status."""
        refused = message.location["url"] in self._refusals and "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not refused:
            self.troubles.append(f"{message.location['url']}: {message.text}")

    def open(self, path: str) -> None:
        """Open a path of the demo, or a full address."""
        self.page.goto(path if path.startswith("http") else f"{self.demo.url}{path}")

    def press(self, name: str) -> None:
        """Click the link or button with this name, and count the click."""
        self.clicks += 1
        self.page.get_by_role("main").get_by_text(name, exact=True).click()
        self.page.wait_for_load_state()

    def write_to_us(self, kind: str, words: str, *, email: str | None = None) -> None:
        """Send the form of the contact page, and wait until it is taken; `email` of a visitor, whom we don't know."""
        self.open("/contact")
        self.page.get_by_label(kind).check()
        if email is not None:
            self.page.get_by_label("Your email").fill(email)
        self.page.get_by_label("Your message").fill(words)
        self.press("Send it")
        # the page with the form has the words "A person reads it", too
        expect(self.page.get_by_role("button", name="Send it")).to_have_count(0)

    def agree(self, email: str) -> None:
        """Go from the offer to the card page."""
        self.open("/")
        self.page.locator(".hero .button").click()
        self.page.get_by_label("Your email").fill(email)
        self.press("Continue")
        self.page.locator(".consent input").check()
        self.press("Agree and continue to the card")
        self.page.wait_for_url("**/c/pay/**")

    def type_card(self, number: str) -> None:
        """Fill in the card page."""
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_label("Expiry date").fill("12 / 34")
        self.page.get_by_label("Security code").fill("123")
        self.page.get_by_label("Name on card").fill("Thandi Nkosi")

    def save_card(self, number: str) -> None:
        """Fill in the card page and send it."""
        self.type_card(number)
        self.page.get_by_role("button", name="Save card").click()

    def start_trial(self, email: str, number: str) -> None:
        """Start a trial, up to the page that confirms it."""
        self.agree(email)
        self.save_card(number)
        self.page.wait_for_url("**/subscribe/started")

    def sign_in_by_mail(self, email: str) -> None:
        """From the sign-in form to the page behind it: two clicks, and the one on the link in the mail."""
        self.page.get_by_label("Your email").fill(email)
        self.press("Mail me a link")
        self.demo.now()  # once the mail is sent
        self.open(self.demo.letter(email, "sign-in link").link("/sign-in/link/"))
        self.clicks += 1
        self.press("Sign me in")

    def move_clock(self, *buttons: str) -> None:
        """Press these buttons of the demo's clock bar, opening the bar first where it is folded."""
        for name in buttons:
            button = self.page.locator(".demo").get_by_role("button", name=name)
            if not button.is_visible():
                self.page.locator(".demo summary").click()
            button.click()
            self.page.wait_for_load_state()

    def see(self, *words: str) -> None:
        """Expect these words in the main part of the page."""
        for text in words:
            expect(self.page.get_by_role("main")).to_contain_text(text)

    def read(self, article: str) -> str:
        """Open an article's page; return its text."""
        self.open(f"/articles/{article}")
        return self.page.get_by_role("main").inner_text()

    def open_letter(self, letter: Mail) -> Any:
        """Open a mail in the mailbox; return the frame that shows it."""
        self.open(f"/mailbox/{letter.id}")
        return self.page.frame_locator("iframe")

    def leave(self) -> None:
        """Close the browser. Raises AssertionError if its console had errors or warnings."""
        self._ends.close()
        assert self.troubles == []


Arrive = Callable[..., Person]
"""`arrive(size, **options)` makes a person; the options are those of Playwright's contexts."""
