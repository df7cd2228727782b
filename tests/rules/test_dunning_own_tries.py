"""A reader's own payments, day by day: they cost the ladder no attempt, and never exceed the card's limit."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from billing.rules.dunning import (
    MAX_CARD_ATTEMPTS,
    DeclineKind,
    after,
    is_final,
    is_rung,
    may_pay_now,
    may_retry,
)
from billing.rules.dunning_steps import Retry
from tests.support.strategies import chosen

SOFT = DeclineKind.SOFT
starts = st.dates(date(2024, 1, 1), date(2029, 12, 31))
tries_a_day = chosen([0, 0, 0, 1, 2, 5], 22)


@dataclass
class Invoice:
    """One open invoice on one card that always refuses for want of money."""

    first: date
    ours: list[date] = field(default_factory=list)
    own: list[date] = field(default_factory=list)
    retry_on: date | None = None

    def __post_init__(self) -> None:
        self._asked(self.ours, self.first, rung_used=True)

    def _on_card(self, today: date) -> int:
        return sum(today - timedelta(days=30) < day <= today for day in [*self.ours, *self.own])

    def _asked(self, whose: list[date], today: date, *, rung_used: bool) -> None:
        whose.append(today)
        self._plan(today, rung_used=rung_used)

    def _plan(self, today: date, *, rung_used: bool) -> None:
        step = after(
            attempts=len(self.ours),
            first_failed_on=self.first,
            today=today,
            kind=SOFT,
            card_attempts_30d=self._on_card(today),
            rung_used=rung_used,
        )
        self.retry_on = step.day if isinstance(step, Retry) else None

    def press(self, today: date) -> None:
        if may_pay_now(said=SOFT, attempts=len(self.ours), card_attempts_30d=self._on_card(today)):
            self._asked(self.own, today, rung_used=False)

    def tick(self, today: date) -> None:
        if self.retry_on is None or self.retry_on > today:
            return
        if may_retry(
            attempts=len(self.ours),
            first_failed_on=self.first,
            last_attempt_on=max([*self.ours, *self.own]),
            today=today,
            card_attempts_30d=self._on_card(today),
        ):
            self._asked(self.ours, today, rung_used=True)
        else:
            self._plan(today, rung_used=False)


def live(first: date, mornings: list[int], evenings: list[int]) -> Invoice:
    invoice = Invoice(first)
    for day, (before, later) in enumerate(zip(mornings, evenings, strict=True)):
        today = first + timedelta(days=day)
        for _ in range(before if day else 0):
            invoice.press(today)
        invoice.tick(today)
        for _ in range(later):
            invoice.press(today)
    return invoice


@given(starts, tries_a_day, tries_a_day)
def test_whatever_the_reader_does_the_caps_hold(
    first: date, mornings: list[int], evenings: list[int]
) -> None:
    invoice = live(first, mornings, evenings)
    event(f"{len(invoice.ours)} of ours, {len(invoice.own)} of the reader's")
    assert len(set(invoice.ours)) == len(invoice.ours) <= 4, "one a day of ours, four in all"
    assert len(invoice.ours) + len(invoice.own) <= MAX_CARD_ATTEMPTS
    assert invoice.ours[-1] < first + timedelta(days=21)
    assert len(invoice.ours) >= 2


@given(starts, st.sets(st.integers(0, 20), max_size=6), tries_a_day, st.booleans())
def test_tries_now_and_then_leave_the_ladder_all_its_attempts(
    first: date, days: set[int], tries: list[int], early: bool
) -> None:
    apart = [day for day in sorted(days) if day - 1 not in days]
    asked = [count if day in apart else 0 for day, count in enumerate(tries)]
    invoice = live(first, asked if early else [0] * 22, [0] * 22 if early else asked)
    assert len(invoice.ours) == 4
    assert invoice.ours[1] - first <= timedelta(days=6), "a rung moves by a day at most, beside its payday"


@pytest.mark.parametrize(
    ("said", "attempts", "on_card", "allowed"),
    [
        (None, 0, 0, True),
        (SOFT, 1, 4, True),
        (SOFT, 1, 5, False),  # three rungs may still need the card
        (SOFT, 4, 7, True),
        (SOFT, 4, 8, False),
        (DeclineKind.UNKNOWN, 1, 1, True),
        (DeclineKind.HARD, 1, 1, False),
        (DeclineKind.NEEDS_READER, 1, 1, False),
        (DeclineKind.STOP_ORDER, 1, 1, False),
    ],
)
def test_when_the_card_on_record_may_be_charged_at_a_press(
    said: DeclineKind | None, attempts: int, on_card: int, allowed: bool
) -> None:
    assert may_pay_now(said=said, attempts=attempts, card_attempts_30d=on_card) is allowed


def test_what_is_final_and_what_the_reader_can_mend() -> None:
    assert is_final(DeclineKind.HARD)
    assert is_final(DeclineKind.STOP_ORDER)
    assert not is_final(DeclineKind.NEEDS_READER)
    assert not is_final(SOFT)
    assert not is_final(None)


def test_a_rung_is_known_by_its_day_payday_included() -> None:
    first = date(2027, 3, 16)
    days = [first + timedelta(days=day) for day in range(22)]
    assert [day.day for day in days if is_rung(1, first, day)] == [19, 25, 30]
    assert [day.day for day in days if is_rung(2, first, day)] == [25, 30]
    assert [day.day for day in days if is_rung(3, first, day)] == [30]
