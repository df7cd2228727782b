"""A reader's browser over HTTP: it opens pages, sends their forms, and fills in the sandbox's card page."""

import re
import ssl
from types import TracebackType
from typing import Self

import httpx

from billing.dev.simulate.scenarios import PlannedCard

AGENT = "Mozilla/5.0 (simulated)"
RELOADS = 40
"""How often a reader reloads a page that says “one moment”."""
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""An empty TLS context, since all pages are on this machine. Loading the machine's authorities takes 15 ms for each browser."""


class PageRefused(Exception):
    """A page answered with a refusal, or lacks the expected form; the text says which."""


class SimulatedBrowser:
    """A browser with cookies. `origin` is the service, `sandbox` has the card page, `address` is the reader's network address."""

    def __init__(self, origin: str, sandbox: httpx.Client, address: str) -> None:
        self._origin, self._sandbox = origin, sandbox
        headers = {"user-agent": AGENT, "accept": "text/html,*/*;q=0.8", "x-forwarded-for": address}
        self._http = httpx.Client(
            base_url=origin, timeout=60, trust_env=False, verify=_NO_AUTHORITIES, headers=headers
        )
        self._page = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()

    def keep_cookie(self, name: str, value: str) -> None:
        """Set a cookie of the service."""
        self._http.cookies.set(name, value)

    def get(self, path: str) -> str:
        """Open a page and follow redirects; return the final path."""
        answer = self._http.get(path, follow_redirects=True)
        self._page = answer.text
        return answer.url.path

    def post(self, action: str, **fields: str) -> str:
        """Send the form with this action; return where it redirects. Raises PageRefused."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', self._page, re.DOTALL)
        if form is None:
            raise PageRefused(f"no form for {action}")
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group()))
        headers = {"origin": self._origin, "sec-fetch-site": "same-origin"}
        answer = self._http.post(action, data=hidden | fields, headers=headers)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise PageRefused(f"{answer.status_code} at {action}")
        return str(answer.headers["location"])

    def type_card(self, page: str, card: PlannedCard, copy: str, year: int) -> str:
        """Fill in the sandbox's card page, with 3-D Secure if required; return the address that leads back. Raises PageRefused."""
        form = {"number": f"{card.number}__{copy}", "exp": f"12/{(year + 3) % 100:02}", "cvc": "123"}
        if card.name == "amex":
            form["cvc"] = "1234"
        answer = self._sandbox.post(
            page, data=form | {"holder": "T Dlamini", "email": "t.dlamini@example.com"}
        )
        if "/c/authenticate/" in answer.headers.get("location", ""):
            answer = self._sandbox.post(answer.headers["location"], data={"outcome": "complete"})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise PageRefused("the card page says no")
        return str(answer.headers["location"])

    def come_back(self, way: str, *, until_not: str) -> None:
        """Return from the card page, and reload while its outcome is unknown. Raises PageRefused."""
        for _ in range(RELOADS):
            if not self.get(way).startswith(until_not):
                return
        raise PageRefused("it never said how it ended")
