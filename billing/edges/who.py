"""Who asks, and what they are told: the words between a site and Masthead.

A visitor may send anything. What goes on to Masthead is taken from it here: cookies of ours by name, a reader token, the browser's
name; each once, each capped, without a byte that HTTP forbids. Everything else stays at the site."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ARTICLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""The ids by which Masthead knows articles."""
OURS = re.compile(
    r"(?:^|;)\s*((?:__Host-)?masthead-(session|visitor|gift|token))=([!#-+\--:<-\[\]-~]+)\s*(?=;|$)"
)
"""Values as RFC 6265 has them (`cookie-octet`): no space, quote, comma, semicolon or backslash, and nothing beyond ASCII."""
HOST = "__Host-"
MOST_LETTERS = 1200
"""Of a cookie's value. Masthead's own are shorter."""
GIFT = re.compile(r"(?:^|&)gift=([\w.~-]{1,1200})(?=&|$)", re.ASCII)
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
MOST_TOKEN_LETTERS = 4096
"""Masthead reads none that is longer."""
CONTROLS = dict.fromkeys((*range(0x20), 0x7F))
MOST_AGENT_BYTES = 512


@dataclass(frozen=True)
class Who:
    """Who wants to read, by what their request says; `ahead`: their browser only fetches ahead, which is no reading.

    `cookies` is the request's whole header, `token` a reader token; where there is none, a cookie may hold it. `reader_id` and
    `external_id` are by a sign-in of your own. `gift` is from the query of the article's address, where a gift's link leads."""

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
        if self.gift:  # Masthead knows it by either name
            found["gift"] = f"{HOST}masthead-gift={self.gift}; masthead-gift", self.gift
        object.__setattr__(self, "proofs", found)

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str], query: str = "") -> "Who":
        """From a request; `headers` are looked up by their names in small letters, their bytes are read as Latin-1."""
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
        return "; ".join(
            "=".join(self.proofs[kind]) for kind in ("session", "visitor", "gift") if kind in self.proofs
        )

    @property
    def bearer(self) -> str:
        """The reader token, as a header or a cookie of the site's brought it."""
        found = self.token or self._value("token")
        return found if len(found) <= MOST_TOKEN_LETTERS and TOKEN.fullmatch(found) else ""

    @property
    def agent(self) -> bytes:
        """What the browser calls itself, as bytes."""
        return self.user_agent.translate(CONTROLS).encode("latin-1", "ignore").strip()[:MOST_AGENT_BYTES]

    @property
    def visitor(self) -> str:
        """The meter's cookie, of a browser that isn't signed in."""
        return self._value("visitor")

    @property
    def given(self) -> str:
        """The secret of a gift link."""
        return self._value("gift")

    @property
    def name(self) -> tuple[str, ...]:
        """By which an answer is remembered: secrets of this reader, never only what anybody could guess.

        A token's first part is such a secret, and the next token of the same session has it too."""
        return (self._value("session"), self.bearer.partition(".")[0], self.reader_id, self.external_id)

    def _value(self, kind: str) -> str:
        return self.proofs.get(kind, ("", ""))[1]


def _ours(cookies: str) -> dict[str, tuple[str, str]]:
    """The first of each kind. A name that only the host itself can set goes before one that any sibling can."""
    found: dict[str, tuple[str, str]] = {}
    for name, kind, value in OURS.findall(cookies):
        most = MOST_TOKEN_LETTERS if kind == "token" else MOST_LETTERS
        better = kind not in found or (name.startswith(HOST) and not found[kind][0].startswith(HOST))
        if better and len(value) <= most:
            found[kind] = name, value
    return found


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
