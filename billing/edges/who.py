"""The question and the answer between a site and Masthead: who wants to read, and whether they may.

A visitor may send anything. Only these parts go on to Masthead: Masthead's cookies by name, a reader token, and the browser's
name. Each goes once, capped, and without a byte that HTTP forbids. Everything else stays at the site."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ARTICLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""The form of article ids."""
OURS = re.compile(
    r"(?:^|;)\s*((?:__Host-)?masthead-(session|visitor|gift|token))=([!#-+\--:<-\[\]-~]+)\s*(?=;|$)"
)
"""Masthead's cookies. Values are RFC 6265 `cookie-octet`s: ASCII without space, quote, comma, semicolon or backslash."""
HOST = "__Host-"
MOST_LETTERS = 1200
"""Longest value of a cookie. Masthead's own are shorter."""
GIFT = re.compile(r"(?:^|&)gift=([\w.~-]{1,1200})(?=&|$)", re.ASCII)
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
MOST_TOKEN_LETTERS = 4096
"""Longest reader token that Masthead reads."""
CONTROLS = dict.fromkeys((*range(0x20), 0x7F))
MOST_AGENT_BYTES = 512


@dataclass(frozen=True)
class Who:
    """The visitor who wants to read, by their request. `ahead`: their browser only prefetches, which doesn't count as reading.

    `cookies` is the request's whole Cookie header. `token` is a reader token; without it, a cookie may hold one. `reader_id` and
    `external_id` come from a sign-in of your own. `gift` comes from the query of the article's address, where gift links lead."""

    cookies: str = ""
    token: str = ""
    reader_id: str = ""
    external_id: str = ""
    user_agent: str = ""
    gift: str = ""
    ahead: bool = False
    proofs: dict[str, tuple[str, str]] = field(init=False, repr=False, compare=False)
    """Masthead's cookies among `cookies`: `{"session": (name, value), …}`."""

    def __post_init__(self) -> None:
        found = _ours(self.cookies)
        if self.gift:  # under both names, as Masthead may use either
            found["gift"] = f"{HOST}masthead-gift={self.gift}; masthead-gift", self.gift
        object.__setattr__(self, "proofs", found)

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str], query: str = "") -> "Who":
        """From a request. `headers` have names in lower case, and values decoded as Latin-1."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
        return cls(
            cookies=headers.get("cookie", ""),
            token=bearer if scheme.lower() == "bearer" else "",
            user_agent=headers.get("user-agent", ""),
            gift=next(iter(GIFT.findall(query)), ""),
            ahead=method == "HEAD" or "prefetch" in purpose or "prerender" in purpose,
        )

    @property
    def cookie(self) -> str:
        """The Cookie header for Masthead: session, visitor and gift."""
        kinds = ("session", "visitor", "gift")
        return "; ".join("=".join(self.proofs[kind]) for kind in kinds if kind in self.proofs)

    @property
    def bearer(self) -> str:
        """The reader token, from the Authorization header or a cookie of the site."""
        found = self.token or self._value("token")
        return found if len(found) <= MOST_TOKEN_LETTERS and TOKEN.fullmatch(found) else ""

    @property
    def agent(self) -> bytes:
        """The browser's name, as bytes."""
        return self.user_agent.translate(CONTROLS).encode("latin-1", "ignore").strip()[:MOST_AGENT_BYTES]

    @property
    def visitor(self) -> str:
        """The meter's cookie of a browser that isn't signed in."""
        return self._value("visitor")

    @property
    def given(self) -> str:
        """The secret of a gift link."""
        return self._value("gift")

    @property
    def name(self) -> tuple[str, ...]:
        """The key under which an answer is remembered. It holds secrets of this reader, so that no visitor can guess it.

        A token's first part is such a secret, and the next token of the same session has the same one."""
        return (self._value("session"), self.bearer.partition(".")[0], self.reader_id, self.external_id)

    def _value(self, kind: str) -> str:
        return self.proofs.get(kind, ("", ""))[1]


def _ours(cookies: str) -> dict[str, tuple[str, str]]:
    """The first cookie of each kind. A `__Host-` name, which sibling hosts can't set, goes before the plain one."""
    found: dict[str, tuple[str, str]] = {}
    for name, kind, value in OURS.findall(cookies):
        most = MOST_TOKEN_LETTERS if kind == "token" else MOST_LETTERS
        is_better = kind not in found or (name.startswith(HOST) and not found[kind][0].startswith(HOST))
        if is_better and len(value) <= most:
            found[kind] = name, value
    return found


@dataclass(frozen=True)
class Answer:
    """Whether the visitor may read. `subscribe_url` leads to the offer, and from there back to
    the article. `cookies` are lines for Set-Cookie. `remembered`: an earlier answer, as Masthead is away."""

    allowed: bool
    reason: str
    features: tuple[str, ...] = ()
    until: str | None = None
    meter: Mapping[str, int] | None = None
    subscribe_url: str | None = None
    cookies: tuple[str, ...] = ()
    remembered: bool = False


AWAY = Answer(False, "away")
