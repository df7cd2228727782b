"""How long codes are locked."""

from datetime import UTC, datetime, timedelta

from billing.rules.code_locks import length, still_counted

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)


def test_each_lock_is_longer_up_to_half_a_day() -> None:
    assert [length(n, known=False) / timedelta(hours=1) for n in range(6)] == [0.25, 1, 4, 12, 12, 12]


def test_a_known_browser_is_locked_for_an_hour_at_most() -> None:
    assert [length(n, known=True) / timedelta(hours=1) for n in range(4)] == [0.25, 1, 1, 1]


def test_a_quiet_week_makes_the_next_lock_a_short_one() -> None:
    assert still_counted(3, AT, AT + timedelta(days=7)) == 3
    assert still_counted(3, AT, AT + timedelta(days=7, seconds=1)) == 0
    assert still_counted(0, None, AT) == 0
