"""Who asks, and what they are told: the words between a site and Masthead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

OURS = re.compile(r"(?:^|;)\s*((?:__Host-)?masthead-(?:session|visitor|gift))=([^;\s]+)")


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
    def visitor(self) -> str:
        """The meter's cookie, of a browser that isn't signed in."""
        return next((value for name, value in OURS.findall(self.cookies) if name.endswith("visitor")), "")

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
