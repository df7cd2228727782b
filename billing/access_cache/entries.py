"""The entries of the access cache, and the answers made of them."""

import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from billing.http.at_once import AnswerHead
from billing.rules.policies import AccessLevel, ArticlePolicy, FreeSpan

KEY_USE_SECONDS = 60.0
"""Seconds between two notes that a key was used."""
DecidedBy = int | tuple[int, int, bool]
"""What decides beside an article's facts: packed entitlements; on the meter also how many articles are used, and whether this one
is among them."""
Reply = tuple[str, str, AnswerHead, bytes]
"""Route, reason, head (without the request's id), body. A plain tuple: a class takes five times as long to make."""


@dataclass(frozen=True, slots=True, eq=False)
class CachedDecision:
    """A decision on all articles with the same facts.

    `same_until`: seconds since 1970. `tail`: the JSON of `/v1/access` after what is the article's alone. `gate`: the reply of
    `/v1/gate`."""

    allowed: bool
    same_until: float
    features: frozenset[str]
    reason: str
    tail: bytes
    gate: Reply


AccessAnswer = tuple[bytes, CachedDecision, bool, str]
"""The answer about one article: the beginning of its JSON, which is the article's alone; and the decision.

Then whether the article is open only if this reading is counted, and it wasn't; and the token to send with a visitor's next
request, if any. A plain tuple: a list has a hundred of them."""


@dataclass(slots=True, eq=False)
class CachedArticle:
    """An article's facts, and decisions by packed entitlements. `loaded` is monotonic.

    Articles with the same facts share their decisions, so that the few that thousands of articles and readers need stay in
    the processor's cache."""

    id: str
    policy: ArticlePolicy
    opened: tuple[FreeSpan, ...]
    loaded: float
    subscribe_url: InitVar[str]
    head: bytes = field(init=False)
    closed_head: bytes = field(init=False)
    """`head` of a decision that refuses: it names the address that carries the article to the offer."""
    is_metered: bool = field(init=False)
    decisions: dict[DecidedBy, CachedDecision] = field(init=False, default_factory=dict)

    def __post_init__(self, subscribe_url: str) -> None:
        name = json.dumps(self.id, ensure_ascii=False).encode()
        self.head = b'{"article":%b,"subscribe_url":null,' % name
        self.closed_head = b'{"article":%b,"subscribe_url":"%b",' % (name, subscribe_url.encode())
        self.is_metered = self.policy.level is AccessLevel.METERED


NO_GIFTS: Mapping[str, datetime] = MappingProxyType({})
"""One object for all visitors without gifts, as most are."""


class CachedVisitor(NamedTuple):
    """What a visitor has counted in a month, and which articles opened gifts give until when.

    `articles`: None without a row, where the visitor's token may hold one. Within the month they are only added to."""

    month: date
    articles: tuple[str, ...] | None = None
    gifts: Mapping[str, datetime] = NO_GIFTS

    def includes(self, counted: str) -> bool:
        """Whether a notification of so many counted articles says nothing new. `counted` is empty for any other change."""
        return counted.isdigit() and int(counted) <= len(self.articles or ())


@dataclass(slots=True, eq=False)
class CachedKey:
    """An API key with the scope `access`. `loaded` and `noted` are monotonic, `until` is seconds since 1970."""

    loaded: float
    until: float
    noted: float = -KEY_USE_SECONDS


@dataclass(slots=True, eq=False)
class CachedSession:
    """A signed-in browser, with its reader's packed entitlements at hand. `until`: seconds since 1970.

    Finding a reader among a million is most of the work of an answer. `held`: None after an invalidation. `generation`: the one of
    `AccessCache.entitlements` when `held` was found there. In a later one the entry may be evicted, and an invalidation would no
    longer reach this session."""

    reader_id: str
    until: int
    held: int | None = None
    loaded: int = 0
    generation: int = -1


@dataclass(slots=True, eq=False)
class CachedEntitlements:
    """Packed entitlements of a reader or visitor, and the one session that has them at hand. `loaded` is monotonic."""

    held: int
    loaded: int
    session: CachedSession | None = None
