"""All that the gate keeps, by what it is asked for; and what it forgets when the database says that something changed."""

import json
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from billing.access_cache.bounded_map import Bounded
from billing.platform.monotonic import Monotonic
from billing.rules.policies import Policy, Span

Header = tuple[bytes, bytes]
UNIT = "\x1f"
"""Divides the names in a notification."""
BELT = 3600
"""Seconds after which anything is looked up again, whatever was heard: a belt beside the braces."""
NOTE_EVERY = 60.0
"""Seconds after which another use of a key is written down."""
FOR_EVER = float("inf")
MOST_ARTICLES = 50_000
MOST_KINDS = 2 * MOST_ARTICLES
MOST_ANSWERS = 100_000
MOST_KEYS = 1_000


Reply = tuple[str, str, int, tuple[Header, ...], bytes]
"""What goes out, but for the request's id: route, reason, status, headers, body. A plain tuple: one is made for each request, and
a class of its own would take five times as long."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided for all articles of one kind: for `/v1/access` what follows the article in JSON, for the gate a reply without
    a body. `same_until`: in seconds since 1970."""

    allowed: bool
    same_until: float
    features: frozenset[str]
    reason: str
    tail: bytes
    gate: Reply


class Answer(NamedTuple):
    """What is said of one article. `head`: how that begins in JSON, with its name."""

    head: bytes
    told: Told

    @property
    def body(self) -> bytes:
        """The answer in JSON."""
        return self.head + self.told.tail


class Known:
    """An article's facts, and the answers that were worked out from them, by what the reader holds. Articles with the same facts
    share their answers: of thousands of articles and readers the few answers stay near the processor."""

    __slots__ = ("answers", "head", "id", "is_metered", "loaded", "opened", "policy")

    def __init__(
        self, article_id: str, policy: Policy, opened: tuple[Span, ...], loaded: float, *, is_metered: bool
    ) -> None:
        self.id = article_id
        self.head = b'{"article":%b,' % json.dumps(article_id, ensure_ascii=False).encode()
        self.policy = policy
        self.opened = opened
        self.is_metered = is_metered
        self.loaded = loaded
        self.answers: dict[int, Told] = {}


class Signed(NamedTuple):
    """Who a token stands for, to when that needs no other look: in seconds since 1970."""

    reader_id: str
    session_id: str | None
    until: float


class KnownKey:
    """An API key with the scope `access`: when it was looked up (seconds of the monotonic clock), to when it works (seconds since
    1970), and when its use was last written down."""

    __slots__ = ("loaded", "noted", "until")

    def __init__(self, loaded: float, until: float) -> None:
        self.loaded = loaded
        self.until = until
        self.noted = -NOTE_EVERY


class Seat:
    """A browser that is signed in, to when that needs no other look: in seconds since 1970. It has what its reader holds at hand,
    None since something changed: to find a reader among a million is most of an answer."""

    __slots__ = ("held", "loaded", "reader_id", "turn", "until")

    def __init__(self, reader_id: str, until: int) -> None:
        self.reader_id = reader_id
        self.until = until
        self.held: int | None = None
        self.loaded = 0
        self.turn = -1
        """Of `Memory.standings`, at which what is held was found there. In a later one it may have been dropped for want of
        room, and then nobody would tell the seat that something changed."""


class Holding:
    """What a reader or visitor holds, packed (see `pack`), when it was looked up, and the seat that has it at hand: one at a time."""

    __slots__ = ("held", "loaded", "seat")

    def __init__(self, held: int, loaded: int) -> None:
        self.held = held
        self.loaded = loaded
        self.seat: Seat | None = None


