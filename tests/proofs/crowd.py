"""A crowd of readers with all kinds of cards, and the outcome expected for each.

The dates are calculated by hand. All sign up on Saturday 16 January 2027 and read free through 30 January. The charges are on
31 January and 28 February; the third lies beyond sixty days. A declined card is retried 3, 7 and 14 days later; the first of these,
3 February, moves to payday on the 1st. After 21 days the subscription ends. A dispute stops further charges; it stays unanswered,
the bank decides on 9 February, and the subscription ends.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.support.world import World, local

START = local(2027, 1, 16, 10)
FIRST, SECOND = date(2027, 1, 31), date(2027, 2, 28)
LADDER = [FIRST, date(2027, 2, 1), date(2027, 2, 7), date(2027, 2, 14)]
GIVEN_UP = local(2027, 2, 21)
LAST_MINUTE = local(2027, 1, 30, 23, 59)
MONEY_CAME = local(2027, 2, 5, 12)
CANCELLED_LATER = local(2027, 2, 10, 15)
TRIAL_MAILS = {"trial_started": 1, "trial_notice": 2}


@dataclass(frozen=True)
class Outcome:
    """The expected outcome for a reader: days charged, days declined, mails by kind, and the subscription's end."""

    charged: list[date]
    refused: list[date] = field(default_factory=list)
    mails: dict[str, int] = field(default_factory=dict)
    state: str = "active"
    ended_at: datetime | None = None


PAYS = Outcome([FIRST, SECOND], mails=TRIAL_MAILS | {"receipt": 2})
LEAVES_IN_TRIAL = Outcome(
    [], mails=TRIAL_MAILS | {"cancelled": 1}, state="ended", ended_at=local(2027, 1, 31)
)
LEAVES_LATER = Outcome(
    [FIRST], mails=TRIAL_MAILS | {"receipt": 1, "cancelled": 1}, state="ended", ended_at=local(2027, 2, 28)
)
NEVER_PAYS = Outcome([], LADDER, TRIAL_MAILS | {"payment_failed": 4, "ended": 1}, "ended", GIVEN_UP)
NEEDS_ANOTHER_CARD = Outcome([], [FIRST], TRIAL_MAILS | {"payment_failed": 1, "ended": 1}, "ended", GIVEN_UP)
PAYS_ON_THE_THIRD_TRY = Outcome(
    [LADDER[2], SECOND], LADDER[:2], TRIAL_MAILS | {"payment_failed": 2, "receipt": 2}
)
DISPUTES = Outcome(  # mailed when the dispute opens and when it is lost, which ends the access
    [FIRST], mails=TRIAL_MAILS | {"receipt": 1, "disputed": 2}, state="ended", ended_at=local(2027, 2, 9, 9)
)
STOPPED_AT_THE_BANK = Outcome([], [FIRST], TRIAL_MAILS | {"cancelled": 1}, "ended", local(2027, 1, 31, 9))


@dataclass(frozen=True)
class Kind:
    """One kind of reader: their card, their share in percent, and their expected outcome."""

    name: str
    card: str
    share: int
    outcome: Outcome
    in_person: bool = False
    """The card requires 3-D Secure, which the app did when it saved the card."""


KINDS = [
    Kind("visa", "pm_card_visa", 22, PAYS),
    Kind("mastercard", "pm_card_mastercard", 5, PAYS),
    Kind("debit", "pm_card_visa_debit", 4, PAYS),
    Kind("amex", "pm_card_amex", 4, PAYS),
    Kind("elsewhere", "pm_card_authenticationRequiredSetupForOffSession", 3, PAYS),
    Kind("once", "pm_card_authenticationRequiredOnSetup", 4, PAYS, in_person=True),
    Kind("disputes", "pm_card_createDispute", 2, DISPUTES),
    Kind("slow-refund", "pm_card_pendingRefund", 2, PAYS),
    Kind("quits", "pm_card_visa", 10, LEAVES_IN_TRIAL),
    Kind("leaves", "pm_card_visa", 8, LEAVES_LATER),
    Kind("fails", "pm_card_chargeCustomerFail", 10, NEVER_PAYS),
    Kind(
        "broke",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        6,
        NEVER_PAYS,
        in_person=True,
    ),
    Kind("payday", "pm_card_visa", 6, PAYS_ON_THE_THIRD_TRY),
    Kind("asks", "pm_card_authenticationRequired", 6, NEEDS_ANOTHER_CARD, in_person=True),
    Kind("blocked", "pm_card_radarBlock", 4, NEEDS_ANOTHER_CARD),
    Kind("stops", "pm_card_visa", 4, STOPPED_AT_THE_BANK),
]
REFUSED_AT_ONCE = [
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedStolenCard",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_chargeDeclinedVelocityLimitExceeded",
    "pm_card_authenticationRequiredOnSetup",
    "pm_card_threeDSecure2Required",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
    "pm_nobody_knows",
]


@dataclass
class Crowd:
    """All who try to start. `outcomes` is by address; of each group of `rivals` exactly one must start."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    orders: list[tuple[str, str]] = field(default_factory=list)
    rivals: list[list[tuple[str, str]]] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of subscriptions there will be."""
        return len(self.outcomes) + len(self.rivals)


def gather(world: World, size: int) -> Crowd:
    """A crowd of which `size` start: nine in ten by the shares of KINDS, the rest from pairs of rivals."""
    crowd = Crowd()
    alone = size - size // 10
    shares = [kind for kind in KINDS for _ in range(kind.share)]
    for number in range(alone):
        kind = shares[number * len(shares) // alone]
        email = f"{kind.name}-{number}@example.com"
        card = f"{kind.card}__{number}"
        crowd.outcomes[email] = kind.outcome
        crowd.orders.append((email, confirmed_in_person(world, card) if kind.in_person else card))
    for number in range(alone, size):
        crowd.rivals.append(_rivals(number))
        crowd.orders += crowd.rivals[-1]
    for number, card in enumerate(REFUSED_AT_ONCE):
        crowd.declined.append(f"refused-{number}@example.com")
        crowd.orders.append((crowd.declined[-1], f"{card}__{number}" if card != "pm_nobody_knows" else card))
    return crowd


def _rivals(number: int) -> list[tuple[str, str]]:
    card, other = f"pm_card_visa__{number}", f"pm_card_mastercard__{number}"
    return [
        [(f"one-{number}@example.com", card), (f"two-{number}@example.com", card)],
        [(f"twice-{number}@example.com", card), (f"twice-{number}@example.com", other)],
        [(f"same-{number}@example.com", card), (f"same-{number}@example.com", card)],
        [(f"Dot.Ted{number}@gmail.com", card), (f"dotted{number}+news@googlemail.com", other)],
    ][number % 4]


def confirmed_in_person(world: World, card: str) -> str:
    """Save a card in the app, with 3-D Secure confirmed by the reader; return the payment method."""
    intent = world.sandbox.client().v1.setup_intents.create(
        {
            "payment_method": card,
            "confirm": True,
            "usage": "off_session",
            "allowed_payment_method_types": ["card"],
        }
    )
    assert intent.status == "requires_action"
    page = f"/c/authenticate/{intent.id}"
    assert world.sandbox.http.post(page, data={"outcome": "complete"}).status_code < 400
    return str(intent.payment_method)
