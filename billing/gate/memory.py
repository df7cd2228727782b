"""All that the gate keeps, by what it is asked for; and what it forgets when the database says that something changed."""

from collections import deque
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from billing.gate.remember import Bounded
from billing.rules.policies import Policy, Span

UNIT = "\x1f"
"""Divides the names in a notification."""
BELT = 3600
"""Seconds after which anything is looked up again, whatever was heard: a belt beside the braces."""
MOST_ARTICLES = 50_000
MOST_ANSWERS = 100_000
MOST_KEYS = 1_000
_LOADED_BITS = 32


class Told(NamedTuple):
    """An answer, ready to be sent: for `/v1/access` a body, for the gate none."""

    allowed: bool
    same_until: datetime | None
    reason: str
    features: frozenset[str]
    body: bytes
    headers: list[tuple[bytes, bytes]]
    gate_headers: list[tuple[bytes, bytes]]


class Known:
    """An article's facts, and the answers that were worked out from them, by what the reader holds."""

    __slots__ = ("answers", "id", "is_metered", "loaded", "opened", "policy")

    def __init__(
        self, article_id: str, policy: Policy, opened: tuple[Span, ...], *, is_metered: bool
    ) -> None:
        self.id = article_id
        self.policy = policy
        self.opened = opened
        self.is_metered = is_metered
        self.loaded = monotonic()
        self.answers: dict[int, Told] = {}


class Signed(NamedTuple):
    """Who a session or a token stands for, to when that needs no other look."""

    reader_id: str
    session_id: str | None
    until: datetime


class Memory:
    """Bounded throughout. `heard` counts what was heard, so that a look-up can tell whether something changed meanwhile."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.standings: Bounded[str, int] = Bounded(most)
        self.sessions: Bounded[bytes, Signed] = Bounded(most)
        self.tokens: Bounded[bytes, Signed] = Bounded(most)
        self.open_sessions: Bounded[str, datetime] = Bounded(most)
        self.externals: Bounded[str, tuple[str, float]] = Bounded(most)
        self.keys: Bounded[bytes, float] = Bounded(MOST_KEYS)
        self.articles: Bounded[str, Known] = Bounded(MOST_ARTICLES)
        self.heard = 0
        self._log: deque[tuple[str, str | None]] = deque(maxlen=4096)
        self._answers = 0

    def standing(self, name: str, now: float) -> int | None:
        """What the reader or visitor holds, packed (see `pack`); None when that isn't known, or too long ago."""
        found = self.standings.get(name)
        if found is None or now - (found & ((1 << _LOADED_BITS) - 1)) > BELT:
            return None
        return found >> _LOADED_BITS

    def article(self, article_id: str, now: float) -> Known | None:
        """The article's facts; None when they aren't known, or for too long."""
        found = self.articles.get(article_id)
        return None if found is None or now - found.loaded > BELT else found

    def external(self, external_id: str, now: float) -> str | None:
        """Our id of the reader whom the publisher calls so, empty for nobody; None when that isn't known."""
        found = self.externals.get(external_id)
        return None if found is None or now - found[1] > BELT else found[0]

    def has_key(self, digest: bytes, now: float) -> bool:
        """Whether an API key with the scope `access` has this digest."""
        loaded = self.keys.get(digest)
        return loaded is not None and now - loaded <= BELT

    def keep_standing(self, name: str, packed: int) -> None:
        """Keep what was just looked up."""
        self.standings.keep(name, (packed << _LOADED_BITS) | int(monotonic()))

    def keep_answer(self, known: Known, held: int, told: Told) -> None:
        """Keep an answer with its article; all answers are forgotten when they are too many."""
        self._answers += 1
        if self._answers > MOST_ANSWERS:
            for one in self.articles.values():
                one.answers.clear()
            self._answers = 1
        known.answers[held] = told

    def hear(self, payload: str) -> None:
        """Forget what changed: a kind, and the names of that kind; without names all of them."""
        kind, *names = payload.split(UNIT)
        for name in names or (None,):
            self.heard += 1
            self._log.append((kind, name))
            self._forget(kind, name)

    def untouched(self, since: int, wanted: set[tuple[str, str | None]]) -> bool:
        """Whether none of these (kind, name) changed since so many things had been heard; a kind with None: any of it."""
        fresh = self.heard - since
        if fresh > len(self._log):
            return False
        kinds = {kind for kind, _ in wanted}
        changed = [self._log[-number] for number in range(1, fresh + 1)]
        return not any(
            kind in kinds and (name is None or (kind, name) in wanted or (kind, None) in wanted)
            for kind, name in changed
        )

    def clear(self) -> None:
        """Forget all."""
        for kept in (
            self.standings,
            self.sessions,
            self.tokens,
            self.open_sessions,
            self.externals,
            self.keys,
            self.articles,
        ):
            kept.clear()
        self._answers = 0

    def _forget(self, kind: str, name: str | None) -> None:
        if kind == "session" and name is not None:
            session_id, _, digest = name.partition(" ")
            self.open_sessions.drop(session_id)
            self.sessions.drop(bytes.fromhex(digest))
        elif kind == "standing" and name is not None:
            self.standings.drop(name)
        elif kind == "external" and name is not None:
            self.externals.drop(name)
        elif kind == "api_key" and name is not None:
            self.keys.drop(bytes.fromhex(name))
        elif kind == "article" and name is not None:
            self.articles.drop(name)
        elif kind in ("section_policy", "opening"):
            self.articles.clear()  # seldom, and they come back one by one
        else:
            self.clear()
