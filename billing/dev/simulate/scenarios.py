"""Each reader's scenario: what they do and what happens to them, drawn before the run from the seed and the reader's number.

So the same seed gives the same acts on the same days, whatever faults occur. Keep the order of the draws: another order changes every
scenario."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from billing.dev.simulate.dates import Slot, month_later, trial_over

T = TypeVar("T")


class ActKind(StrEnum):
    """Acts of a reader, of staff, of a bank, or of a card's network."""

    START = "start"
    AGAIN = "try another trial"
    CANCEL = "cancel"
    UNDO = "undo the cancellation"
    WITHDRAW = "withdraw"
    NEW_CARD = "give another card"
    PAY_CARD = "pay with the card on record"
    PAY_PAGE = "pay on the page"
    PAUSE = "pause"
    YEAR = "switch to the year"
    CHARGE_DAY = "choose the day of the charge"
    REFUND = "staff give money back"
    DAYS = "staff give days"
    CARD_FAILS = "the bank begins to refuse"
    CARD_WORKS = "the bank stops refusing"
    REPLACED = "the network replaces the card"
    CARD_GONE = "the card is removed at Stripe"
    CUSTOMER_GONE = "the customer is deleted at Stripe"
    DISPUTE = "the bank disputes"
    WIN = "the bank decides for us"
    LOSE = "the bank decides against us"
    ERASE = "close the account"


@dataclass(frozen=True, slots=True)
class PlannedCard:
    """A card of the sandbox: its name for programs and its number."""

    name: str
    number: str
    chargeable: bool = True
    """Whether it can be charged without its owner."""
    refundable: bool = True
    """Whether its bank accepts refunds."""
    starts: bool = True
    """Whether it can be saved to start a trial."""
    hosted: bool = False
    """Whether it can be saved only on the hosted page, by its owner."""


VISA = PlannedCard("visa", "4242424242424242")
ANOTHER = PlannedCard("mastercard", "5555555555554444")
CARDS: tuple[tuple[float, PlannedCard], ...] = (
    (52, VISA),
    (20, ANOTHER),
    (8, PlannedCard("visa_debit", "4000056655665556")),
    (4, PlannedCard("amex", "378282246310005")),
    (4, PlannedCard("chargeCustomerFail", "4000000000000341", chargeable=False)),
    (3, PlannedCard("authenticationRequiredOnSetup", "4000002500003155", hosted=True)),
    (2, PlannedCard("authenticationRequired", "4000002760003184", chargeable=False, hosted=True)),
    (1, PlannedCard("createDispute", "4000000000000259")),
    (0.5, PlannedCard("createDisputeInquiry", "4000000000001976")),
    (0.5, PlannedCard("createIssuerFraudRecord", "4000000000005423")),
    (1.5, PlannedCard("pendingRefund", "4000000000007726")),
    (0.5, PlannedCard("refundFail", "4000000000005126", refundable=False)),
    (2, PlannedCard("chargeDeclined", "4000000000000002", starts=False)),
    (1, PlannedCard("chargeDeclinedInsufficientFunds", "4000000000009995", starts=False)),
)
REFUSALS = (
    (6, "insufficient_funds"),
    (3, "do_not_honor"),
    (2, "lost_card"),
    (1, "expired_card"),
    (1, "revocation_of_authorization"),
)
TEMPORARY = ("insufficient_funds", "do_not_honor")
"""Declines that end without the reader, as on payday."""


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """An act at a time of the calendar."""

    on: date
    slot: Slot
    kind: ActKind
    detail: str = ""
    """A number of days or months, a day of the month, a decline code, or a card."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All acts to be tried for one reader, in order. Whether they succeed depends on the service."""

    number: int
    email: str
    card: PlannedCard
    plan: str
    unreachable: bool
    """The address accepts no mail: no notice can arrive, so nothing may ever be charged."""
    acts: tuple[PlannedAct, ...]

    @property
    def started_on(self) -> date:
        """The day of the first try."""
        return self.acts[0].on


def draw_scenario(seed: int, number: int, first: date, last: date, erased: int = 0) -> Scenario:
    """Draw the scenario of reader `number`, who starts on some day from `first` through `last`. `erased` of a hundred readers close
    their account on some day after that."""
    scenario = _choose_more(seed, _draw(seed, number, first, last))
    draw = random.Random(f"{seed}/{number}/erase")  # noqa: S311 - apart: without it all else is drawn as before
    if draw.random() * 100 >= erased or scenario.unreachable or not scenario.card.starts:
        return scenario
    left = max((last - scenario.started_on).days, 1)
    on = scenario.started_on + timedelta(days=draw.randrange(1, left + 1))
    act = PlannedAct(on, draw.choice((Slot.MORNING, Slot.CHARGE, Slot.EVENING)), ActKind.ERASE)
    acts = sorted([*scenario.acts, act], key=lambda act: (act.on, act.slot))
    return replace(scenario, acts=tuple(acts))


