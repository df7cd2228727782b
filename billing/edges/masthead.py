"""Ask Masthead who may read. Import it, or copy it with `who.py` and `remember.py`; it needs httpx.

    masthead = Masthead("https://accounts.paper.example")
    answer = masthead.ask("the-water-nobody-counted", Who(cookies=request.headers.get("Cookie", "")))
    page = whole if answer.allowed else beginning        # and send answer.cookies along, as Set-Cookie

Where your pages and Masthead are two hosts, the reader is known by a reader token (`token`, or the cookie in which `paywall.js`
keeps it); on one host by Masthead's own cookies; with an API key by your own sign-in (`external_id`, `reader_id`).

A connection that fails, a time-out (`timeout`, 0.3 s), a 5xx or a 429 mean that Masthead is away. Then what it said in the last
hour (`memory`, an hour at most) holds in this process (`remember.py`). Who isn't known gets `away`: show the beginning, and let no
cache keep it. Any other answer closes the article.
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
SAID = ("allowed", "reason", "until", "meter", "subscribe_url")
VISITOR = "masthead-visitor={}; Path=/; Max-Age=3456000; HttpOnly; SameSite=Lax"
OURS = ("masthead-", f"{HOST}masthead-")
IDLE_SECONDS = 60
"""Masthead closes a line that was idle for 75."""
MOST_BYTES = 65_536
"""Of an answer. Masthead's own are a few hundred."""
ENDED = "session_ended"
"""The code of Masthead's answer to a token whose session has ended."""
UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
FAILURES = 3
"""In a row, after which the client asks for itself whether Masthead is there."""
REST_SECONDS = 1
log = logging.getLogger("masthead")


class Masthead:
    """Any number of threads may ask at once. `monotonic` gives seconds, and stands for the machine's clock."""

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
        # one reader's cookies are never sent with another's question
        keeps_none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_SECONDS)
        self._http = httpx.Client(base_url=url, timeout=timeout, limits=limits, cookies=keeps_none)
        self._visitor = f"{HOST}{VISITOR}; Secure" if url.startswith("https:") else VISITOR
        self._api_key, self._memory = api_key, Memory(memory, most, monotonic)
        self._monotonic, self._failures, self._rests_until = monotonic, 0, 0.0

    def ask(self, article: str, who: Who) -> Answer:
        """The decision on one article. Never raises for a Masthead that is away, slow or broken, nor for what a visitor sends."""
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
        if status == 401 and who.bearer:  # stale, and no session beside it: a stranger
            if _code(body) == ENDED:  # a token that is only too old says nothing against its reader
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
        """The query and the headers: with a key the site says who it is, without one the reader's own proofs do."""
        query = {"prefetch": "true"} if who.ahead else {}
        headers = {b"User-Agent": who.agent or b"masthead.py", b"Accept": b"application/json"}
        # A small answer that unpacks into a large one would be cut too late.
        headers[b"Accept-Encoding"] = b"identity"
        if self._api_key:
            query |= {"reader_id": who.reader_id, "external_id": who.external_id, "visitor": who.visitor}
            query["gift"] = who.given
            headers[b"Authorization"] = b"Bearer " + self._api_key.encode()
        else:
            headers[b"Cookie"] = who.cookie.encode()
            headers[b"Authorization"] = b"Bearer " + who.bearer.encode() if who.bearer else b""
        return {name: value for name, value in query.items() if value}, {
            n: v for n, v in headers.items() if v
        }

    def _fetch(self, request: httpx.Request) -> tuple[int, bytes, list[str]]:
        """The status, the body, and Masthead's cookies. A redirect is an answer, and not followed.

        Raises httpx.TransportError where the line fails, or nothing comes in time."""
        answer, body = self._http.send(request, stream=True), b""
        ends = time.monotonic() + (self._http.timeout.read or 0)
        try:
            for piece in answer.iter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    break
                if time.monotonic() > ends:
                    raise httpx.ReadTimeout("the answer comes too slowly", request=request)
        finally:
            answer.close()
        return (
            answer.status_code,
            body,
            [c for c in answer.headers.get_list("set-cookie") if c.startswith(OURS)],
        )

    def _fails(self, article: str, who: Who) -> Answer:
        """After three failures in a row a rest, so that pages don't all wait for what doesn't answer.

        A visitor's own requests may fail by what they bring, so a question without anything of a visitor's is asked first."""
        self._failures += 1
        if self._failures >= FAILURES:
            if self._is_away():
                self._rests_until = self._monotonic() + REST_SECONDS
            else:
                self._failures = 0
        return self._memory.recall(article, who)

    def _is_away(self) -> bool:
        """By a page that looks into the database: visitors can crowd out questions about articles, and it isn't one."""
        try:
            status, _, _ = self._fetch(self._http.build_request("GET", "/who-charged-me"))
        except httpx.TransportError:
            return True
        return _is_away(status)


def _is_away(status: int) -> bool:
    return status == 429 or status >= 500


def _read(status: int, body: bytes) -> tuple[Answer, str]:
    """What was said, and the token of a visitor. What Masthead can't have said is a refusal: a proxy says it, of this request."""
    code = "unreadable" if status == 200 else _code(body) or str(status)
    try:
        if status == 200:
            said: dict[str, Any] = json.loads(body)
            answer = Answer(features=tuple(said["features"]), **{name: said[name] for name in SAID})
            if answer.until is not None:
                datetime.fromisoformat(answer.until)
            if not isinstance(answer.allowed, bool):
                raise TypeError
            return answer, str(said.get("visitor", ""))
    except UNREADABLE:
        pass
    log.warning("Masthead says %s %r", status, code)
    return Answer(False, code), ""


def _code(body: bytes) -> str:
    """Masthead's own word for a refusal; empty for anybody else's."""
    try:
        return str(json.loads(body)["code"])
    except UNREADABLE:
        return ""
