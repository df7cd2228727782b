"""What each reader does, and what happens to them: drawn from the seed and the reader's number alone, before anything runs.

So the same seed has the same readers do the same things on the same days, whatever faults meet them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from billing.dev.simulate.dates import Slot, month_later, trial_over

T = TypeVar("T")


class ActKind(StrEnum):
    """What can be done by a reader, by staff, by a bank, or by a card's network."""

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


@dataclass(frozen=True, slots=True)
class PlannedCard:
    """A card of the sandbox, by the name programs use and by its number."""

    name: str
    number: str
    works: bool = True
    """Whether each charge goes through without its owner."""
    takes_back: bool = True
    """Whether its bank lets money come back to it."""
    starts: bool = True
    hosted: bool = False
    """Whether only its owner, on the hosted page, can save it."""


VISA = PlannedCard("visa", "4242424242424242")
ANOTHER = PlannedCard("mastercard", "5555555555554444")
CARDS: tuple[tuple[float, PlannedCard], ...] = (
    (52, VISA),
    (20, ANOTHER),
    (8, PlannedCard("visa_debit", "4000056655665556")),
    (4, PlannedCard("amex", "378282246310005")),
    (4, PlannedCard("chargeCustomerFail", "4000000000000341", works=False)),
    (3, PlannedCard("authenticationRequiredOnSetup", "4000002500003155", hosted=True)),
    (2, PlannedCard("authenticationRequired", "4000002760003184", works=False, hosted=True)),
    (1, PlannedCard("createDispute", "4000000000000259")),
    (0.5, PlannedCard("createDisputeInquiry", "4000000000001976")),
    (0.5, PlannedCard("createIssuerFraudRecord", "4000000000005423")),
    (1.5, PlannedCard("pendingRefund", "4000000000007726")),
    (0.5, PlannedCard("refundFail", "4000000000005126", takes_back=False)),
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
COMES_RIGHT = ("insufficient_funds", "do_not_honor")
"""Refusals that pass by themselves, as on payday."""


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """Something done at a moment of the calendar."""

    on: date
    slot: Slot
    wish: ActKind
    detail: str = ""
    """A number of days or months, a reason for refusals, a card."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that will be tried for one reader, in its order. Whether it succeeds depends on the service."""

    number: int
    email: str
    card: PlannedCard
    plan: str
    deaf: bool
    """The address takes no mail: no notice can arrive, so nothing may ever be charged."""
    acts: tuple[PlannedAct, ...]

    @property
    def started_on(self) -> date:
        """The day of the first try."""
        return self.acts[0].on


def draw_scenario(seed: int, number: int, first: date, last: date) -> Scenario:
    """The fate of reader `number`, who comes on some day from `first` through `last`."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - to be drawn again, not to be secret
    deaf = dice.random() < 0.004
    card = VISA if deaf else _weighted(dice, CARDS)
    on = first + timedelta(days=dice.randrange((last - first).days + 1))
    slot = dice.choice((Slot.MORNING, Slot.AFTERNOON, Slot.EVENING))
    hosted = card.hosted or dice.random() < 0.05
    fate = Scenario(
        number=number,
        email=f"{'deaf' if deaf else 'reader'}-{number}@example.com",
        card=card,
        plan="yearly" if dice.random() < 0.06 else "monthly",
        deaf=deaf,
        acts=(PlannedAct(on, slot, ActKind.START, "page" if hosted else "program"),),
    )
    if not card.starts:
        return fate
    acts = [*fate.acts, *_story(dice, fate)]
    return replace(fate, acts=tuple(sorted(acts, key=lambda act: (act.on, act.slot))))


def _story(dice: random.Random, fate: Scenario) -> list[PlannedAct]:
    """A quarter leave in the trial. Of the rest many leave later, and to some something happens before."""
    on, over = fate.started_on, trial_over(fate.started_on)
    if dice.random() < 0.25:
        return _leave_in_trial(dice, on)
    acts = _trouble(dice, fate, over) if fate.card.works else _failing(dice, fate, over)
    if not acts and dice.random() < 0.25:
        acts = _twist(dice, fate, over)
    if dice.random() < 0.4:
        acts += _leave(dice, over)
    if dice.random() < 0.01:
        acts.append(PlannedAct(over + timedelta(days=dice.randrange(60, 200)), Slot.AFTERNOON, ActKind.AGAIN))
    return acts


def _leave_in_trial(dice: random.Random, on: date) -> list[PlannedAct]:
    """On any day; some in the last minute; a few come back before it is over."""
    day, slot = on + timedelta(days=dice.randrange(1, 15)), dice.choice((Slot.MORNING, Slot.EVENING))
    if dice.random() < 0.1:
        day, slot = on + timedelta(days=14), Slot.MIDNIGHT
    acts = [PlannedAct(day, slot, ActKind.CANCEL)]
    if dice.random() < 0.15 and day < on + timedelta(days=12):
        acts.append(PlannedAct(day + timedelta(days=1), Slot.AFTERNOON, ActKind.UNDO))
    return acts


def _leave(dice: random.Random, over: date) -> list[PlannedAct]:
    """After some months, on any day; a few at the very minute of a charge, a few within the cooling-off days."""
    chance = dice.random()
    if chance < 0.08:
        return [PlannedAct(over + timedelta(days=dice.randrange(1, 13)), Slot.AFTERNOON, ActKind.WITHDRAW)]
    months = min(int(dice.expovariate(0.22)), 11)
    if chance < 0.16:
        return [PlannedAct(month_later(over, months), Slot.CHARGE, ActKind.CANCEL)]
    day = month_later(over, months) + timedelta(days=dice.randrange(1, 27))
    acts = [PlannedAct(day, dice.choice((Slot.MORNING, Slot.AFTERNOON, Slot.EVENING)), ActKind.CANCEL)]
    if chance > 0.95:
        acts.append(PlannedAct(day + timedelta(days=1), Slot.EVENING, ActKind.UNDO))
    return acts


def _trouble(dice: random.Random, fate: Scenario, over: date) -> list[PlannedAct]:
    """One in eight has a card that is refused some month: it passes, or the reader mends it, or nobody does."""
    if fate.plan == "yearly" or dice.random() >= 0.12:
        return []
    due = month_later(over, dice.randrange(0, 6))
    reason = _weighted(dice, REFUSALS)
    acts = [PlannedAct(due, Slot.MORNING, ActKind.CARD_FAILS, reason)]
    chance = dice.random()
    if reason in COMES_RIGHT and chance < 0.45:
        days = dice.randrange(1, 13)
        acts.append(PlannedAct(due + timedelta(days=days), Slot.MORNING, ActKind.CARD_WORKS))
        if dice.random() < 0.3:
            acts.append(PlannedAct(due + timedelta(days=days), Slot.EVENING, ActKind.PAY_CARD))
    elif chance < 0.6:
        acts.append(_mend(dice, due))
    elif chance < 0.68:
        acts.append(PlannedAct(due + timedelta(days=dice.randrange(1, 5)), Slot.AFTERNOON, ActKind.REPLACED))
    return acts


def _failing(dice: random.Random, fate: Scenario, over: date) -> list[PlannedAct]:
    """A card that never goes through by itself: half of its owners pay in person, and with 3-D Secure they must each month. A few
    pay so late that the next charge comes within the cooling-off days, and then withdraw."""
    chance = dice.random()
    if chance < 0.5:
        return []
    if chance < 0.6 and fate.plan == "monthly":
        late = PlannedAct(
            over + timedelta(days=dice.randrange(18, 21)), Slot.EVENING, ActKind.PAY_PAGE, "another"
        )
        return [late, PlannedAct(month_later(over, 1) + timedelta(days=1), Slot.AFTERNOON, ActKind.WITHDRAW)]
    if fate.card.name == "authenticationRequired" and fate.plan == "monthly":
        return [
            replace(_mend(dice, month_later(over, n)), wish=ActKind.PAY_PAGE, detail="same") for n in range(4)
        ]
    return [_mend(dice, over)]


def _mend(dice: random.Random, due: date) -> PlannedAct:
    wish = dice.choice((ActKind.PAY_PAGE, ActKind.NEW_CARD))
    return PlannedAct(due + timedelta(days=dice.randrange(0, 12)), Slot.EVENING, wish, "another")


def _twist(dice: random.Random, fate: Scenario, over: date) -> list[PlannedAct]:
    """Something that changes the calendar, or gives money back."""
    day = month_later(over, dice.randrange(0, 5)) + timedelta(days=dice.randrange(2, 24))
    kind = dice.choice(("pause", "year", "refund", "days", "trial days", "dispute", "new card"))
    if kind == "pause" and fate.plan == "monthly":
        return [PlannedAct(day, Slot.AFTERNOON, ActKind.PAUSE, str(dice.randrange(1, 4)))]
    if kind == "year" and fate.plan == "monthly":
        return [PlannedAct(day, Slot.EVENING, ActKind.YEAR)]
    if kind == "refund":
        return [PlannedAct(day, Slot.MORNING, ActKind.REFUND, dice.choice(("all", "part")))]
    if kind == "days":
        return [PlannedAct(day, Slot.MORNING, ActKind.DAYS, str(dice.randrange(2, 15)))]
    if kind == "trial days":
        early = fate.started_on + timedelta(days=dice.randrange(1, 5))
        return [PlannedAct(early, Slot.MORNING, ActKind.DAYS, str(dice.randrange(3, 15)))]
    if kind == "dispute":
        decided = PlannedAct(day + timedelta(days=20), Slot.MORNING, dice.choice((ActKind.WIN, ActKind.LOSE)))
        return [PlannedAct(day, Slot.AFTERNOON, ActKind.DISPUTE), decided]
    gone = (ActKind.CARD_GONE, ActKind.CUSTOMER_GONE)[fate.number % 2]
    return [PlannedAct(day, Slot.AFTERNOON, gone), PlannedAct(day, Slot.EVENING, ActKind.NEW_CARD, "another")]


def _weighted(dice: random.Random, choices: Sequence[tuple[float, T]]) -> T:
    return dice.choices([one for _, one in choices], [weight for weight, _ in choices])[0]
