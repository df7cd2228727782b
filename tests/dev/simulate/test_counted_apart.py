"""When and why simulated readers stop paying, and all of them together, against lives that were counted by hand."""

from datetime import date, datetime

import pytest

from billing.dev.simulate.counted_apart import count_apart
from billing.dev.simulate.dates import ZONE
from billing.dev.simulate.judge import AcceptedAct, Life, ListedCharge, periods_paid
from billing.dev.simulate.scenarios import ActKind
from billing.dev.simulate.stops import stops, unpaid_trial_ends_at

Acts = list[tuple[str, ActKind, str]]


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def life(acts: Acts, *, number: int = 7, plan: str = "monthly", unreachable: bool = False) -> Life:
    accepted = [AcceptedAct(at(when), kind, detail) for when, kind, detail in acts]
    started = date(2027, 1, 16)
    return Life(number, plan, unreachable=unreachable, chargeable=True, started_on=started, accepted=accepted)


# Signed up on 16 January: charged on 31 January and 28 February; the next charge is due on 31 March.
TWO = [
    ListedCharge("ch_1", at("2027-01-31T09:00"), 7500),
    ListedCharge("ch_2", at("2027-02-28T09:00"), 7500),
]
YEAR = [ListedCharge("ch_y", at("2027-01-31T09:00"), 75000)]
Case = tuple[Life, list[ListedCharge], list[str]]
CASES: dict[str, Case] = {
    "in the trial": (life([]), [], []),
    "the grace of a charge that failed on 31 March": (life([]), TWO, ["2027-04-21T00:00 payment"]),
    "read to the end": (
        life([("2027-03-05T12:00", ActKind.CANCEL, "")]), TWO, ["2027-03-31T00:00 reader"],
    ),
    "cancelled in the grace": (
        life([("2027-04-05T12:00", ActKind.CANCEL, "")]), TWO, ["2027-04-05T12:00 reader"],
    ),
    "withdrawn by a program": (
        life([("2027-02-03T12:00", ActKind.WITHDRAW, "")]), TWO[:1], ["2027-02-03T12:00 staff"],
    ),
    "cancelled, and closed before the end": (
        life([("2027-03-05T12:00", ActKind.CANCEL, ""), ("2027-03-09T12:00", ActKind.ERASE, "")]),
        TWO, ["2027-03-09T12:00 staff"],
    ),
    "disputed": (
        life([("2027-02-28T09:00", ActKind.DISPUTE, "")]), TWO, ["2027-03-31T00:00 dispute"],
    ),
    "disputed after a cancellation": (
        life([("2027-03-05T12:00", ActKind.CANCEL, ""), ("2027-03-06T12:00", ActKind.DISPUTE, "")]),
        TWO, ["2027-03-31T00:00 reader"],
    ),
    "disputed after the end": (
        life([("2027-05-05T12:00", ActKind.DISPUTE, "")]), TWO, ["2027-04-21T00:00 payment"],
    ),
    "a lost dispute": (
        life([("2027-03-02T12:00", ActKind.DISPUTE, ""), ("2027-03-22T07:30", ActKind.LOSE, "")]),
        TWO, ["2027-03-22T07:30 dispute"],
    ),
    "paused, and not paid after it": (
        life([("2027-03-05T12:00", ActKind.PAUSE, "1")]), TWO, ["2027-03-31T00:00 pause"],
    ),
    "paused, then cancelled in the pause": (
        life([("2027-03-05T12:00", ActKind.PAUSE, "1"), ("2027-04-05T12:00", ActKind.CANCEL, "")]),
        TWO, ["2027-03-31T00:00 pause"],
    ),
    "paused, and cancelled before it": (
        life([("2027-03-05T12:00", ActKind.PAUSE, "1"), ("2027-03-09T12:00", ActKind.CANCEL, "")]),
        TWO, ["2027-03-31T00:00 reader"],
    ),
    "paused, and paid after it": (
        life([("2027-02-05T12:00", ActKind.PAUSE, "1")]),
        [TWO[0], ListedCharge("ch_3", at("2027-03-28T09:00"), 7500)],
        ["2027-02-28T00:00 pause", "2027-05-19T00:00 payment"],
    ),
    "due on 5 April, then the grace": (
        life([("2027-03-05T12:00", ActKind.DAYS, "5")]), TWO, ["2027-04-26T00:00 payment"],
    ),
    "a stop order": (
        life([("2027-03-05T12:00", ActKind.CARD_FAILS, "revocation_of_authorization")]),
        TWO, ["2027-03-31T09:00 reader"],
    ),
    "left in the free days up to a chosen day": (
        life([("2027-03-05T12:00", ActKind.CHARGE_DAY, "15"), ("2027-04-02T12:00", ActKind.CANCEL, "")]),
        TWO, ["2027-04-15T00:00 reader"],
    ),
    "left before these": (
        life([("2027-03-05T12:00", ActKind.CHARGE_DAY, "15"), ("2027-03-09T12:00", ActKind.CANCEL, "")]),
        TWO, ["2027-03-31T00:00 reader"],
    ),
}  # fmt: skip
LATE = at("2028-01-01T00:00")


