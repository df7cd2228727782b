"""The access cache of one process: what it keeps, by what key, and what it drops when the database reports a change."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from billing.access.edge_tokens import Bearer
from billing.access.visitors import Visitor
from billing.access_cache.bounded_map import Bounded
from billing.access_cache.entries import (
    KEY_USE_SECONDS,
    CachedArticle,
    CachedDecision,
    CachedEntitlements,
    CachedKey,
    CachedSession,
    CachedVisitor,
    DecidedBy,
)
from billing.access_cache.packed_entitlements import Packer
from billing.platform.monotonic import Monotonic
from billing.rules.policies import ArticlePolicy, FreeSpan

UNIT = "\x1f"
"""Divides the names in a notification."""
MAX_AGE_SECONDS = 3600
"""Maximum age of an entry; a safety net for a lost invalidation."""
FOR_EVER = float("inf")
MOST_ARTICLES = 50_000
MOST_POLICIES = 2 * MOST_ARTICLES
MOST_DECISIONS = 100_000
MOST_KEYS = 1_000
MOST_SESSION_IDS = 50_000
MOST_ABSENT = 50_000


class AccessCache:
    """All that one process keeps, bounded. A lookup compares `invalidations` to tell whether it raced a change."""

    def __init__(self, most: int, monotonic: Monotonic) -> None:
        self.most = most
        self._seconds = monotonic.seconds
        self.packer = Packer()
        self.entitlements: Bounded[str, CachedEntitlements] = Bounded(most)
        self.sessions: Bounded[bytes, CachedSession] = Bounded(most)
        self.ended_sessions: Bounded[bytes, bool] = Bounded(MOST_ABSENT)
        """Sessions that don't exist or have ended. None of them ever begins: a browser gets its secret after the commit."""
        self.session_ids: Bounded[bytes, str] = Bounded(MOST_SESSION_IDS)
        """Apart from the sessions, and fewer: only those who ask for reader tokens need them."""
        self.tokens: Bounded[bytes, Bearer] = Bounded(most)
        self.open_sessions: Bounded[str, float] = Bounded(most)
        self.external_ids: Bounded[str, tuple[str, float]] = Bounded(most)
        self.visitors: Bounded[str, CachedVisitor] = Bounded(most)
        self.visitor_tokens: Bounded[bytes, Visitor] = Bounded(most)
        self.gift_links: Bounded[str, str] = Bounded(MOST_KEYS)
        """The article of each gift link, by its secret."""
        self.keys: Bounded[bytes, CachedKey] = Bounded(MOST_KEYS)
        self.used_keys: list[bytes] = []
        """Digests of keys whose use is to be written down."""
        self.articles: Bounded[str, CachedArticle] = Bounded(MOST_ARTICLES)
        self.unknown_articles: Bounded[str, float] = Bounded(MOST_ABSENT)
        """When it was found that nobody has registered an article by that id, monotonic."""
        self.by_kind: dict[str, Bounded[Any, Any]] = {
            "standings": self.entitlements,
            "sessions": self.sessions,
            "tokens": self.tokens,
            "visitors": self.visitors,
            "externals": self.external_ids,
            "keys": self.keys,
            "articles": self.articles,
        }
        """By kind as metrics name it."""
        self._unnamed: tuple[Bounded[Any, Any], ...] = (
            *(self.open_sessions, self.session_ids, self.ended_sessions),
            *(self.gift_links, self.unknown_articles),
        )
        self.invalidations = 0
        self._log: deque[tuple[str, str | None]] = deque(maxlen=4096)
        self._decisions = 0
        self._by_facts: dict[tuple[ArticlePolicy, tuple[FreeSpan, ...]], dict[DecidedBy, CachedDecision]] = {}
        self._numbers: dict[int, int] = {}

    def held_by(self, name: str, now: float) -> int | None:
        """The packed entitlements of a reader or visitor; None if unknown or too old."""
        found = self.entitlements.get(name)
        return None if found is None or now - found.loaded > MAX_AGE_SECONDS else found.held

    def held_in(self, session: CachedSession) -> int | None:
        """The packed entitlements of the session's reader, at hand from now on; None if unknown."""
        found = self.entitlements.get(session.reader_id)
        if found is None:
            return None
        if found.session is not None:
            found.session.held = None
        found.session = session
        session.held, session.loaded = found.held, found.loaded
        session.generation = self.entitlements.generation
        return found.held

    def article(self, article_id: str, now: float) -> CachedArticle | None:
        """The article's facts; None if unknown or too old."""
        found = self.articles.get(article_id)
        return None if found is None or now - found.loaded > MAX_AGE_SECONDS else found

    def is_unknown(self, article_id: str, now: float) -> bool:
        """Whether it is known that there is no such article."""
        found = self.unknown_articles.get(article_id)
        return found is not None and now - found <= MAX_AGE_SECONDS

    def reader_of(self, external_id: str, now: float) -> str | None:
        """The id of the reader with this external id, empty if there is none; None if unknown or too old."""
        found = self.external_ids.get(external_id)
        return None if found is None or now - found[1] > MAX_AGE_SECONDS else found[0]

    def has_key(self, digest: bytes, seconds: float, now: float) -> bool:
        """Whether a key with the scope `access` has this digest and works at `seconds` since 1970. Queues a note of its use."""
        key = self.keys.get(digest[:16])
        if key is None or now - key.loaded > MAX_AGE_SECONDS or seconds >= key.until:
            return False
        if now - key.noted >= KEY_USE_SECONDS:
            key.noted = now
            self.used_keys.append(digest)
        return True

    def keep_entitlements(self, name: str, packed: int) -> None:
        """Keep what was just loaded."""
        self._drop("standing", name)  # so that no session goes on with the entitlements of before
        self.entitlements.keep(name, CachedEntitlements(self._same(packed), self._same(int(self._seconds()))))

    def keep_session(self, digest: bytes, reader_id: str, until: float) -> None:
        """Keep a session, to the second of `until`."""
        self.sessions.keep(digest, CachedSession(reader_id, self._same(int(until))))

    def keep_visitors(self, since: int, found: Mapping[str, CachedVisitor]) -> None:
        """Keep visitors loaded after so many invalidations, except those of whom more was reported meanwhile."""
        changed = self._changed(since)
        if changed is None or any(name is None for _, name in changed):
            return
        outdated = {name for kind, name in changed if kind == "visitor" and name is not None}
        outdated = {
            visitor
            for visitor, counted in map(_counted_in, outdated)
            if visitor in found and not found[visitor].includes(counted)
        }
        for visitor, state in found.items():
            if visitor not in outdated:
                self.visitors.keep(visitor, state)

    def keep_article(self, article: CachedArticle) -> None:
        """Keep an article's facts."""
        if len(self._by_facts) >= MOST_POLICIES:
            self._drop_decisions()
        article.decisions = self._by_facts.setdefault((article.policy, article.opened), {})
        self.articles.keep(article.id, article)

    def keep_decision(self, article: CachedArticle, by: DecidedBy, decision: CachedDecision) -> None:
        """Keep a decision; drops all of them when there are too many."""
        self._decisions += 1
        if self._decisions > MOST_DECISIONS:
            self._drop_decisions()
        article.decisions[by] = decision

    def _drop_decisions(self) -> None:
        self._decisions = 0
        self._by_facts.clear()
        for article in self.articles.values():
            article.decisions = self._by_facts.setdefault((article.policy, article.opened), {})

    def _same(self, number: int) -> int:
        """One object for equal numbers: thousands of readers have the same entitlements, loaded in the same second."""
        if len(self._numbers) > MOST_DECISIONS:
            self._numbers.clear()
        return self._numbers.setdefault(number, number)

    def invalidate(self, payload: str) -> None:
        """Drop what a notification names: a kind and names of that kind, or all of it."""
        kind, *names = payload.split(UNIT)
        for name in names or (None,):
            self.invalidations += 1
            self._log.append((kind, name))
            self._drop(kind, name)

    def unchanged(self, since: int, watched: set[tuple[str, str | None]]) -> bool:
        """Whether none of these (kind, name) was invalidated after so many invalidations. A name of None stands for all."""
        changed, kinds = self._changed(since), {kind for kind, _ in watched}
        return changed is not None and not any(
            kind in kinds and (name is None or (kind, name) in watched or (kind, None) in watched)
            for kind, name in changed
        )

    def _changed(self, since: int) -> list[tuple[str, str | None]] | None:
        """What was invalidated after so many invalidations; None if the log is too short to tell."""
        later = self.invalidations - since
        return [self._log[-number] for number in range(1, later + 1)] if later <= len(self._log) else None

    def clear(self) -> None:
        """Drop everything."""
        for kept in (*self.by_kind.values(), *self._unnamed):
            kept.clear()
        self._drop_decisions()
        self.packer = Packer()  # no packed number is left, so the sets of features may go too

    def _drop(self, kind: str, name: str | None) -> None:
        if kind in ("section_policy", "public_window"):
            self.articles.clear()  # rare, and the articles come back one by one
        elif name is None:
            self.clear()
        elif kind == "session":
            session_id, _, digest = name.partition(" ")
            self.open_sessions.drop(session_id)
            self.sessions.drop(bytes.fromhex(digest))
            self.session_ids.drop(bytes.fromhex(digest))
        elif kind == "standing":
            dropped = self.entitlements.drop(name)
            if dropped is not None and dropped.session is not None:
                dropped.session.held = None
        elif kind == "visitor":
            visitor, counted = _counted_in(name)
            known = self.visitors.get(visitor)
            if known is not None and not known.includes(counted):
                self.visitors.drop(visitor)
        elif kind == "external":
            self.external_ids.drop(name)
        elif kind == "api_key":
            self.keys.drop(bytes.fromhex(name))
        elif kind == "price":
            pass  # for `web/kit/kept_rows`: what a subscription costs opens no article
        elif kind == "article":
            self.articles.drop(name)
            self.unknown_articles.drop(name)
        else:
            self.clear()


def _counted_in(name: str) -> tuple[str, str]:
    """The visitor of a notification, and the number of its counted articles; empty for any other change."""
    visitor, _, counted = name.partition(" ")
    return visitor, counted
