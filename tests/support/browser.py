"""A person's browser without scripts: it follows links, sends forms, and keeps cookies."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Self

import httpx

from tests.support.http_client import http_client

if TYPE_CHECKING:
    from tests.support.world import World


@dataclass
class Answer:
    """A page that the browser received."""

    response: httpx.Response

    @property
    def text(self) -> str:
        """The page's HTML."""
        return self.response.text

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """The path after all redirects."""
        return self.response.url.path

    @property
    def words(self) -> str:
        """The text of the main part, without tags."""
        main = re.search(r"<main.*?</main>", self.text, re.DOTALL)
        return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main.group() if main else self.text).split()))


class Browser:
    """Follows links, sends forms and keeps cookies as a person's browser does."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.http = http_client(
            world.url,
            follow_redirects=True,
            headers={"user-agent": "Test/1", "accept": "text/html,*/*;q=0.8"},
        )
        self.page: Answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> Answer:
        """Open a page."""
        self.page = Answer(self.http.get(path))
        return self.page

    def post(self, action: str, **fields: str | list[str]) -> Answer:
        """Send the form with this action on the page that is open, with its hidden fields."""
        self.page = Answer(self.http.send(self.filled(action, **fields)))
        return self.page

    def filled(self, action: str, **fields: str | list[str]) -> httpx.Request:
        """Build the request that `post` would send, without sending it."""
        form = re.search(
            rf'<form(?![^>]*method="get")[^>]*action="{re.escape(action)}".*?</form>',
            self.page.text,
            re.DOTALL,
        )
        assert form is not None, f"{self.page.path} has no form for {action}: {self.page.words[:300]}"
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group())
        hidden = {name: html.unescape(value) for name, value in found}
        headers = {"origin": self.world.url, "sec-fetch-site": "same-origin"}
        return self.http.build_request("POST", action, data={**hidden, **fields}, headers=headers)

    def again(self, path: str) -> Self:
        """Open a page and return this browser, for chaining."""
        self.get(path)
        return self

    def in_language(self, code: str) -> Self:
        """Press the button of a language at the foot of the page that is open, and return this browser, for chaining."""
        self.post("/language", language=code)
        return self

    def undo(self, path: str) -> Answer:
        """Undo what this page undoes. The next charge on the account is then the one that the page has named."""
        said = re.search(r"The next charge is (R\S+ incl\. VAT) on (\w+ \d+ \w+ \d{4})", self.get(path).words)
        page = self.post(path)
        if page.path == "/account" and said is not None:
            assert f"Next charge {said.group(1)} on {said.group(2)}" in page.words, (said.group(), page.words)
        return page

    @property
    def cookies(self) -> list[Cookie]:
        """The cookies, to pass to `with_cookies` of another browser."""
        return list(self.http.cookies.jar)

    def with_cookies(self, kept: Iterable[Cookie]) -> Self:
        """Add the cookies of another browser."""
        for cookie in kept:
            self.http.cookies.jar.set_cookie(cookie)
        return self

    def with_cookie(self, name: str, value: str) -> Self:
        """Set a cookie that no page has set."""
        self.http.cookies.set(name, value, domain=self.http.base_url.host, path="/")
        return self

    def start(self, email: str, number: str = "4242424242424242", *, come_back: bool = True) -> Answer:
        """Start a trial: offer, review page, and the sandbox's card page."""
        self.get("/subscribe")
        self.post("/subscribe", email=email)
        return self.agree_and_pay(number, come_back=come_back)

    def agree_and_pay(self, number: str = "4242424242424242", *, come_back: bool = True) -> Answer:
        """Continue from the review page to the end of the start."""
        page = self.open_card_page()
        target = self.world.sandbox.fill_in(page, number)
        return self.get(target) if come_back else self.page

    def prove(self) -> Answer:
        """Open the newest mailed sign-in link and confirm it. It is mailed when a card was given with a known address."""
        self.world.settle()
        links = [link for letter in self.world.letters() for link in letter.links]
        self.get([link for link in links if "/sign-in/link/" in link][-1])
        return self.post("/sign-in/confirm")

    def open_card_page(self) -> str:
        """Agree on the review page; return the address of the card page."""
        return self.sent_to("/subscribe/review", consent="yes")

    def sent_to(self, action: str, **fields: str) -> str:
        """Send a form that redirects, such as to a Stripe page; return the address without opening it."""
        self.http.follow_redirects = False
        answer = self.post(action, **fields)
        self.http.follow_redirects = True
        assert answer.status == 303, answer.words
        return str(answer.response.headers["location"])

    def sign_in(self, email: str) -> Answer:
        """Request the sign-in link and use it."""
        self.get("/sign-in")
        self.post("/sign-in", email=email)
        self.world.settle()
        letters = reversed(self.world.letters(email))
        self.get(next(link for letter in letters for link in letter.links if "/sign-in/link/" in link))
        return self.post("/sign-in/confirm")
