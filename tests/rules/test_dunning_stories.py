"""No sequence of declines and late ticks exceeds a limit: invoices lived through day by day."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import event, given
from hypothesis import strategies as st

from billing.rules.dunning import DeclineKind, after, gives_up_on, may_retry
from billing.rules.dunning_steps import AskReader, DunningReason, GiveUp, Next, Retry
from tests.support.strategies import chosen

SOFT = DeclineKind.SOFT
UNKNOWN = DeclineKind.UNKNOWN
REFUSALS = [
    *(SOFT, SOFT, SOFT, UNKNOWN),
    SOFT,
    DeclineKind.HARD,
    DeclineKind.STOP_ORDER,
    DeclineKind.NEEDS_READER,
]
PAID = None

starts = st.dates(date(2024, 1, 1), date(2029, 12, 31))
refusals = st.sampled_from(REFUSALS)
OUTCOMES = [*REFUSALS * 3, *[PAID] * len(REFUSALS)]
outcomes = chosen(OUTCOMES, 6)
kind_outcomes = st.just([SOFT] * 6) | outcomes
# Days between one tick and the next: twice a day, daily, or after an outage.
gaps = chosen([0, 1, 1, 1, 1, 2, 3, 5, 9, 30], 60)


@dataclass
class Card:
    """All the days on which one card was charged, for whatever invoice."""

    days: list[date] = field(default_factory=list)

    def attempts_30d(self, today: date) -> int:
        return sum(today - timedelta(days=30) < day <= today for day in self.days)


@dataclass
class Story:
    """One invoice whose first charge was refused. It follows the rule at each tick, as a worker would."""

    card: Card
    first: date
    refusal: DeclineKind
    outcomes: list[DeclineKind | None]
    days: list[date] = field(default_factory=list)
    planned: Next | None = None
    ended: str | None = None

    def __post_init__(self) -> None:
        self._refused(self.first, self.refusal)

    def _refused(self, today: date, refusal: DeclineKind) -> None:
        self.days.append(today)
        self.card.days.append(today)
        self.refusal = refusal
        self._plan(today)

    def _plan(self, today: date) -> None:
        self.planned = after(
            attempts=len(self.days),
            first_failed_on=self.first,
            today=today,
            kind=self.refusal,
            card_attempts_30d=self.card.attempts_30d(today),
        )
        if isinstance(self.planned, GiveUp):
            self.ended = self.planned.reason.value
        if isinstance(self.planned, Retry):
            assert today < self.planned.day < gives_up_on(self.first)

    def tick(self, today: date) -> None:
        if self.ended:
            return
        if not isinstance(self.planned, Retry) or not self._may(today):
            self._plan(today)
        elif self.planned.day <= today:
            outcome = self.outcomes[len(self.days) - 1]
            if outcome is PAID:
                self.days.append(today)
                self.card.days.append(today)
                self.ended = "paid"
            else:
                self._refused(today, outcome)

    def _may(self, today: date) -> bool:
        """A plan is left alone before its day. On its day or later the rule is applied again."""
        assert isinstance(self.planned, Retry)
        return today < self.planned.day or may_retry(
            attempts=len(self.days),
            first_failed_on=self.first,
            last_attempt_on=max(self.card.days),
            today=today,
            card_attempts_30d=self.card.attempts_30d(today),
        )


def tick_days(first: date, gaps: list[int]) -> list[date]:
    days = [first]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    return [*days, first + timedelta(days=21), days[-1] + timedelta(days=22)]


@given(starts, refusals, kind_outcomes, gaps)
def test_one_invoice_keeps_every_cap(
    first: date, refusal: DeclineKind, outcomes: list[DeclineKind | None], gaps: list[int]
) -> None:
    story = Story(Card(), first, refusal, outcomes)
    seen = [story.refusal]
    for today in sorted(tick_days(first, gaps)):
        before = len(story.days)
        story.tick(today)
        seen += [story.refusal] * (len(story.days) - before)
    event(f"{len(story.days)} attempts, {story.ended}")
    assert len(story.days) <= 4
    assert len(set(story.days)) == len(story.days), "one a day"
    assert max(story.days) < first + timedelta(days=21)
    assert story.ended in {"paid", DunningReason.GRACE_OVER, DunningReason.STOP_ORDER}, (
        "no story is left open"
    )
    retried_after = seen[: len(story.days) - 1]
    assert set(retried_after) <= {DeclineKind.SOFT, DeclineKind.UNKNOWN}
    assert DeclineKind.UNKNOWN not in retried_after[1:], "what nobody explains is retried once"


@given(starts, gaps, outcomes)
def test_a_hard_refusal_is_the_only_attempt(
    first: date, gaps: list[int], outcomes: list[DeclineKind | None]
) -> None:
    for hard in (DeclineKind.HARD, DeclineKind.NEEDS_READER):
        story = Story(Card(), first, hard, outcomes)
        assert isinstance(story.planned, AskReader), "it asks, and reading goes on"
        for today in sorted(tick_days(first, gaps)):
            story.tick(today)
        assert story.days == [first]
        assert story.ended == DunningReason.GRACE_OVER


@given(starts, outcomes)
def test_it_ends_on_day_twenty_one_and_not_before(first: date, outcomes: list[DeclineKind | None]) -> None:
    refused = [outcome or SOFT for outcome in outcomes]
    story = Story(Card(), first, SOFT, list(refused))
    ended_on = None
    for day in range(40):
        story.tick(first + timedelta(days=day))
        if story.ended and ended_on is None:
            ended_on = day
    if story.ended == DunningReason.GRACE_OVER:
        assert ended_on == 21
    else:
        assert story.ended == DunningReason.STOP_ORDER
        assert story.refusal == REFUSALS[-2]


@given(starts)
def test_on_time_the_ladder_is_climbed_whole(first: date) -> None:
    story = Story(Card(), first, SOFT, [SOFT] * 6)
    for day in range(22):
        story.tick(first + timedelta(days=day))
    assert len(story.days) == 4
    for charged_on, rung in zip(story.days, (0, 3, 7, 14), strict=True):
        plain = first + timedelta(days=rung)
        near = [plain + timedelta(days=step) for step in (0, 1, -1, 2, -2)]
        paydays = [candidate for candidate in near if candidate.day in {1, 25, 26, 27, 28, 29, 30, 31}]
        assert charged_on == (paydays[0] if rung and paydays else plain)


@given(starts, st.lists(st.integers(0, 25), min_size=2, max_size=6), gaps)
def test_one_card_behind_many_invoices_is_tried_eight_times_in_thirty_days(
    first: date, offsets: list[int], gaps: list[int]
) -> None:
    card = Card()
    waiting = sorted(first + timedelta(days=offset) for offset in set(offsets))
    stories: list[Story] = []
    for today in sorted(tick_days(first, gaps)):
        while waiting and waiting[0] <= today:
            waiting.pop(0)
            if today not in card.days and card.attempts_30d(today) < 8:
                stories.append(Story(card, today, SOFT, [SOFT] * 6))
        for story in stories:
            story.tick(today)
    event(f"{len(stories)} invoices, {len(card.days)} attempts")
    assert len(set(card.days)) == len(card.days), "one a day on a card"
    for day in card.days:
        assert card.attempts_30d(day) <= 8
    assert all(len(story.days) <= 4 for story in stories)


@given(starts, st.integers(1, 8), st.integers(0, 40), st.integers(0, 12), refusals)
def test_asking_twice_answers_the_same_and_waiting_never_brings_a_retry_nearer(
    first: date, attempts: int, day: int, card: int, refusal: DeclineKind
) -> None:
    def ask(today: date) -> Next:
        return after(
            attempts=attempts,
            first_failed_on=first,
            today=today,
            kind=refusal,
            card_attempts_30d=card,
        )

    today = first + timedelta(days=day)
    now, tomorrow = ask(today), ask(today + timedelta(days=1))
    assert now == ask(today)
    order: list[type[Next]] = [Retry, AskReader, GiveUp]
    assert order.index(type(now)) <= order.index(type(tomorrow)), "never back to a retry"
    if isinstance(now, Retry) and isinstance(tomorrow, Retry):
        assert now.day <= tomorrow.day
