"""Many trials at once, and sixty days with two workers: each reader is charged as the calendar says, and told so.

The dates below are written down by hand. Signed up on Saturday 16 January 2027, free through 30 January; the first
charge is on 31 January, the second, a month on, on 28 February, and the third lies beyond these sixty days. A card that
says no is asked again 3, 7 and 14 days later (the first of these, 3 February, moves to the payday of the 1st), and after
21 days it is over.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import httpx
import pytest

from tests.proofs import books
from tests.proofs.conftest import Hire
from tests.world import ZONE, World, local

START = local(2027, 1, 16, 10)
FIRST, SECOND = date(2027, 1, 31), date(2027, 2, 28)
LADDER = [FIRST, date(2027, 2, 1), date(2027, 2, 7), date(2027, 2, 14)]
GIVEN_UP = local(2027, 2, 21)
LAST_MINUTE = local(2027, 1, 30, 23, 59)
MONEY_CAME = local(2027, 2, 5, 12)
CANCELLED_LATER = local(2027, 2, 10, 15)
TOLD = {"trial_started": 1, "trial_notice": 2}
CLIENTS = 8


@dataclass(frozen=True)
class Fate:
    """What becomes of a reader, by the calendar."""

    charged: list[date]
    refused: list[date] = field(default_factory=list)
    mails: dict[str, int] = field(default_factory=dict)
    state: str = "active"
    ended_at: datetime | None = None


PAYS = Fate([FIRST, SECOND], mails=TOLD | {"receipt": 2})
LEAVES_IN_TRIAL = Fate([], mails=TOLD | {"cancelled": 1}, state="ended", ended_at=local(2027, 1, 31))
LEAVES_LATER = Fate(
    [FIRST], mails=TOLD | {"receipt": 1, "cancelled": 1}, state="ended", ended_at=local(2027, 2, 28)
)
NEVER_PAYS = Fate([], LADDER, TOLD | {"payment_failed": 4, "ended": 1}, "ended", GIVEN_UP)
NEEDS_ANOTHER_CARD = Fate([], [FIRST], TOLD | {"payment_failed": 1, "ended": 1}, "ended", GIVEN_UP)
PAYS_ON_THE_THIRD_TRY = Fate([LADDER[2], SECOND], LADDER[:2], TOLD | {"payment_failed": 2, "receipt": 2})
TOLD_THE_BANK_TO_STOP = Fate([], [FIRST], TOLD | {"cancelled": 1}, "ended", local(2027, 1, 31, 9))


@dataclass(frozen=True)
class Kind:
    """Readers of one kind: their card, how many of them in a hundred, and their fate."""

    name: str
    card: str
    share: int
    fate: Fate
    in_person: bool = False
    """The card wants 3-D Secure, which the app did when it saved the card."""


KINDS = [
    Kind("visa", "pm_card_visa", 22, PAYS),
    Kind("mastercard", "pm_card_mastercard", 5, PAYS),
    Kind("debit", "pm_card_visa_debit", 4, PAYS),
    Kind("amex", "pm_card_amex", 4, PAYS),
    Kind("elsewhere", "pm_card_authenticationRequiredSetupForOffSession", 3, PAYS),
    Kind("once", "pm_card_authenticationRequiredOnSetup", 4, PAYS, in_person=True),
    Kind("disputes", "pm_card_createDispute", 2, PAYS),
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
    Kind("stops", "pm_card_visa", 4, TOLD_THE_BANK_TO_STOP),
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
    """Everybody who tries, by address: the fate of those who must start, and the rivals of whom one starts."""

    fates: dict[str, Fate] = field(default_factory=dict)
    orders: list[tuple[str, str]] = field(default_factory=list)
    rivals: list[list[tuple[str, str]]] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many subscriptions there will be."""
        return len(self.fates) + len(self.rivals)


