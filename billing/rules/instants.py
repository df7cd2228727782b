"""The border for time: an instant is aware, a civil date is not an instant."""

from datetime import UTC, date, datetime


class NaiveInstant(ValueError):
    """An instant must carry its offset: a naive datetime does not say which moment it means."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"{at.isoformat()} is naive: an instant must carry its offset")
        self.at = at


class NotACivilDate(ValueError):
    """A civil date was asked for and an instant came: which day it is depends on the zone."""

    def __init__(self, on: datetime) -> None:
        super().__init__(f"{on.isoformat()} is an instant: take its civil date in the publisher's zone first")
        self.on = on


def aware(at: datetime) -> datetime:
    """`at` in UTC; raises NaiveInstant when it has no offset."""
    if at.utcoffset() is None:
        raise NaiveInstant(at)
    return at.astimezone(UTC)


def civil(on: date) -> date:
    """`on` itself; raises NotACivilDate for a datetime, which Python takes for a date."""
    if isinstance(on, datetime):
        raise NotACivilDate(on)
    return on