def _choose_more(seed: int, scenario: Scenario) -> Scenario:
    """A few readers of a month choose the year in the trial, or later a day of the month for the charges."""
    draw = random.Random(f"{seed}/{scenario.number}/choose")  # noqa: S311 - apart: without it all else is drawn as before
    chance, ahead, day = draw.random(), draw.randrange(0, 40), draw.choice(("1", "15", "25", "28", "last"))
    if scenario.plan != "monthly" or not scenario.card.starts or chance > 0.2:
        return scenario
    if chance < 0.07:
        on = scenario.started_on + timedelta(days=1 + ahead % 8)
        act = PlannedAct(on, Slot.EVENING, ActKind.YEAR)
    else:
        act = PlannedAct(
            trial_over(scenario.started_on) + timedelta(days=1 + ahead),
            Slot.AFTERNOON,
            ActKind.CHARGE_DAY,
            day,
        )
    acts = sorted([*scenario.acts, act], key=lambda act: (act.on, act.slot))
    return replace(scenario, acts=tuple(acts))


def _draw(seed: int, number: int, first: date, last: date) -> Scenario:
    draw = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
    unreachable = draw.random() < 0.004
    card = VISA if unreachable else _weighted(draw, CARDS)
    on = first + timedelta(days=draw.randrange((last - first).days + 1))
    slot = draw.choice((Slot.MORNING, Slot.AFTERNOON, Slot.EVENING))
    hosted = card.hosted or draw.random() < 0.05
    scenario = Scenario(
        number=number,
        email=f"{'unreachable' if unreachable else 'reader'}-{number}@example.com",
        card=card,
        plan="yearly" if draw.random() < 0.06 else "monthly",
        unreachable=unreachable,
        acts=(PlannedAct(on, slot, ActKind.START, "page" if hosted else "program"),),
    )
    if not card.starts:
        return scenario
    acts = [*scenario.acts, *_later_acts(draw, scenario)]
    return replace(scenario, acts=tuple(sorted(acts, key=lambda act: (act.on, act.slot))))


def _later_acts(draw: random.Random, scenario: Scenario) -> list[PlannedAct]:
    """A quarter of readers leave in the trial. Many of the others leave later; some have a special event before."""
    on, over = scenario.started_on, trial_over(scenario.started_on)
    if draw.random() < 0.25:
        return _leave_in_trial(draw, on)
    decline = _decline if scenario.card.chargeable else _never_chargeable
    acts = decline(draw, scenario, over)
    if not acts and draw.random() < 0.25:
        acts = _special_event(draw, scenario, over)
    if draw.random() < 0.4:
        acts += _leave(draw, over)
    if draw.random() < 0.01:
        acts.append(PlannedAct(over + timedelta(days=draw.randrange(60, 200)), Slot.AFTERNOON, ActKind.AGAIN))
    return acts


def _leave_in_trial(draw: random.Random, on: date) -> list[PlannedAct]:
    """Cancel on any day of the trial, some in the last minute; a few undo it before the trial ends."""
    day, slot = on + timedelta(days=draw.randrange(1, 15)), draw.choice((Slot.MORNING, Slot.EVENING))
    if draw.random() < 0.1:
        day, slot = on + timedelta(days=14), Slot.MIDNIGHT
    acts = [PlannedAct(day, slot, ActKind.CANCEL)]
    if draw.random() < 0.15 and day < on + timedelta(days=12):
        acts.append(PlannedAct(day + timedelta(days=1), Slot.AFTERNOON, ActKind.UNDO))
    return acts


def _leave(draw: random.Random, over: date) -> list[PlannedAct]:
    """Leave after some months on any day; a few in the minute of a charge, a few within the cooling-off days."""
    chance = draw.random()
    if chance < 0.08:
        return [PlannedAct(over + timedelta(days=draw.randrange(1, 13)), Slot.AFTERNOON, ActKind.WITHDRAW)]
    months = min(int(draw.expovariate(0.22)), 11)
    if chance < 0.16:
        return [PlannedAct(month_later(over, months), Slot.CHARGE, ActKind.CANCEL)]
    day = month_later(over, months) + timedelta(days=draw.randrange(1, 27))
    acts = [PlannedAct(day, draw.choice((Slot.MORNING, Slot.AFTERNOON, Slot.EVENING)), ActKind.CANCEL)]
    if chance > 0.95:
        acts.append(PlannedAct(day + timedelta(days=1), Slot.EVENING, ActKind.UNDO))
    return acts