def gather(world: World, size: int) -> Crowd:
    """A crowd of which `size` start: nine in ten by the shares, the rest where two want what one can have."""
    crowd = Crowd()
    alone = size - size // 10
    shares = [kind for kind in KINDS for _ in range(kind.share)]
    for number in range(alone):
        kind = shares[number * len(shares) // alone]
        email = f"{kind.name}-{number}@example.com"
        card = f"{kind.card}__{number}"
        crowd.fates[email] = kind.fate
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
    """A card saved by the app itself, 3-D Secure done with the reader at the screen."""
    intent = world.twin.client().v1.setup_intents.create(
        {
            "payment_method": card,
            "confirm": True,
            "usage": "off_session",
            "allowed_payment_method_types": ["card"],
        }
    )
    assert intent.status == "requires_action"
    page = f"/c/authenticate/{intent.id}"
    assert world.twin.http.post(page, data={"outcome": "complete"}).status_code < 400
    return str(intent.payment_method)


def start_all(world: World, crowd: Crowd) -> None:
    """Eight clients work through the list together, and each gets the answer it must get."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda order: world.try_trial(*order), crowd.orders))
    by_order = dict(zip(range(len(answers)), answers, strict=True))
    for number, (email, _) in enumerate(crowd.orders):
        if email in crowd.fates:
            assert by_order[number].status_code == 201, f"{email}: {by_order[number].text}"
        elif email in crowd.declined:
            assert by_order[number].status_code == 402, f"{email}: {by_order[number].text}"
            assert by_order[number].json()["code"] == "card_declined"
    first = len(crowd.fates)
    for number, rivals in enumerate(crowd.rivals):
        pair = answers[first + 2 * number : first + 2 * number + 2]
        _check_rivals(pair)
        winner = rivals[0] if pair[0].status_code == 201 else rivals[1]
        crowd.fates[winner[0]] = PAYS


def _check_rivals(pair: list[httpx.Response]) -> None:
    assert sorted(answer.status_code for answer in pair) == [201, 409], [answer.text for answer in pair]
    refusal = next(answer.json()["code"] for answer in pair if answer.status_code == 409)
    assert refusal in ("trial_used", "already_subscribed")


def tell_cards(world: World, kind: str, reason: str | None) -> None:
    """From now on the cards of this kind of readers are declined for the reason; None ends that."""
    cards = "SELECT m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email LIKE :kind"
    for row in world.rows(cards, kind=f"{kind}-%"):
        world.twin.decline(row["gateway_ref"], reason)


def cancel_all(world: World, kind: str) -> None:
    """Every reader of this kind cancels, now, eight at once."""
    rows = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email LIKE :kind",
        kind=f"{kind}-%",
    )
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda row: world.api.post(f"/v1/subscriptions/{row['id']}/cancel"), rows))
    assert all(answer.status_code == 200 for answer in answers)


def live_sixty_days(world: World, size: int) -> Crowd:
    """All start on one morning, and sixty days go by."""
    crowd = gather(world, size)
    start_all(world, crowd)
    tell_cards(world, "payday", "insufficient_funds")
    tell_cards(world, "stops", "revocation_of_authorization")
    world.advance_to(LAST_MINUTE)
    assert world.charges() == []
    cancel_all(world, "quits")
    world.advance_to(MONEY_CAME)
    tell_cards(world, "payday", None)
    world.advance_to(CANCELLED_LATER)
    cancel_all(world, "leaves")
    world.advance_to(local(2027, 3, 17, 10))
    return crowd


def check_charges(world: World, crowd: Crowd) -> None:
    """At the twin: for each reader the charges and the refusals of their calendar, on their days, of R75 each."""
    emails = {row["id"]: row["email"] for row in world.rows(
        "SELECT a.id, r.email FROM attempt a JOIN invoice i ON i.id = a.invoice_id JOIN reader r ON r.id = i.reader_id"
    )}  # fmt: skip
    seen: dict[tuple[str, bool], list[date]] = {}
    for charge in reversed(world.twin.charges()):
        assert charge["amount"] == 7500
        key = emails[charge["metadata"]["attempt"]], charge["status"] == "succeeded"
        seen.setdefault(key, []).append(
            datetime.fromtimestamp(charge["created"], UTC).astimezone(ZONE).date()
        )
    expected = {
        (email, well): days
        for email, fate in crowd.fates.items()
        for well, days in ((True, fate.charged), (False, fate.refused))
        if days
    }
    assert seen == expected


def check_ends(world: World, crowd: Crowd) -> None:
    """In the books: one subscription for each who started, as it must stand; none for the others."""
    rows = world.rows(
        "SELECT r.email, s.state, s.ended_at, s.period_number FROM subscription s JOIN reader r ON r.id = s.reader_id"
    )
    assert Counter(row["email"] for row in rows) == Counter(crowd.fates.keys())
    for row in rows:
        fate = crowd.fates[row["email"]]
        assert (row["state"], row["ended_at"]) == (fate.state, fate.ended_at), row["email"]
        assert row["period_number"] == len(fate.charged), row["email"]


def check_invoices(world: World, crowd: Crowd) -> None:
    """Tax invoices carry the day of their charge; what was never paid has no number."""
    rows = world.rows(
        "SELECT r.email, i.state, i.issued_on FROM invoice i JOIN reader r ON r.id = i.reader_id ORDER BY i.number"
    )
    paid = [(row["email"], row["issued_on"]) for row in rows if row["state"] == "paid"]
    assert Counter(paid) == Counter((email, on) for email, fate in crowd.fates.items() for on in fate.charged)
    owed = Counter(row["email"] for row in rows if row["state"] != "paid")
    assert owed == Counter(email for email, fate in crowd.fates.items() if fate.refused and not fate.charged)
    assert {row["state"] for row in rows} <= {"paid", "void"}


def check_mails(world: World, crowd: Crowd) -> None:
    """In the mailboxes: what each reader must have been told, each thing once; nothing for those who never started."""
    expected = {
        (email, kind): times for email, fate in crowd.fates.items() for kind, times in fate.mails.items()
    }
    rows = world.rows(
        "SELECT recipient, kind, count(*) AS times FROM message WHERE state = 'accepted' GROUP BY 1, 2"
    )
    assert {(row["recipient"], row["kind"]): row["times"] for row in rows} == expected
    assert world.rows("SELECT id FROM message WHERE state <> 'accepted'") == []
    arrived = Counter(mail.recipients[0] for mail in world.sink.received)
    assert arrived == Counter({email: sum(fate.mails.values()) for email, fate in crowd.fates.items()})


def prove(make_world: Callable[..., World], hire: Hire, size: int) -> None:
    """The whole story for a crowd of this size, and everything that must be so after it."""
    world = make_world(START)
    workers = [hire(world).ready() for _ in range(2)]
    crowd = live_sixty_days(world, size)
    assert len(crowd.fates) == size
    check_charges(world, crowd)
    check_ends(world, crowd)
    check_invoices(world, crowd)
    check_mails(world, crowd)
    books.check(world)
    for worker in workers:
        assert worker.alive, worker.words
        worker.stop()
        assert "ERROR" not in worker.words, worker.words


def test_forty_trials_and_sixty_days_with_two_workers(make_world: Callable[..., World], hire: Hire) -> None:
    prove(make_world, hire, 40)


@pytest.mark.prove
def test_two_hundred_trials_and_sixty_days_with_two_workers(
    make_world: Callable[..., World], hire: Hire
) -> None:
    prove(make_world, hire, 200)
