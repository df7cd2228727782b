"""Ask Masthead who may read. Import it, or copy it with `who.py` and `remember.py`; it needs httpx.

    masthead = Masthead("https://accounts.paper.example")
    answer = masthead.ask("the-water-nobody-counted", Who(cookies=request.headers.get("Cookie", "")))
    page = whole if answer.allowed else beginning        # and send answer.cookies along, as Set-Cookie

Where your pages and Masthead are one host, the reader is known by the cookies of the request. Where they are two, by a
reader token (`token`), or, with an API key, by your own sign-in (`external_id`, `reader_id`).

When Masthead is away, or slower than `timeout` (0.3 s), what it said in the last `memory` seconds (an hour) holds, in this
process (`remember.py`). Who isn't known gets `away`: show the beginning, and let no cache keep it.
"""

import logging
import time
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx

from .remember import COUNTED, Memory
from .who import AWAY, Answer, Who

__all__ = ["AWAY", "Answer", "Masthead", "Who"]
SAID = ("allowed", "reason", "until", "meter", "subscribe_url")
VISITOR = "masthead-visitor={}; Path=/; Max-Age=3456000; HttpOnly; SameSite=Lax"
IDLE_SECONDS = 60
"""Masthead closes a line that was idle for 75."""
log = logging.getLogger("masthead")


class Masthead:
    """Any number of threads may ask at once."""

    def __init__(
        self, url: str, api_key: str = "", *, timeout: float = 0.3, memory: float = 3600, most: int = 50_000
    ) -> None:
        # one reader's cookies are never sent with another's question
        keeps_none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_SECONDS)
        self._http = httpx.Client(base_url=url, timeout=timeout, limits=limits, cookies=keeps_none)
        self._api_key, self._memory = api_key, Memory(memory, most)
        self._failures, self._rests_until = 0, 0.0

    def ask(self, article: str, who: Who) -> Answer:
        """The decision on one article. Never raises for a Masthead that is away, slow or broken."""
        if time.monotonic() < self._rests_until:
            return self._memory.recall(article, who)
        query, headers = self._words(who)
        try:
            found = self._http.get(f"/v1/access/{quote(article, safe='')}", params=query, headers=headers)
            said: dict[str, Any] = found.json()
        except (httpx.HTTPError, ValueError):
            return self._fails(article, who)
        if found.status_code == 401 and who.token:  # stale, and no session beside it: somebody unknown
            return self.ask(article, replace(who, token=""))
        if found.is_server_error or found.status_code == 429:
            return self._fails(article, who)
        self._failures = 0
        if not found.is_success:
            log.warning("Masthead says %s %s", found.status_code, said.get("code"))
            return Answer(False, str(said.get("code", found.status_code)))
        answer = Answer(features=tuple(said["features"]), **{name: said[name] for name in SAID})
        if who.ahead and answer.reason in COUNTED:
            return replace(answer, allowed=False, reason="prefetch", features=())
        self._memory.keep(article, who, replace(answer, remembered=True))
        given = [VISITOR.format(said["visitor"])] if self._api_key and "visitor" in said else []
        return replace(answer, cookies=(*found.headers.get_list("set-cookie"), *given))

    def _words(self, who: Who) -> tuple[dict[str, str], dict[str, str]]:
        """The query and the headers: with a key the site says who it is, without one the reader's own proofs do."""
        query = {"prefetch": "true"} if who.ahead else {}
        headers = {"User-Agent": who.user_agent or "masthead.py", "Accept": "application/json"}
        if self._api_key:
            query |= {"reader_id": who.reader_id, "external_id": who.external_id, "visitor": who.visitor}
            headers["Authorization"] = f"Bearer {self._api_key}"
        else:
            headers |= {"Cookie": who.cookies, "Authorization": f"Bearer {who.token}" if who.token else ""}
        return _given(query), _given(headers)

    def _fails(self, article: str, who: Who) -> Answer:
        """After three failures in a row a second of rest, so that pages don't all wait for what doesn't answer."""
        self._failures += 1
        if self._failures >= 3:
            self._rests_until = time.monotonic() + 1
        return self._memory.recall(article, who)


def _given(words: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in words.items() if value}
