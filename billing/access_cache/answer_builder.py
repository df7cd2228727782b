"""Builds answers from the cache, or says what it lacks. Nothing here waits, and only `rules.access.decide` decides."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from billing.access import edge_tokens, visitors
from billing.access_cache.cache import (
    FOR_EVER,
    MAX_AGE_SECONDS,
    AccessAnswer,
    AccessCache,
    CachedArticle,
    CachedDecision,
    Header,
    Reply,
)
from billing.access_cache.load import Missing
from billing.access_cache.packed_entitlements import ANONYMOUS, GIFTS, REGISTERED
from billing.access_cache.presented import PresentedCredentials
from billing.http import cookies, shapes
from billing.http.asker import Asker, AskerKind
from billing.platform.site import Site
from billing.rules.access import REFUSALS, Facts, Reason, decide, same_until
from billing.staff.api_keys import PURPOSE

BEFORE_A_COOKIE = b"; "
MOST_SIZES = 1000


class CookieNames(NamedTuple):
    """The names of our cookies with their `=`, as in a header."""

    session: bytes
    visitor: bytes
    gift: bytes


class AnswerBuilder:
    """Builds answers. The same cache and the same instant give the same answer."""

    def __init__(self, site: Site, names: CookieNames, security: list[Header]) -> None:
        self.site = site
        self.names = names
        self._session, self._session_length = names.session, len(names.session)
        self.session_digest = site.tokens.digester("session")
        self.key_digest = site.tokens.list_digester(PURPOSE)
        self.private: tuple[Header, ...] = ((b"cache-control", b"private, no-store"), *security)
        self._sized: dict[int, tuple[Header, ...]] = {}
        self._gate = {reason: self._bodiless(reason) for reason in Reason}

    def reply(self, route: str, answer: tuple[bytes, CachedDecision]) -> Reply:
        """The reply about one article; the gate's has no body."""
        head, decision = answer
        if route == "gate":
            return decision.gate
        return self.with_body(route, decision.reason, head + decision.tail)

    def with_body(self, route: str, reason: str, body: bytes) -> Reply:
        """A reply with this body. Headers are kept by its length, which thousands of replies share."""
        headers = self._sized.get(len(body))
        if headers is None:
            if len(self._sized) > MOST_SIZES:
                self._sized.clear()
            size = b"content-length", b"%d" % len(body)
            headers = self._sized[len(body)] = (size, (b"content-type", b"application/json"), *self.private)
        return route, reason, 200, headers, body

    def _bodiless(self, reason: Reason) -> Reply:
        headers = ((b"x-access-reason", reason.value.encode()), *self.private)
        return "gate", reason.value, 403 if reason in REFUSALS else 204, headers, b""

    def fast_path(
        self, cache: AccessCache, headers: Iterable[Header], article_id: str, seconds: float, now: float
    ) -> tuple[bytes, CachedDecision] | None:
        """The answer of `answers`, if session, entitlements, article and a decision that allows are cached; else None.

        Most requests are answered here. So it is inlined, and repeats parts of `held` on purpose."""
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
            self.session_digest(cookie[start:] if end < 0 else cookie[start:end])[:16]
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
        return article.head, decision

    def answers(
        self,
        cache: AccessCache,
        who: PresentedCredentials,
        articles: Sequence[str],
        at: datetime,
        now: float,
    ) -> list[AccessAnswer] | Missing | None:
        """The answers, or what is missing for them. None if only the framework can say, which counts and refuses."""
        held = self.held(cache, who, at, now)
        if not isinstance(held, int):
            return held
        answers, seconds = [], at.timestamp()
        for article_id in articles:
            article = cache.article(article_id, now)
            if article is None:
                unknown = [name for name in dict.fromkeys(articles) if cache.article(name, now) is None]
                return ("articles", tuple(unknown))
            decision = article.decisions.get(held)
            if decision is None or seconds >= decision.same_until:
                decision = self._decide(cache, article, held, at)
                cache.keep_decision(article, held, decision)
            if not decision.allowed and article.is_metered:
                return None  # the meter may open it
            answers.append(AccessAnswer(article.head, decision))
        if all(answer.decision.allowed for answer in answers):
            return answers
        gifted = self._may_be_gifted(cache, who, held, now)
        return answers if gifted is False else gifted

    def held(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> int | Missing | None:
        """The packed entitlements of the reader or visitor who asks."""
        by_token = bool(who.bearer) and not who.has_key
        if by_token:
            name = self._reader_by_token(cache, who, at)
        elif who.has_key:
            name = self._reader_by_key(cache, who, at, now)
        else:
            name = self._reader_by_session(cache, who, at) if who.cookie else ""
        if not isinstance(name, str):
            return name
        if not name:
            return ANONYMOUS
        held = cache.held_by(name, now)
        if held is None:
            return ("standing", name)
        # A token whose reader has been erased is refused, which the framework does.
        return None if by_token and not held & REGISTERED else held

    def caller(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> Asker | Missing | None:
        """The program or reader, if that is proved, or what is missing to prove it. None for a stranger.

        Beside a token that proves nothing, the session counts. Beside a key that proves nothing it doesn't: the key is refused."""
        if who.has_key:
            digest = self.key_digest(who.bearer)
            is_known = cache.has_key(digest, at.timestamp(), now)
            return Asker(AskerKind.PROGRAM, digest.hex()) if is_known else ("key", digest)
        name = self._reader_by_token(cache, who, at) if who.bearer else None
        if name is None:
            name = self._reader_by_session(cache, who, at, is_stale=True)
        return Asker(AskerKind.READER, name) if isinstance(name, str) and name else name or None

    def _may_be_gifted(
        self, cache: AccessCache, who: PresentedCredentials, held: int, now: float
    ) -> Missing | Literal[False] | None:
        """False if no gift opens what was refused, or what is missing. None if only the framework can say."""
        if held & GIFTS or who.named.get("gift") or cookies.value_in(who.cookie, self.names.gift):
            return None
        if who.has_key:
            token = who.named.get("visitor", "")
        else:
            token = cookies.value_in(who.cookie, self.names.visitor).decode()
        visitor = visitors.by_token(self.site, token)
        if visitor is None:
            return False
        gifts = cache.held_by(visitor.id, now)
        if gifts is None:
            return ("standing", visitor.id)
        return None if gifts & GIFTS else False

    def _reader_by_session(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, *, is_stale: bool = False
    ) -> str | Missing | None:
        """`is_stale`: also a session whose use is due to be noted, or that has expired; only the framework can tell which."""
        secret = cookies.value_in(who.cookie, self.names.session)
        if not secret:
            return ""
        digest = self.session_digest(secret)
        session = cache.sessions.get(digest[:16])
        if session is None:
            return ("session", digest)
        return session.reader_id if is_stale or at.timestamp() < session.until else None

    def _reader_by_token(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime
    ) -> str | Missing | None:
        digest = hashlib.sha256(who.bearer).digest()[:16]
        token = cache.tokens.get(digest)
        if token is None:
            secret = who.bearer.decode("latin-1")
            return ("token", (digest, secret)) if edge_tokens.looks_like_token(secret) else None
        if at >= token.expires_at:
            return None
        if token.session_id is not None:
            until = cache.open_sessions.get(token.session_id)
            if until is None:
                return ("open_session", token.session_id)
            if at.timestamp() > until:
                return None
        return token.reader_id

    def _reader_by_key(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> str | Missing | None:
        digest = self.key_digest(who.bearer)
        if not cache.has_key(digest, at.timestamp(), now):
            return ("key", digest)
        external_id = who.named.get("external_id")
        if not external_id:
            return who.named.get("reader_id", "")
        found = cache.reader_of(external_id, now)
        return ("external", external_id) if found is None else found or who.named.get("reader_id", "")

    def _decide(self, cache: AccessCache, article: CachedArticle, held: int, at: datetime) -> CachedDecision:
        registered, entitlements = cache.packer.unpack(held)
        facts = Facts(article.policy, registered, entitlements, None, article.opened)
        decision = decide(facts, at)
        shape = shapes.decided(article.id, decision, None, self.site.offer_url)
        body = json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode()
        until = same_until(facts, at)
        return CachedDecision(
            decision.allowed,
            FOR_EVER if until is None else until.timestamp(),
            decision.features,
            decision.reason.value,
            body.removeprefix(article.head),
            self._gate[decision.reason],
        )