@pytest.mark.parametrize(("lived", "charges", "said"), CASES.values(), ids=CASES)
def test_when_and_why_a_subscription_stops(lived: Life, charges: list[ListedCharge], said: list[str]) -> None:
    found = stops(lived, periods_paid(lived, charges, LATE))
    assert [f"{stop.at.astimezone(ZONE):%Y-%m-%dT%H:%M} {stop.reason}" for stop in found] == said


TRIALS: dict[str, tuple[Life, str]] = {
    "each charge fails": (life([]), "2027-02-21T00:00"),
    "cancelled": (life([("2027-01-20T12:00", ActKind.CANCEL, "")]), "2027-01-31T00:00"),
    "longer, then cancelled": (
        life([("2027-01-18T12:00", ActKind.DAYS, "5"), ("2027-01-20T12:00", ActKind.CANCEL, "")]),
        "2027-02-05T00:00",
    ),
    "closed": (life([("2027-01-20T12:00", ActKind.ERASE, "")]), "2027-01-20T12:00"),
    "a stop order": (
        life([("2027-01-31T07:30", ActKind.CARD_FAILS, "revocation_of_authorization")]), "2027-01-31T09:00",
    ),
    "refuses each notice": (life([], unreachable=True), "2027-02-08T09:00"),
    "refuses them, and cancels": (
        life([("2027-01-20T12:00", ActKind.CANCEL, "")], unreachable=True), "2027-01-31T00:00",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lived", "ends"), TRIALS.values(), ids=TRIALS)
def test_when_a_trial_ends_unpaid(lived: Life, ends: str) -> None:
    assert unpaid_trial_ends_at(lived) == at(ends)


def test_what_a_year_brings_a_month() -> None:
    counted = count_apart([life([], plan="yearly")], {7: YEAR}, at("2027-12-31T00:00"))
    assert (counted.paying, counted.mrr, counted.charged) == (1, 5435, 75000)


THREE = [
    life([], number=1),
    life([("2027-03-05T12:00", ActKind.CANCEL, "")], number=2),
    life([("2027-01-20T12:00", ActKind.CANCEL, "")], number=3),
]
SAID = {
    "trials-started": 3, "trials-converted": 2, "conversion": 6667, "first-paid": 2, "returned": 0, "stopped": 1,
    "paying": 1, "mrr": 6522, "charged": 30000,
    "stopped by reader": 1, "stopped by payment": 0, "stopped by dispute": 0, "stopped by mail": 0,
    "stopped by staff": 0, "stopped by pause": 0,
    "trials from 2027-01-11, started": 3, "trials from 2027-01-11, converted": 2,
    "trials from 2027-01-11, ended unpaid": 1, "trials from 2027-01-11, conversion": 6667,
}  # fmt: skip


def test_all_readers_together() -> None:
    counted = count_apart(THREE, {1: TWO, 2: TWO}, at("2027-04-01T00:00"))
    assert counted.named == SAID
    assert counted.differences(SAID) == []


def test_what_ends_at_the_instant_counts_on_the_day_that_begins_then() -> None:
    counted = count_apart(THREE, {1: TWO, 2: TWO}, at("2027-03-31T00:00"))
    assert (counted.paying, counted.stopped) == (2, {})


@pytest.mark.parametrize("name", SAID)
def test_each_difference_is_named(name: str) -> None:
    counted = count_apart(THREE, {1: TWO, 2: TWO}, at("2027-04-01T00:00"))
    (words,) = counted.differences(SAID | {name: 5})
    assert words == f"numbers: {name} is 5, and counted apart it is {SAID[name]}"


def test_a_week_that_the_numbers_have_and_nobody_lived() -> None:
    counted = count_apart(THREE, {1: TWO, 2: TWO}, at("2027-04-01T00:00"))
    (words,) = counted.differences(SAID | {"trials from 2027-02-01, started": 1})
    assert words == "numbers: trials from 2027-02-01, started is 1, and counted apart it is None"
