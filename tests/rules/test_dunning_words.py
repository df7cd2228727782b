"""Every dunning step in staff's words: what follows a decline, when, and why."""

from datetime import date, timedelta

import pytest

from billing.rules.dunning import DeclineKind, after
from billing.rules.dunning_steps import (
    AskReader,
    DunningReason,
    GiveUp,
    Retry,
    RetryReason,
    in_words,
    moved_in_words,
)


@pytest.mark.parametrize(
    ("failed_on", "attempts", "today", "rung_used", "words"),
    [
        (date(2026, 3, 5), 1, date(2026, 3, 5), True, "asked again on 8 March: second rung"),
        (date(2026, 3, 5), 2, date(2026, 3, 8), True, "asked again on 12 March: third rung"),
        (date(2026, 3, 5), 3, date(2026, 3, 12), True, "asked again on 19 March: fourth rung"),
        (date(2026, 3, 5), 1, date(2026, 3, 9), True, "asked again on 12 March: third rung"),
        (
            date(2026, 11, 19),
            2,
            date(2026, 11, 22),
            True,
            "asked again on 26 November: third rung",
        ),
        (
            date(2026, 11, 16),
            2,
            date(2026, 11, 19),
            True,
            "asked again on 25 November: third rung, moved by two days to payday",
        ),
        (
            date(2026, 11, 21),
            1,
            date(2026, 11, 21),
            True,
            "asked again on 25 November: second rung, moved by one day to payday",
        ),
        (
            date(2026, 3, 31),
            1,
            date(2026, 3, 31),
            True,
            "asked again on 1 April: second rung, moved back by two days to payday",
        ),
        (
            date(2026, 3, 5),
            1,
            date(2026, 3, 8),
            False,
            "asked again on 9 March: second rung, moved by one day, as a card is asked once a day",
        ),
        (
            date(2026, 3, 5),
            3,
            date(2026, 3, 19),
            True,
            "the reader is asked to pay: no rung is left",
        ),
        (
            date(2026, 3, 5),
            4,
            date(2026, 3, 19),
            True,
            "the reader is asked to pay: the attempts at this invoice are used",
        ),
        (date(2026, 3, 5), 1, date(2026, 3, 26), True, "given up: the grace is over"),
    ],
)
def test_the_ladder_in_words(
    failed_on: date, attempts: int, today: date, rung_used: bool, words: str
) -> None:
    step = after(
        attempts=attempts,
        first_failed_on=failed_on,
        today=today,
        kind=DeclineKind.SOFT,
        card_attempts_30d=attempts,
        rung_used=rung_used,
    )
    assert in_words(step) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (DeclineKind.HARD, "the reader is asked to pay: only another card can pay"),
        (DeclineKind.NEEDS_READER, "the reader is asked to pay: the bank wants the reader to confirm"),
        (DeclineKind.STOP_ORDER, "given up: the reader told the bank to stop"),
    ],
)
def test_what_ends_the_ladder_in_words(kind: DeclineKind, words: str) -> None:
    step = after(
        attempts=1,
        first_failed_on=date(2026, 3, 5),
        today=date(2026, 3, 5),
        kind=kind,
        card_attempts_30d=1,
    )
    assert in_words(step) == words


def test_every_reason_has_its_words() -> None:
    ends = [in_words(step(reason)) for reason in DunningReason for step in (AskReader, GiveUp)]
    outside = [reason for reason in RetryReason if reason is not RetryReason.LADDER]
    retries = [in_words(Retry(date(2026, 3, 5), reason)) for reason in outside]
    assert len(set(ends + retries)) == 2 * len(DunningReason) + len(outside)


def test_days_are_counted_in_words() -> None:
    assert [moved_in_words(days) for days in (1, -2, 7, 30)] == [
        "moved by one day",
        "moved back by two days",
        "moved by seven days",
        "moved by 30 days",
    ]


def test_the_words_name_the_day_that_is_charged() -> None:
    """Each first failure of two years. A moved retry says by how many days, and its text names the right day."""
    for number in range(730):
        failed_on = date(2026, 1, 1) + timedelta(days=number)
        step = after(
            attempts=1, first_failed_on=failed_on, today=failed_on, kind=DeclineKind.SOFT, card_attempts_30d=1
        )
        assert isinstance(step, Retry)
        assert step.rung == 2
        assert step.day - timedelta(days=step.moved_days) == failed_on + timedelta(days=3)
        assert (step.moved_for is None) == (step.moved_days == 0)
