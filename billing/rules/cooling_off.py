"""Cooling off: until when a reader can withdraw from a sale, and what goes back then (ECT-5)."""

from datetime import date, datetime, timedelta, tzinfo

from billing.rules import periods, term
from billing.rules.clocks import APART


def last_day(first_paid_at: datetime, days: int, zone: tzinfo) -> date:
    """The last civil day on which the sale can be taken back: `days` after the day of the first charge (ECT-5)."""
    # The acquirer's clock wrote that moment and may be slow. So a charge just before midnight counts for the next day:
    # a clock must not cost the reader a day.
    return (first_paid_at + APART).astimezone(zone).date() + timedelta(days=days)


def unread_cents(gross: int, start_on: date, end_on: date, read_until: date) -> int:
    """Cents of a later period that go back when reading ends on the day `read_until`, which counts as not read. By the day,
    rounded up for the reader; `end_on` is the first day after the period."""
    return term.unused_cents(gross, start_on, end_on, read_until - timedelta(days=1))


def within_a_year(earlier: date, on: date) -> bool:
    """Whether an earlier withdrawal still counts on the day `on`: for twelve months."""
    return periods.add_months(earlier, 12) > on