def _decline(draw: random.Random, scenario: Scenario, over: date) -> list[PlannedAct]:
    """One in eight cards is declined in some month. The decline ends, or the reader pays or gives a card, or neither."""
    if scenario.plan == "yearly" or draw.random() >= 0.12:
        return []
    due = month_later(over, draw.randrange(0, 6))
    reason = _weighted(draw, REFUSALS)
    acts = [PlannedAct(due, Slot.MORNING, ActKind.CARD_FAILS, reason)]
    chance = draw.random()
    if reason in TEMPORARY and chance < 0.45:
        days = draw.randrange(1, 13)
        acts.append(PlannedAct(due + timedelta(days=days), Slot.MORNING, ActKind.CARD_WORKS))
        if draw.random() < 0.3:
            acts.append(PlannedAct(due + timedelta(days=days), Slot.EVENING, ActKind.PAY_CARD))
    elif chance < 0.6:
        acts.append(_pay_or_replace(draw, due))
    elif chance < 0.68:
        acts.append(PlannedAct(due + timedelta(days=draw.randrange(1, 5)), Slot.AFTERNOON, ActKind.REPLACED))
    return acts


def _never_chargeable(draw: random.Random, scenario: Scenario, over: date) -> list[PlannedAct]:
    """A card that can't be charged without its owner: half of the owners pay in person, with 3-D Secure each month.

    A few pay so late that the next charge is within the cooling-off days, and then withdraw."""
    chance = draw.random()
    if chance < 0.5:
        return []
    if chance < 0.6 and scenario.plan == "monthly":
        late = PlannedAct(
            over + timedelta(days=draw.randrange(18, 21)), Slot.EVENING, ActKind.PAY_PAGE, "another"
        )
        return [late, PlannedAct(month_later(over, 1) + timedelta(days=1), Slot.AFTERNOON, ActKind.WITHDRAW)]
    if scenario.card.name == "authenticationRequired" and scenario.plan == "monthly":
        return [
            replace(_pay_or_replace(draw, month_later(over, n)), kind=ActKind.PAY_PAGE, detail="same")
            for n in range(4)
        ]
    return [_pay_or_replace(draw, over)]


def _pay_or_replace(draw: random.Random, due: date) -> PlannedAct:
    kind = draw.choice((ActKind.PAY_PAGE, ActKind.NEW_CARD))
    return PlannedAct(due + timedelta(days=draw.randrange(0, 12)), Slot.EVENING, kind, "another")


def _special_event(draw: random.Random, scenario: Scenario, over: date) -> list[PlannedAct]:
    """An event that changes the calendar or refunds money."""
    day = month_later(over, draw.randrange(0, 5)) + timedelta(days=draw.randrange(2, 24))
    kind = draw.choice(("pause", "year", "refund", "days", "trial days", "dispute", "new card"))
    if kind == "pause" and scenario.plan == "monthly":
        return [PlannedAct(day, Slot.AFTERNOON, ActKind.PAUSE, str(draw.randrange(1, 4)))]
    if kind == "year" and scenario.plan == "monthly":
        return [PlannedAct(day, Slot.EVENING, ActKind.YEAR)]
    if kind == "refund":
        return [PlannedAct(day, Slot.MORNING, ActKind.REFUND, draw.choice(("all", "part")))]
    if kind == "days":
        return [PlannedAct(day, Slot.MORNING, ActKind.DAYS, str(draw.randrange(2, 15)))]
    if kind == "trial days":
        early = scenario.started_on + timedelta(days=draw.randrange(1, 5))
        return [PlannedAct(early, Slot.MORNING, ActKind.DAYS, str(draw.randrange(3, 15)))]
    if kind == "dispute":
        decided = PlannedAct(day + timedelta(days=20), Slot.MORNING, draw.choice((ActKind.WIN, ActKind.LOSE)))
        return [PlannedAct(day, Slot.AFTERNOON, ActKind.DISPUTE), decided]
    gone = (ActKind.CARD_GONE, ActKind.CUSTOMER_GONE)[scenario.number % 2]
    return [PlannedAct(day, Slot.AFTERNOON, gone), PlannedAct(day, Slot.EVENING, ActKind.NEW_CARD, "another")]


def _weighted(draw: random.Random, choices: Sequence[tuple[float, T]]) -> T:
    return draw.choices([choice for _, choice in choices], [weight for weight, _ in choices])[0]
