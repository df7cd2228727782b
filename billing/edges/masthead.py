"""Ask Masthead who may read: one file, with the standard library alone. Copy it, or import it.

    masthead = Masthead("https://accounts.paper.example")
    answer = masthead.ask("the-water-nobody-counted", Who(cookies=request.headers.get("Cookie", "")))
    page = whole if answer.allowed else beginning        # and send answer.cookies along, as Set-Cookie

Where your pages and Masthead are one host, the reader is known by the cookies of the request. Where they are two, by a
reader token (`token`), or, with an API key, by your own sign-in (`external_id`, `reader_id`).

When Masthead is away, or slower than `timeout` (0.3 s), no payer is locked out: what it has said before is remembered for
`memory` (an hour), in this process. Whoever held a trial or a subscription reads on, every article; what was open to
everybody, or to this reader, stays so until its `until`. Everybody else gets `away`: show the beginning, and let no cache keep it.
"""

import http.client
import json
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

OURS = re.compile(r"(?:^|;)\s*((?:__Host-)?masthead-(?:session|visitor|gift))=([^;\s]+)")
HOLDERS = frozenset({"trial", "subscription", "grace", "complimentary"})
EVERYBODY = frozenset({"free", "open"})
COUNTED = frozenset({"meter", "gift"})
log = logging.getLogger("masthead")


@dataclass(frozen=True)
class Who:
    """Who wants to read, by what their request says; `ahead`: their browser only fetches ahead, which is no reading."""

    cookies: str = ""
    token: str = ""
    reader_id: str = ""
    external_id: str = ""
    user_agent: str = ""
    ahead: bool = False

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str]) -> "Who":
        """From a request; `headers` are looked up by their names in small letters."""
        bearer = headers.get("authorization", "")
        purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
        return cls(
            cookies="; ".join(f"{name}={value}" for name, value in OURS.findall(headers.get("cookie", ""))),
            token=bearer[7:] if bearer[:7].lower() == "bearer " and bearer.count(".") == 2 else "",
            user_agent=headers.get("user-agent", ""),
            ahead=method == "HEAD" or "prefetch" in purpose or "prerender" in purpose,
        )

    @property
    def name(self) -> tuple[str, ...]:
        """By which an answer is remembered: secrets of this reader, never only what anybody could guess."""
        session = [value for name, value in OURS.findall(self.cookies) if name.endswith("session")]
        return (*session, self.token, self.reader_id, self.external_id)


@dataclass(frozen=True)
class Answer:
    """May they read? `cookies` are lines for Set-Cookie. `remembered`: said earlier; Masthead is away."""

    allowed: bool
    reason: str
    features: tuple[str, ...] = ()
    until: str | None = None
    meter: Mapping[str, int] | None = None
    subscribe_url: str | None = None
    cookies: tuple[str, ...] = ()
    remembered: bool = False


AWAY = Answer(False, "away")


