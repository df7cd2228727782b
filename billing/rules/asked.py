"""What an article asks of a reader without a subscription at an instant, and why, for editors."""

from dataclasses import dataclass
from datetime import datetime

from billing.rules.policies import AccessLevel, ArticlePolicy
from billing.rules.worded import WordedEnum


class AskedBecause(WordedEnum):
    """What decides it; each member's `words` say it to editors."""

    DEFAULT = "default", "nothing is said, so it is for subscribers"
    SECTION = "section", "its section says so"
    ARTICLE = "article", "an exception of its own"
    RULE = "rule", "a rule of time opens it"
    PUBLIC = "public", "it is open in the public interest"


LEVEL_WORDS = {
    AccessLevel.FREE: "free for everyone",
    AccessLevel.REGISTERED: "free for whoever is signed in",
    AccessLevel.METERED: "metered",
    AccessLevel.SUBSCRIBER: "for subscribers",
}
"""What each level asks, for editors."""
_BY = {
    "nobody": AskedBecause.DEFAULT,
    "section": AskedBecause.SECTION,
    "article": AskedBecause.ARTICLE,
}


@dataclass(frozen=True, slots=True)
class AskedLevel:
    """The level at an instant and what decides it. `until`: the instant from which it asks something else, where that is known."""

    level: AccessLevel
    because: AskedBecause
    until: datetime | None = None


def asked(policy: ArticlePolicy, stated_by: str, open_until: datetime | None, at: datetime) -> AskedLevel:
    """What the policy asks at the instant. `stated_by` is `article`, `section` or `nobody`; `open_until` is the end of the
    longest public window over the article now."""
    if open_until is not None:
        return AskedLevel(AccessLevel.FREE, AskedBecause.PUBLIC, open_until)
    by = _BY[stated_by]
    if policy.level is AccessLevel.FREE:
        return AskedLevel(policy.level, by)
    span = policy.free_span(at)
    if span is not None:
        return AskedLevel(AccessLevel.FREE, AskedBecause.RULE, span.end)
    starts = [span.start for span in policy.free if span.start is not None and span.start > at]
    return AskedLevel(policy.level, by, min(starts, default=None))