class Memory:
    """Bounded throughout. `heard` counts what was heard, so that a look-up can tell whether something changed meanwhile."""

    def __init__(self, most: int, monotonic: Monotonic) -> None:
        self.most = most
        self._seconds = monotonic.seconds
        self.standings: Bounded[str, Holding] = Bounded(most)
        self.sessions: Bounded[bytes, Seat] = Bounded(most)
        self.tokens: Bounded[bytes, Signed] = Bounded(most)
        self.open_sessions: Bounded[str, float] = Bounded(most)
        self.externals: Bounded[str, tuple[str, float]] = Bounded(most)
        self.keys: Bounded[bytes, KnownKey] = Bounded(MOST_KEYS)
        self.used_keys: list[bytes] = []
        """Digests of keys whose use is to be written down."""
        self.articles: Bounded[str, Known] = Bounded(MOST_ARTICLES)
        self.heard = 0
        self._log: deque[tuple[str, str | None]] = deque(maxlen=4096)
        self._answers = 0
        self._kinds: dict[tuple[Policy, tuple[Span, ...]], dict[int, Told]] = {}
        self._numbers: dict[int, int] = {}

    def standing(self, name: str, now: float) -> int | None:
        """What the reader or visitor holds, packed (see `pack`); None when that isn't known, or too long ago."""
        found = self.standings.get(name)
        return None if found is None or now - found.loaded > BELT else found.held

    def found(self, seat: Seat) -> int | None:
        """What whoever sits there holds, at hand from now on; None when that isn't known."""
        holding = self.standings.get(seat.reader_id)
        if holding is None:
            return None
        if holding.seat is not None:
            holding.seat.held = None
        holding.seat = seat
        seat.held, seat.loaded, seat.turn = holding.held, holding.loaded, self.standings.turn
        return holding.held

    def article(self, article_id: str, now: float) -> Known | None:
        """The article's facts; None when they aren't known, or for too long."""
        found = self.articles.get(article_id)
        return None if found is None or now - found.loaded > BELT else found

    def external(self, external_id: str, now: float) -> str | None:
        """Our id of the reader whom the publisher calls so, empty for nobody; None when that isn't known."""
        found = self.externals.get(external_id)
        return None if found is None or now - found[1] > BELT else found[0]

    def has_key(self, digest: bytes, seconds: float, now: float) -> bool:
        """Whether an API key with the scope `access` has this digest, and works at `seconds` since 1970. Once a minute its use is
        to be written down: the gate does, after it has answered."""
        known = self.keys.get(digest[:16])
        if known is None or now - known.loaded > BELT or seconds >= known.until:
            return False
        if now - known.noted >= NOTE_EVERY:
            known.noted = now
            self.used_keys.append(digest)
        return True

    def keep_standing(self, name: str, packed: int) -> None:
        """Keep what was just looked up."""
        self._forget("standing", name)
        self.standings.keep(name, Holding(self._same(packed), self._same(int(self._seconds()))))

    def keep_seat(self, digest: bytes, reader_id: str, until: float) -> None:
        """Keep who sits there, to the second of `until`."""
        self.sessions.keep(digest, Seat(reader_id, self._same(int(until))))

    def keep_article(self, known: Known) -> None:
        """Keep an article's facts."""
        if len(self._kinds) >= MOST_KINDS:
            self._forget_answers()
        known.answers = self._kinds.setdefault((known.policy, known.opened), {})
        self.articles.keep(known.id, known)

    def keep_answer(self, known: Known, held: int, told: Told) -> None:
        """Keep an answer; all answers are forgotten when they are too many."""
        self._answers += 1
        if self._answers > MOST_ANSWERS:
            self._forget_answers()
        known.answers[held] = told

    def _forget_answers(self) -> None:
        """All of them, and the kinds that no article is of any more."""
        self._answers = 0
        self._kinds.clear()
        for one in self.articles.values():
            one.answers = self._kinds.setdefault((one.policy, one.opened), {})

    def _same(self, number: int) -> int:
        """The same object for the same number: thousands hold the same, and were looked up in the same second."""
        if len(self._numbers) > MOST_ANSWERS:
            self._numbers.clear()
        return self._numbers.setdefault(number, number)

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
        self._forget_answers()

    def _forget(self, kind: str, name: str | None) -> None:
        if kind == "session" and name is not None:
            session_id, _, digest = name.partition(" ")
            self.open_sessions.drop(session_id)
            self.sessions.drop(bytes.fromhex(digest))
        elif kind == "standing" and name is not None:
            dropped = self.standings.drop(name)
            if dropped is not None and dropped.seat is not None:
                dropped.seat.held = None
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
