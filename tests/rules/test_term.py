"""The notice of a term's end when the end moves: 80 to 40 business days before the final end (CPA-2)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from billing.rules import term
from billing.rules.term import Announced, announced_after

ZONE = ZoneInfo("Africa/Johannesburg")
ENDS_ON = date(2028, 2, 1)
NOTIFIED_AT = term.window(ENDS_ON, ZONE).aim_at
LATE_IN_JANUARY = datetime(2028, 1, 20, 12, tzinfo=ZONE)


def after(days: int, notified_at: datetime | None = NOTIFIED_AT, at: datetime = LATE_IN_JANUARY) -> Announced:
    return announced_after(notified_at, ENDS_ON + timedelta(days=days), at, ZONE)


def test_what_becomes_of_the_notice() -> None:
    assert after(3) is Announced.STANDS
    assert after(40) is Announced.CORRECTED
    assert after(75) is Announced.AFRESH
    assert after(3, None) is Announced.LATE
    assert after(75, None) is Announced.AFRESH
    assert after(3, None, NOTIFIED_AT) is Announced.AFRESH, "it is only on its way"


@given(days=st.integers(1, 400), waited=st.integers(0, 89))
def test_no_notice_that_was_in_time_is_late_for_a_later_end(days: int, waited: int) -> None:
    at = NOTIFIED_AT + timedelta(days=waited)
    found = term.window(ENDS_ON + timedelta(days=days), ZONE)
    decided = after(days, at=at)
    assert found.closes_at >= NOTIFIED_AT
    assert (decided is Announced.STANDS) is found.holds(NOTIFIED_AT)
    assert decided is not Announced.LATE
    if decided is Announced.AFRESH:
        assert at <= found.closes_at, "there is time for it"
