"""What an article asks of its reader, and when: its level, and the windows in which it is free for everyone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from billing.rules.periods import aware, civil_date, start_of_day

MOST_HOURS: Final = 24 * 366
MOST_DAYS: Final = 366 * 10


class AccessLevel(StrEnum):
    """What an article asks of its reader."""

    FREE = "free"
    REGISTERED = "registered"
    METERED = "metered"
    SUBSCRIBER = "subscriber"


class BadWindow(ValueError):
    """A window is 1 hour to 366 days after publication, or opens 1 day to 10 years after it."""


@dataclass(frozen=True, slots=True)
class FreeSpan:
    """From the instant `start` (None: since ever) until the instant `end`, exclusive (None: for ever). Raises NaiveInstant."""

    start: datetime | None
    end: datetime | None

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            if instant is not None:
                aware(instant)

    def covers(self, at: datetime) -> bool:
        """Whether the instant lies in the span."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class ArticlePolicy:
    """An article's level, and the spans in which it is free whatever its level."""

    level: AccessLevel
    free: tuple[FreeSpan, ...] = ()

    def free_span(self, at: datetime) -> FreeSpan | None:
        """The span that makes it free at the instant; the one that lasts longest."""
        if self.level is AccessLevel.FREE:
            return ALWAYS
        return max((span for span in self.free if span.covers(at)), key=_lasts, default=None)


ALWAYS: Final = FreeSpan(None, None)
UNSTATED: Final = ArticlePolicy(AccessLevel.SUBSCRIBER)
"""The policy of an article without one: a forgotten article stays closed to all but subscribers."""


def policy(
    level: AccessLevel,
    *,
    published_at: datetime,
    zone: ZoneInfo,
    free_hours: int | None = None,
    open_after_days: int | None = None,
) -> ArticlePolicy:
    """The policy of an article published at an instant.

    `free_hours`: it is free for so many hours from publication. `open_after_days`: it is free for good, so many civil days
    after the day of publication in the publisher's zone. Raises BadWindow, NaiveInstant.
    """
    spans = []
    published_at = aware(published_at)
    if free_hours is not None:
        if not 1 <= free_hours <= MOST_HOURS:
            raise BadWindow(f"free for {free_hours} hours")
        spans.append(FreeSpan(published_at, published_at + timedelta(hours=free_hours)))
    if open_after_days is not None:
        if not 1 <= open_after_days <= MOST_DAYS:
            raise BadWindow(f"open after {open_after_days} days")
        opens_on = civil_date(published_at, zone) + timedelta(days=open_after_days)
        spans.append(FreeSpan(start_of_day(opens_on, zone), None))
    return ArticlePolicy(level, tuple(spans))


def _lasts(span: FreeSpan) -> float:
    return span.end.timestamp() if span.end is not None else float("inf")
