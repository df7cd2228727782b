"""What a simulated reader brings a month, against lives that were counted by hand."""

from datetime import date, datetime

import pytest

from billing.dev.simulate.counted_apart import CountedApart, count_apart, monthly_net
from billing.dev.simulate.dates import ZONE
from billing.dev.simulate.judge import AcceptedAct, Life, ListedCharge
from billing.dev.simulate.scenarios import ActKind

Acts = list[tuple[str, ActKind, str]]


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def life(acts: Acts, *, number: int = 7, plan: str = "monthly") -> Life:
    accepted = [AcceptedAct(at(when), kind, detail) for when, kind, detail in acts]
    started = date(2027, 1, 16)
    return Life(number, plan, unreachable=False, chargeable=True, started_on=started, accepted=accepted)


# Signed up on 16 January: charged on 31 January and 28 February; the next charge is due on 31 March.
TWO = [
    ListedCharge("ch_1", at("2027-01-31T09:00"), 7500),
    ListedCharge("ch_2", at("2027-02-28T09:00"), 7500),
]
YEAR = [ListedCharge("ch_y", at("2027-01-31T09:00"), 75000)]
LIVES: list[tuple[Life, list[ListedCharge], str, int]] = [
    (life([]), [], "2027-02-05T00:00", 0),
    (life([]), TWO, "2027-03-05T00:00", 6522),
    (life([], plan="yearly"), YEAR, "2027-12-31T00:00", 5435),
    (life([]), TWO, "2027-04-20T00:00", 6522),  # a charge failed on 31 March, and the grace lasts
    (life([]), TWO, "2027-04-21T00:00", 0),  # it is over
    (life([("2027-03-05T12:00", ActKind.CANCEL, "")]), TWO, "2027-03-30T00:00", 6522),
    (life([("2027-03-05T12:00", ActKind.CANCEL, "")]), TWO, "2027-03-31T00:00", 0),
    (life([("2027-04-05T12:00", ActKind.CANCEL, "")]), TWO, "2027-04-06T00:00", 0),  # in the grace: at once
    (life([("2027-02-03T12:00", ActKind.WITHDRAW, "")]), TWO[:1], "2027-02-04T00:00", 0),
    (life([("2027-03-05T12:00", ActKind.ERASE, "")]), TWO, "2027-03-06T00:00", 0),
    (life([("2027-02-28T09:00", ActKind.DISPUTE, "")]), TWO, "2027-03-30T00:00", 6522),
    (life([("2027-02-28T09:00", ActKind.DISPUTE, "")]), TWO, "2027-03-31T00:00", 0),
    (life([("2027-03-05T12:00", ActKind.PAUSE, "1")]), TWO, "2027-03-30T00:00", 6522),
    (life([("2027-03-05T12:00", ActKind.PAUSE, "1")]), TWO, "2027-03-31T00:00", 0),
    (
        life([("2027-03-05T12:00", ActKind.DAYS, "5")]),
        TWO,
        "2027-04-25T00:00",
        6522,
    ),  # due 5 April, then the grace
    (
        life([("2027-03-05T12:00", ActKind.CARD_FAILS, "revocation_of_authorization")]),
        TWO,
        "2027-04-01T00:00",
        0,
    ),
]


@pytest.mark.parametrize(("lived", "charges", "when", "cents"), LIVES)
def test_what_a_reader_brings_a_month(
    lived: Life, charges: list[ListedCharge], when: str, cents: int
) -> None:
    assert monthly_net(lived, charges, at(when)) == cents


def test_all_readers_together_and_what_differs() -> None:
    lives = [
        life([], number=1),
        life([("2027-03-05T12:00", ActKind.CANCEL, "")], number=2),
        life([], number=3),
    ]
    counted = count_apart(lives, {1: TWO, 2: TWO}, at("2027-04-01T00:00"))
    assert counted == CountedApart(trials=3, converted=2, paying=1, stopped=1, mrr=6522, charged=30000)
    said = {
        "trials-started": 3,
        "trials-converted": 2,
        "first-paid": 2,
        "paying": 1,
        "stopped": 1,
        "mrr": 6522,
        "charged": 30000,
    }
    assert counted.differences(said) == []
    assert counted.differences(said | {"mrr": 6523}) == ["numbers: mrr is 6523, and counted apart it is 6522"]
