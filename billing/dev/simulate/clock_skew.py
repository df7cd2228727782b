"""How far Stripe's clock is from ours, and since when: what it dates is read back in our own time."""

from datetime import datetime, timedelta

MOST_SECONDS = 120
"""How far it is from ours at most; less than `rules/clocks.APART`."""


class ClockSkew:
    """Each setting of Stripe's clock, in the order in which they were made."""

    def __init__(self) -> None:
        self._settings: list[tuple[datetime, timedelta]] = []

    def set(self, at: datetime, seconds: int) -> None:
        """From `at` on, by our clock, Stripe's is `seconds` ahead of it; below zero, behind."""
        self._settings.append((at, timedelta(seconds=seconds)))

    def ours(self, stamp: datetime) -> datetime:
        """The instant, by our clock, at which Stripe dated something `stamp`. Where its clock was put back and a stamp is said
        twice, the earlier one."""
        ends = [at for at, _ in self._settings[1:]]
        for (since, ahead), until in zip(self._settings, [*ends, None], strict=True):
            at = stamp - ahead
            if since <= at and (until is None or at < until):
                return at
        return stamp
