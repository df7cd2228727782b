"""Builds decisions and replies from cached facts. Nothing here waits, and only `rules.access.decide` decides."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from billing.access import meter
from billing.access.articles import UnknownArticle
from billing.access.check import MeterLimits
from billing.access_cache.cache import FOR_EVER, MAX_AGE_SECONDS, AccessCache
from billing.access_cache.entries import AccessAnswer, CachedArticle, CachedDecision, Reply
from billing.access_cache.packed_entitlements import REGISTERED
from billing.http import cookies, shapes
from billing.http.access_paths import PREFETCH
from billing.http.at_once import AnswerHead, Header, answer_head
from billing.http.headers import machine_headers, raw_headers
from billing.platform.settings import Settings
from billing.platform.site import Site
from billing.rules.access import REFUSALS, Facts, Meter, Reason, decide, same_until

BEFORE_A_COOKIE = b"; "
MOST_SIZES = 1000


class CookieNames(NamedTuple):
    """The names of our cookies with their `=`, as in a header."""

    session: bytes
    visitor: bytes
    gift: bytes

    @classmethod
    def of(cls, settings: Settings) -> "CookieNames":
        """Those of an installation."""
        ours = (cookies.SESSION, cookies.VISITOR, cookies.GIFT)
        return cls(*(cookies.cookie_name(settings, name).encode() + b"=" for name in ours))


class AnswerHeaders(NamedTuple):
    """Headers of every answer, and what stands around a visitor's token in `Set-Cookie`."""

    security: Sequence[Header]
    before_visitor: bytes
    after_visitor: bytes

    @classmethod
    def of(cls, settings: Settings) -> "AnswerHeaders":
        """Those of an installation."""
        response, token = Response(), "token"
        cookies.set_cookie(response, settings, cookies.VISITOR, token, meter.KEPT)
        before, _, after = response.headers["set-cookie"].partition(f"={token};")
        return cls(raw_headers(machine_headers(settings)), f"{before}=".encode(), f";{after}".encode())


