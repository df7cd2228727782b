"""Asks Masthead who may read. Import it, or copy it with `who.py` and `remember.py`. It needs httpx.

    masthead = Masthead("https://accounts.paper.example")
    answer = masthead.ask("the-water-nobody-counted", Who(cookies=request.headers.get("Cookie", "")))
    page = whole if answer.allowed else beginning        # and send answer.cookies along, as Set-Cookie

Where your pages and Masthead are on two hosts, a reader token names the reader: `token`, or the cookie in which `paywall.js` keeps
it. On one host Masthead's own cookies do. With an API key your own sign-in does (`external_id`, `reader_id`).

A connection that fails, a time-out (`timeout`, 0.3 s), a 5xx and a 429 mean that Masthead is away. Then its answers of the last hour
(`memory`, an hour at most) hold in this process; see `remember.py`. Other visitors get `away`: show the beginning, and let no cache
keep it. Any other answer closes the article.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from .remember import COUNTED, Memory
from .who import ARTICLE, AWAY, HOST, Answer, Who

__all__ = ["AWAY", "Answer", "Masthead", "Who"]
FACTS = ("allowed", "reason", "until", "meter", "subscribe_url")
VISITOR = "masthead-visitor={}; Path=/; Max-Age=3456000; HttpOnly; SameSite=Lax"
OURS = ("masthead-", f"{HOST}masthead-")
IDLE_SECONDS = 60
"""Masthead closes a connection after 75 idle seconds."""
MOST_BYTES = 65_536
"""Largest answer. Masthead's own have a few hundred bytes."""
ENDED = "session_ended"
"""The code of Masthead's answer to a token whose session has ended."""
UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
FAILURES = 3
"""Failures in a row after which the client checks by itself whether Masthead is there."""
REST_SECONDS = 1
log = logging.getLogger("masthead")


class Masthead:
    """The client. Thread-safe. `monotonic` gives seconds, and replaces the machine's clock in tests."""

    def __init__(
        self,
        url: str,
        api_key: str = "",
        *,
        timeout: float = 0.3,
        memory: float = 3600,
        most: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # a jar would send one reader's cookies with another's question
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_SECONDS)
        self._http = httpx.Client(base_url=url, timeout=timeout, limits=limits, cookies=no_cookies)
        self._visitor = f"{HOST}{VISITOR}; Secure" if url.startswith("https:") else VISITOR
        self._api_key, self._memory = api_key, Memory(memory, most, monotonic)
        self._monotonic, self._failures, self._rests_until = monotonic, 0, 0.0

    def ask(self, article: str, who: Who) -> Answer:
        """The decision on one article. Never raises because Masthead is away, slow or broken, or because of what a visitor sends."""
        if not ARTICLE.fullmatch(article):
            return Answer(False, "unknown_article")
        if self._monotonic() < self._rests_until:
            return self._memory.recall(article, who)
        query, headers = self._words(who)
        try:
            request = self._http.build_request("GET", f"/v1/access/{article}", params=query, headers=headers)
        except (ValueError, httpx.InvalidURL):  # a name by your own sign-in that no address can hold
            return Answer(False, "unknown_reader")
        try:
            status, body, cookies = self._fetch(request)
        except httpx.TransportError:
            return self._fails(article, who)
        if status == 401 and who.bearer:  # ask again without the stale token
            if _code(body) == ENDED:  # an expired token alone says nothing against its reader
                self._memory.forget(who)
            return self.ask(article, replace(who, token="", cookies=who.cookie))
        if _is_away(status):
            return self._fails(article, who)
        self._failures = 0
        answer, visitor = _read(status, body)
        if status != 200:
            return answer
        if who.ahead and answer.reason in COUNTED:
            return replace(answer, allowed=False, reason="prefetch", features=())
        self._memory.keep(article, who, replace(answer, remembered=True))
        given = [self._visitor.format(visitor)] if self._api_key and visitor else []
        return replace(answer, cookies=(*cookies, *given))

    def _words(self, who: Who) -> tuple[dict[str, str], dict[bytes, bytes]]:
        """The query and the headers. With an API key the site names the reader; without one the reader's own proofs do."""
        query = {"prefetch": "true"} if who.ahead else {}
        headers = {b"User-Agent": who.agent or b"masthead.py", b"Accept": b"application/json"}
        headers[b"Accept-Encoding"] = b"identity"  # MOST_BYTES can't limit what a small answer unpacks to
        if self._api_key:
            query |= {"reader_id": who.reader_id, "external_id": who.external_id}
            query |= {"visitor": who.visitor, "gift": who.given}
            headers[b"Authorization"] = b"Bearer " + self._api_key.encode()
        else:
            headers[b"Cookie"] = who.cookie.encode()
            headers[b"Authorization"] = b"Bearer " + who.bearer.encode() if who.bearer else b""
        return {n: v for n, v in query.items() if v}, {n: v for n, v in headers.items() if v}

    def _fetch(self, request: httpx.Request) -> tuple[int, bytes, list[str]]:
        """The status, the body, and Masthead's cookies. A redirect is an answer and isn't followed.

        Raises httpx.TransportError where the connection fails or the answer doesn't come in time."""
        answer, body = self._http.send(request, stream=True), b""
        ends = time.monotonic() + (self._http.timeout.read or 0)
        try:
            for piece in answer.iter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    break
                if time.monotonic() > ends:  # httpx limits the wait for each piece, not for all of them
                    raise httpx.ReadTimeout("the answer comes too slowly", request=request)
        finally:
            answer.close()
        cookies = [line for line in answer.headers.get_list("set-cookie") if line.startswith(OURS)]
        return answer.status_code, body, cookies

    def _fails(self, article: str, who: Who) -> Answer:
        """Stop asking for a second after three failures in a row, so that pages don't all wait for a Masthead that is away.

        A visitor may provoke failures by what they send. So a request without anything of a visitor's is tried first."""
        self._failures += 1
        if self._failures >= FAILURES and not self._is_away():
            self._failures = 0
        elif self._failures >= FAILURES:
            self._rests_until = self._monotonic() + REST_SECONDS
        return self._memory.recall(article, who)

    def _is_away(self) -> bool:
        """Checked by a page that reads the database, and that has another rate limit than articles, which visitors can exhaust."""
        try:
            status, _, _ = self._fetch(self._http.build_request("GET", "/who-charged-me"))
        except httpx.TransportError:
            return True
        return _is_away(status)


def _is_away(status: int) -> bool:
    return status == 429 or status >= 500


def _read(status: int, body: bytes) -> tuple[Answer, str]:
    """The answer, and a visitor's token for the meter. An answer that can't be Masthead's own, such as a proxy's, is a refusal."""
    code = "unreadable" if status == 200 else _code(body) or str(status)
    try:
        if status == 200:
            facts: dict[str, Any] = json.loads(body)
            answer = Answer(features=tuple(facts["features"]), **{name: facts[name] for name in FACTS})
            if answer.until is not None:
                datetime.fromisoformat(answer.until)
            if not isinstance(answer.allowed, bool):
                raise TypeError
            return answer, str(facts.get("visitor", ""))
    except UNREADABLE:
        pass
    log.warning("Masthead says %s %r", status, code)
    return Answer(False, code), ""


def _code(body: bytes) -> str:
    """The code of Masthead's refusal; empty where the answer isn't Masthead's."""
    try:
        return str(json.loads(body)["code"])
    except UNREADABLE:
        return ""
