"""The meaning of a decline, and the next step, case by case."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.rules.dunning import (
    GRACE_DAYS,
    LADDER,
    DeclineKind,
    NotADecline,
    after,
    gives_up_on,
    may_retry,
    strictest,
)
from billing.rules.dunning_steps import AskReader, DunningReason, GiveUp, Next, Retry
from billing.rules.periods import NotACivilDate

SOFT, HARD, STOP = DeclineKind.SOFT, DeclineKind.HARD, DeclineKind.STOP_ORDER
AUTHENTICATE, UNKNOWN = DeclineKind.NEEDS_READER, DeclineKind.UNKNOWN
FAILED_ON = date(2026, 3, 5)  # no rung of this day is near a payday


def on_rung(days: int) -> Retry:
    """A retry on its regular day, some days after the first failure."""
    return Retry(FAILED_ON + timedelta(days=days), rung=LADDER.index(days) + 1)


def follow_up(
    kind: DeclineKind = SOFT, *, attempts: int = 1, day: int = 0, card: int = 1, failed_on: date = FAILED_ON
) -> Next:
    return after(
        attempts=attempts,
        first_failed_on=failed_on,
        today=failed_on + timedelta(days=day),
        kind=kind,
        card_attempts_30d=card,
    )


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        ([], DeclineKind.UNKNOWN),
        ([SOFT], SOFT),
        ([SOFT, HARD], HARD),
        ([SOFT, AUTHENTICATE], AUTHENTICATE),
        ([HARD, AUTHENTICATE], HARD),
        ([AUTHENTICATE, HARD], AUTHENTICATE),
        ([HARD, SOFT, STOP], STOP),
    ],
)
def test_what_forbids_outweighs_what_allows(read: list[DeclineKind], kind: DeclineKind) -> None:
    assert strictest(read) is kind


def test_the_ladder_on_time() -> None:
    """Days 3, 7 and 14 after the first failure, then a mail to the reader, then the end."""
    expected = [(1, 0, 3), (2, 3, 7), (3, 7, 14)]
    for attempts, day, retry in expected:
        assert follow_up(attempts=attempts, day=day) == on_rung(retry)
    assert follow_up(attempts=4, day=14) == AskReader(DunningReason.ATTEMPTS_USED)
    assert follow_up(attempts=4, day=20) == AskReader(DunningReason.ATTEMPTS_USED)
    assert follow_up(attempts=4, day=21) == GiveUp(DunningReason.GRACE_OVER)


@pytest.mark.parametrize(
    ("attempts", "day", "expected"),
    [
        (1, 2, 3),
        (1, 3, 7),  # the third day was missed: not made up tomorrow, but on the seventh
        (1, 6, 7),
        (1, 7, 14),
        (1, 13, 14),
        (1, 14, None),
        (1, 20, None),
        (2, 1, 7),  # another card was tried in between: that was an attempt too
        (2, 6, 7),
        (2, 7, 14),
        (3, 3, 14),
        (3, 14, None),
    ],
)
def test_the_ladder_late(attempts: int, day: int, expected: int | None) -> None:
    following = AskReader(DunningReason.LADDER_OVER) if expected is None else on_rung(expected)
    assert follow_up(attempts=attempts, day=day) == following


@pytest.mark.parametrize(
    ("failed_on", "attempts", "today", "retry"),
    [
        (date(2026, 3, 19), 1, date(2026, 3, 19), date(2026, 3, 22)),  # 25th three days off: stays
        (date(2026, 3, 20), 1, date(2026, 3, 20), date(2026, 3, 25)),  # 23rd
        (date(2026, 3, 21), 1, date(2026, 3, 21), date(2026, 3, 25)),  # 24th
        (date(2026, 3, 22), 1, date(2026, 3, 22), date(2026, 3, 25)),
        (date(2026, 3, 26), 1, date(2026, 3, 26), date(2026, 3, 29)),  # within: stays
        (date(2026, 3, 29), 1, date(2026, 3, 29), date(2026, 4, 1)),
        (date(2026, 3, 30), 1, date(2026, 3, 30), date(2026, 4, 1)),  # 2nd
        (date(2026, 3, 31), 1, date(2026, 3, 31), date(2026, 4, 1)),  # 3rd: back by two, still tomorrow
        (date(2026, 4, 1), 1, date(2026, 4, 1), date(2026, 4, 4)),  # 4th: stays
        (date(2026, 3, 16), 2, date(2026, 3, 19), date(2026, 3, 25)),
        (date(2026, 3, 16), 3, date(2026, 3, 25), date(2026, 3, 30)),
        (date(2026, 2, 24), 2, date(2026, 2, 27), date(2026, 3, 1)),  # 3 March
        (date(2026, 2, 24), 2, date(2026, 3, 1), date(2026, 3, 3)),  # the payday is today: the plain day
        (date(2026, 12, 30), 1, date(2026, 12, 30), date(2027, 1, 1)),
    ],
)
def test_a_day_near_payday_moves_to_it(failed_on: date, attempts: int, today: date, retry: date) -> None:
    day = (today - failed_on).days
    step = follow_up(attempts=attempts, day=day, failed_on=failed_on)
    assert isinstance(step, Retry)
    assert step.day == retry


@pytest.mark.parametrize(
    ("kind", "attempts", "day", "card", "expected"),
    [
        (STOP, 1, 0, 1, GiveUp(DunningReason.STOP_ORDER)),
        (STOP, 4, 21, 8, GiveUp(DunningReason.STOP_ORDER)),
        (HARD, 1, 0, 1, AskReader(DunningReason.OTHER_CARD)),
        (HARD, 1, 20, 1, AskReader(DunningReason.OTHER_CARD)),
        (HARD, 1, 21, 1, GiveUp(DunningReason.GRACE_OVER)),
        (HARD, 4, 14, 8, AskReader(DunningReason.OTHER_CARD)),
        (AUTHENTICATE, 1, 0, 1, AskReader(DunningReason.AUTHENTICATE)),
        (AUTHENTICATE, 2, 20, 9, AskReader(DunningReason.AUTHENTICATE)),
        (AUTHENTICATE, 2, 21, 1, GiveUp(DunningReason.GRACE_OVER)),
        (UNKNOWN, 1, 0, 1, on_rung(3)),
        (UNKNOWN, 2, 3, 2, AskReader(DunningReason.UNKNOWN)),
        (UNKNOWN, 2, 21, 2, GiveUp(DunningReason.GRACE_OVER)),
        (SOFT, 1, 0, 7, on_rung(3)),
        (SOFT, 1, 0, 8, AskReader(DunningReason.CARD_LIMIT)),
        (SOFT, 1, 0, 30, AskReader(DunningReason.CARD_LIMIT)),
        (SOFT, 4, 14, 8, AskReader(DunningReason.CARD_LIMIT)),
        (SOFT, 5, 2, 5, AskReader(DunningReason.ATTEMPTS_USED)),
        (SOFT, 1, 21, 1, GiveUp(DunningReason.GRACE_OVER)),
        (SOFT, 1, 400, 0, GiveUp(DunningReason.GRACE_OVER)),
    ],
)
def test_what_comes_first(kind: DeclineKind, attempts: int, day: int, card: int, expected: Next) -> None:
    assert follow_up(kind, attempts=attempts, day=day, card=card) == expected


def test_the_grace_is_twenty_one_days() -> None:
    assert GRACE_DAYS == 21
    assert gives_up_on(date(2026, 3, 16)) == date(2026, 4, 6)


def test_dunning_starts_with_a_refusal() -> None:
    with pytest.raises(NotADecline):
        follow_up(attempts=0)
    with pytest.raises(NotADecline):
        follow_up(day=-1)


def test_days_are_civil() -> None:
    at = datetime(2026, 3, 5, 23, tzinfo=UTC)
    with pytest.raises(NotACivilDate):
        gives_up_on(at)
    with pytest.raises(NotACivilDate):
        after(attempts=1, first_failed_on=FAILED_ON, today=at, kind=SOFT, card_attempts_30d=1)


@pytest.mark.parametrize(
    ("attempts", "last", "today", "card", "allowed"),
    [
        (1, 0, 3, 1, True),
        (1, 0, 1, 1, True),
        (1, 0, 0, 1, False),  # already once today
        (3, 7, 14, 7, True),
        (4, 7, 14, 7, False),
        (3, 7, 14, 8, False),
        (1, 0, 20, 1, True),
        (1, 0, 21, 1, False),
        (1, 0, 300, 1, False),
    ],
)
def test_a_retry_is_asked_for_again_before_it_is_made(
    attempts: int, last: int, today: int, card: int, allowed: bool
) -> None:
    answer = may_retry(
        attempts=attempts,
        first_failed_on=FAILED_ON,
        last_attempt_on=FAILED_ON + timedelta(days=last),
        today=FAILED_ON + timedelta(days=today),
        card_attempts_30d=card,
    )
    assert answer is allowed