class AnswerBuilder:
    """Builds answers. The same cache and the same instant give the same answer."""

    def __init__(
        self, site: Site, limits: MeterLimits, session_cookie: bytes, headers: AnswerHeaders
    ) -> None:
        self.site = site
        self.limits = limits
        self._session, self._session_length = session_cookie, len(session_cookie)
        self._session_digest = site.tokens.digester("session")
        self._headers = headers
        self._private: tuple[Header, ...] = ((b"cache-control", b"private, no-store"), *headers.security)
        self._sized: dict[int, AnswerHead] = {}
        self._gate = {reason: self._bodiless(reason.value, reason not in REFUSALS) for reason in Reason}
        self._ahead = self._bodiless(PREFETCH, False)
        closed = self._bodiless(UnknownArticle.code, False)
        unknown = CachedDecision(False, FOR_EVER, frozenset(), UnknownArticle.code, b"", closed)
        self.unknown: AccessAnswer = b"", unknown, False, ""
        """The gate's answer about an article that nobody has registered."""

    def reply(self, route: str, answer: AccessAnswer) -> Reply:
        """The reply about one article to a browser or its web server; the gate's has no body."""
        head, decision, is_pending, visitor = answer
        if route == "gate":
            reply = self._ahead if is_pending and decision.allowed else decision.gate
        else:
            reply = self.with_body(route, decision.reason, head + decision.tail)
        return self._with_cookie(reply, visitor) if visitor else reply

    def reply_to_program(self, route: str, answer: AccessAnswer) -> Reply:
        """The reply about one article to a program, which keeps the visitor's token itself."""
        head, decision, is_pending, visitor = answer
        if route == "gate" or not visitor:
            return self.reply(route, (head, decision, is_pending, ""))
        body = b'%b%b,"visitor":"%b"}' % (head, decision.tail[:-1], visitor.encode())
        return self.with_body(route, decision.reason, body)

    def with_body(self, route: str, reason: str, body: bytes) -> Reply:
        """A reply with this body. Heads are kept by its length, which thousands of replies share."""
        size = len(body)
        head = self._sized.get(size)
        if head is None:
            if len(self._sized) > MOST_SIZES:
                self._sized.clear()
            headers = (b"content-type", b"application/json"), *self._private
            head = self._sized[size] = answer_head(200, size, headers)
        return route, reason, head, body

    def _with_cookie(self, reply: Reply, visitor: str) -> Reply:
        route, reason, head, body = reply
        cookie = self._headers.before_visitor + visitor.encode() + self._headers.after_visitor
        return route, reason, head.with_header(b"set-cookie", cookie), body

    def _bodiless(self, reason: str, is_open: bool) -> Reply:
        headers = (b"x-access-reason", reason.encode()), *self._private
        return "gate", reason, answer_head(204 if is_open else 403, 0, headers), b""

    def fast_path(
        self, cache: AccessCache, headers: Sequence[Header], article_id: str, seconds: float, now: float
    ) -> AccessAnswer | None:
        """The answer to a reader, if session, entitlements, article and a decision that allows are cached; else None.

        Most requests of subscribers are answered here. So it is inlined, and repeats parts of `Identifier` on purpose."""
        cookie = None
        for name, value in headers:
            if name == b"cookie":
                if cookie is not None:
                    return None
                cookie = value
            elif name == b"authorization":
                return None
        if cookie is None:
            return None
        start = cookie.rfind(self._session)
        # Only what browsers write; `cookies.value_in` reads the rest.
        if start < 0 or (start and cookie[start - 2 : start] != BEFORE_A_COOKIE):
            return None
        start += self._session_length
        end = cookie.find(b";", start)
        session = cache.sessions.get(
            self._session_digest(cookie[start:] if end < 0 else cookie[start:end])[:16]
        )
        if session is None or seconds >= session.until:
            return None
        held = session.held if session.generation == cache.entitlements.generation else None
        if held is None:
            held = cache.held_in(session)
        article = cache.articles.get(article_id)
        if held is None or now - session.loaded > MAX_AGE_SECONDS:
            return None
        if article is None or now - article.loaded > MAX_AGE_SECONDS:
            return None
        decision = article.decisions.get(held)
        if decision is None or not decision.allowed or seconds >= decision.same_until:
            return None
        return article.head, decision, False, ""

    def decision(self, cache: AccessCache, article: CachedArticle, held: int, at: datetime) -> CachedDecision:
        """The decision on an article for packed entitlements, without the meter."""
        decision = self._decide(cache, article, held, None, at)
        cache.keep_decision(article, held, decision)
        return decision

    def limit(self, held: int) -> int:
        """How many metered articles a month these entitlements give."""
        return self.limits.of(registered=bool(held & REGISTERED))

    def metered(
        self, cache: AccessCache, article: CachedArticle, held: int, counted: Sequence[str], at: datetime
    ) -> CachedDecision:
        """The decision where these articles are counted this month."""
        month, limit = meter.month_of(self.site, at), self.limit(held)
        consulted = meter.meter_of(self.site, month, counted, article.id, limit)
        decision = self._decide(cache, article, held, consulted, at)
        cache.keep_decision(article, (held, len(counted), article.id in counted), decision)
        return decision

    def _decide(
        self, cache: AccessCache, article: CachedArticle, held: int, meter: Meter | None, at: datetime
    ) -> CachedDecision:
        registered, entitlements = cache.packer.unpack(held)
        facts = Facts(article.policy, registered, entitlements, meter, article.opened)
        decision = decide(facts, at)
        shape = shapes.decided(article.id, decision, meter, self.site)
        body = json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode()
        until = same_until(facts, at)
        return CachedDecision(
            decision.allowed,
            FOR_EVER if until is None else until.timestamp(),
            decision.features,
            decision.reason.value,
            body.removeprefix(article.head if decision.allowed else article.closed_head),
            self._gate[decision.reason],
        )
