"""The skew of Stripe's clock over time, to convert its timestamps into our time."""

from datetime import datetime, timedelta

MOST_SECONDS = 120
"""The largest skew; less than `rules/clocks.APART`."""


class ClockSkew:
    """All settings of Stripe's clock, in order."""

    def __init__(self) -> None:
        self._settings: list[tuple[datetime, timedelta]] = []

    def set(self, at: datetime, seconds: int) -> None:
        """Record that from `at` on, by our clock, Stripe's is `seconds` ahead; negative: behind."""
        self._settings.append((at, timedelta(seconds=seconds)))

    def ours(self, stamp: datetime) -> datetime:
        """Convert Stripe's timestamp to our time. If its clock was set back, a timestamp may occur twice; the earlier instant is
        returned."""
        ends = [at for at, _ in self._settings[1:]]
        for (since, ahead), until in zip(self._settings, [*ends, None], strict=True):
            at = stamp - ahead
            if since <= at and (until is None or at < until):
                return at
        return stamp
