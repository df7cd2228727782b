"""All that the gate keeps, by what it is asked for; and what it forgets when the database says that something changed."""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from billing.gate.remember import Bounded
from billing.rules.policies import Policy, Span

Header = tuple[bytes, bytes]
UNIT = "\x1f"
"""Divides the names in a notification."""
BELT = 3600
"""Seconds after which anything is looked up again, whatever was heard: a belt beside the braces."""
MOST_ARTICLES = 50_000
MOST_ANSWERS = 100_000
MOST_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out, but for the request's id."""

    route: str
    reason: str
    status: int
    headers: tuple[Header, ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, ready to be sent: for `/v1/access` with a body, for the gate without one. `same_until`: in seconds since 1970."""

    allowed: bool
    same_until: float
    features: frozenset[str]
    access: Reply
    gate: Reply

    @property
    def body(self) -> bytes:
        """The answer in JSON."""
        return self.access.body

    def with_all(self, route: str, body: bytes) -> Reply:
        """The reply with this body, which holds this answer and others."""
        return Reply(route, "all", 200, with_body(len(body), self.access.headers[2:]), body)


@lru_cache(maxsize=1000)
def with_body(length: int, others: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers of a body, before the others. Of thousands of answers many are as long, and what they share is near."""
    return (b"content-length", b"%d" % length), (b"content-type", b"application/json"), *others


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
    """Who a token stands for, to when that needs no other look: in seconds since 1970."""

    reader_id: str
    session_id: str | None
    until: float


class Holding:
    """What a reader or visitor holds, packed (see `pack`), None since something changed; and when it was looked up."""

    __slots__ = ("held", "loaded")

    def __init__(self, held: int | None, loaded: int) -> None:
        self.held = held
        self.loaded = loaded


UNKNOWN = Holding(None, 0)


class Seat:
    """A browser that is signed in, to when that needs no other look: in seconds since 1970; and what its reader holds."""

    __slots__ = ("holding", "reader_id", "turn", "until")

    def __init__(self, reader_id: str, until: float) -> None:
        self.reader_id = reader_id
        self.until = until
        self.holding = UNKNOWN
        self.turn = -1
        """Of `Memory.standings`, at which the holding was found there. In a later one it may have been dropped for want of
        room, and then nobody would tell it that something changed."""


class Memory:
    """Bounded throughout. `heard` counts what was heard, so that a look-up can tell whether something changed meanwhile."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.standings: Bounded[str, Holding] = Bounded(most)
        self.sessions: Bounded[bytes, Seat] = Bounded(most)
        self.tokens: Bounded[bytes, Signed] = Bounded(most)
        self.open_sessions: Bounded[str, float] = Bounded(most)
        self.externals: Bounded[str, tuple[str, float]] = Bounded(most)
        self.keys: Bounded[bytes, float] = Bounded(MOST_KEYS)
        self.articles: Bounded[str, Known] = Bounded(MOST_ARTICLES)
        self.heard = 0
        self._log: deque[tuple[str, str | None]] = deque(maxlen=4096)
        self._answers = 0
        self._numbers: dict[int, int] = {}

    def standing(self, name: str, now: float) -> int | None:
        """What the reader or visitor holds, packed (see `pack`); None when that isn't known, or too long ago."""
        found = self.standings.get(name)
        return None if found is None or now - found.loaded > BELT else found.held

    def found(self, seat: Seat) -> Holding:
        """What whoever sits there holds, found once and kept with the seat: to find a reader among a million is most of an answer."""
        seat.holding = self.standings.get(seat.reader_id) or UNKNOWN
        seat.turn = self.standings.turn
        return seat.holding

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
        self._forget("standing", name)
        if len(self._numbers) > MOST_ANSWERS:
            self._numbers.clear()
        same = self._numbers.setdefault  # thousands hold the same, and were looked up in the same second
        loaded = int(monotonic())
        self.standings.keep(name, Holding(same(packed, packed), same(loaded, loaded)))

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
            dropped = self.standings.drop(name)
            if dropped is not None:
                dropped.held = None
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