class Masthead:
    """Any number of threads may ask at once; each keeps its line to Masthead open."""

    def __init__(
        self, url: str, api_key: str = "", *, timeout: float = 0.3, memory: float = 3600, most: int = 50_000
    ) -> None:
        self.url, self.api_key, self.timeout, self.memory, self.most = (
            urlsplit(url),
            api_key,
            timeout,
            memory,
            most,
        )
        self._lines = threading.local()
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()
        self._failures, self._rests_until = 0, 0.0

    def ask(self, article: str, who: Who) -> Answer:
        """The decision on one article. Never raises for a Masthead that is away, slow or broken."""
        try:
            if time.monotonic() < self._rests_until:
                return self._remembered(article, who)
            status, cookies, said = self._get(article, who)
        except (OSError, http.client.HTTPException, ValueError):
            return self._fails(article, who)
        if (
            status == 401 and who.token
        ):  # stale, and there is no session beside it: somebody unknown, until they bring another
            return self.ask(article, replace(who, token=""))
        if status >= 500 or status == 429:
            return self._fails(article, who)
        self._failures = 0
        if status != 200:
            log.warning("Masthead says %s %s", status, said.get("code"))
            return Answer(False, str(said.get("code", status)))
        names = ("allowed", "reason", "until", "meter", "subscribe_url")
        answer = Answer(
            **{name: said[name] for name in names}, features=tuple(said["features"]), cookies=cookies
        )
        if who.ahead and answer.reason in COUNTED:
            return replace(answer, allowed=False, reason="prefetch", features=())
        self._keep(article, who, replace(answer, cookies=(), remembered=True))
        return answer

    def _get(self, article: str, who: Who) -> tuple[int, tuple[str, ...], dict[str, Any]]:
        """Over this thread's line. One that Masthead has closed meanwhile is opened anew, once."""
        query = {"prefetch": "true"} if who.ahead else {}
        headers = {"User-Agent": who.user_agent or "masthead.py", "Accept": "application/json"}
        if self.api_key:
            visitor = next(
                (value for name, value in OURS.findall(who.cookies) if name.endswith("visitor")), ""
            )
            named = {"reader_id": who.reader_id, "external_id": who.external_id, "visitor": visitor}
            query |= {name: value for name, value in named.items() if value}
            headers["Authorization"] = f"Bearer {self.api_key}"
        else:
            headers |= {"Cookie": who.cookies} if who.cookies else {}
            headers |= {"Authorization": f"Bearer {who.token}"} if who.token else {}
        path = f"{self.url.path}/v1/access/{quote(article, safe='')}?{urlencode(query)}"
        old = getattr(self._lines, "line", None)
        for line in (old, self._open()) if old else (self._open(),):
            try:
                line.request("GET", path, headers=headers)
                found = line.getresponse()
                said = json.loads(found.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                line.close()
                if line is old:
                    continue
                raise
            except BaseException:
                line.close()  # half an answer may still be under way on it
                self._lines.line = None
                raise
            self._lines.line = line
            cookies = [value for name, value in found.getheaders() if name.lower() == "set-cookie"]
            if self.api_key and "visitor" in said:
                cookies.append(
                    f"masthead-visitor={said['visitor']}; Path=/; Max-Age=3456000; HttpOnly; SameSite=Lax"
                )
            return found.status, tuple(cookies), said
        raise ConnectionError

    def _open(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        return kind(str(self.url.hostname), self.url.port, timeout=self.timeout)

    def _keep(self, article: str, who: Who, answer: Answer) -> None:
        if not answer.allowed:
            return self._forget(who) if any(who.name) else None
        span = self.memory
        if answer.until and answer.reason not in HOLDERS:  # a payer's late charge locks nobody out
            span = min(span, datetime.fromisoformat(answer.until).timestamp() - time.time())
        with self._lock:
            self._kept[_place(article, who, answer.reason)] = (time.monotonic() + span, answer)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return None

    def _forget(self, who: Who) -> None:
        """A refusal ends what the reader held."""
        with self._lock:
            self._kept.pop(("", *who.name), None)

    def _fails(self, article: str, who: Who) -> Answer:
        """After three failures in a row a second of rest, so that pages don't all wait for what doesn't answer."""
        self._failures += 1
        if self._failures >= 3:
            self._rests_until = time.monotonic() + 1
        return self._remembered(article, who)

    def _remembered(self, article: str, who: Who) -> Answer:
        for reason in ("free", "subscription", "registered"):
            place = _place(article, who, reason)
            until, answer = self._kept.get(place, (0.0, AWAY))
            named = reason == "free" or any(who.name)
            if named and time.monotonic() < until and not (who.ahead and answer.reason in COUNTED):
                return answer
        return AWAY


def _place(article: str, who: Who, reason: str) -> tuple[str, ...]:
    if reason in EVERYBODY:
        return (article,)
    return ("" if reason in HOLDERS else article, *who.name)
