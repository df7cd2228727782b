"""A reader who walks through the pages of a world in Chromium: taps and typed fields are counted."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, Response, expect

from billing.http import cookies
from tests.support.signed_in import mailed_code, session_secret
from tests.support.world import World

EMAIL = "thandi@example.com"


@dataclass
class Walker:
    """One tab. `taps` and `fields` are those since the walk began; `statuses` are those of the pages that were shown."""

    world: World
    page: Page
    email: str = EMAIL
    taps: int = 0
    fields: int = 0

    def __post_init__(self) -> None:
        self.statuses: list[int] = []
        self.page.on("response", self._on_response)

    def _on_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and not 300 <= response.status < 400:
            self.statuses.append(response.status)

    def sign_in(self) -> None:
        """Be signed in, freshly, by the product's functions. Not counted."""
        name = cookies.cookie_name(self.world.settings, cookies.SESSION)
        secret = session_secret(self.world, self.email)
        self.page.context.add_cookies([{"name": name, "value": secret, "url": self.world.url}])

    def open(self, path: str) -> None:
        """Open the page on which the walk begins. Not counted."""
        self.page.goto(path if path.startswith("http") else f"{self.world.url}{path}")

    def tap(self, name: str) -> None:
        """Tap the link or button with this text in the main part of the page."""
        self.taps += 1
        self.target(name).click()
        self.page.wait_for_load_state()

    def target(self, name: str) -> Locator:
        """The first link, button or fold with this text."""
        main = self.page.get_by_role("main")
        return main.locator("a, button, summary, label").filter(has_text=name).first

    def tick(self, selector: str) -> None:
        """Tick a box, or choose one of several."""
        self.taps += 1
        self.page.get_by_role("main").locator(selector).check()

    def fill(self, label: str, words: str) -> None:
        """Type into a field."""
        self.fields += 1
        self.page.get_by_label(label).first.fill(words)

    def follow(self, part: str) -> None:
        """Open the newest link with `part` in it that was mailed: one tap, in the mail."""
        self.world.settle()
        self.taps += 1
        self.page.goto(self.world.mailed_link(self.email, part))

    def type_code(self) -> None:
        """Type the code of the newest mail."""
        self.fill("Reading your mail on another device?", mailed_code(self.world, self.email))

    def give_card(self, number: str = "4242424242424242") -> None:
        """Fill in the hosted card page: four fields and a tap."""
        self.page.wait_for_url("**/c/pay/**")
        self.fill("Card number", number)
        self.fill("Expiry date", "12 / 34")
        self.fill("Security code", "123")
        self.fill("Name on card", "Thandi Nkosi")
        self.taps += 1
        self.page.get_by_role("button", name="Save card").click()

    def see(self, *words: str) -> None:
        """Expect these words on the page."""
        for each in words:
            expect(self.page.locator("body")).to_contain_text(each)


Walk = Callable[[Walker], None]
