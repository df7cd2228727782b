"""The simulation's calendar against dates calculated by hand; and every breach is found."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from billing.dev.simulate.dates import ZONE
from billing.dev.simulate.judge import AcceptedAct, Life, ListedCharge, judge
from billing.dev.simulate.scenarios import ActKind, draw_scenario

FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)
Acts = list[tuple[str, ActKind, str]]
Charges = list[tuple[str, int]]


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def life(acts: Acts, *, plan: str = "monthly", chargeable: bool = True) -> Life:
    accepted = [AcceptedAct(at(when), kind, detail) for when, kind, detail in acts]
    return Life(
        7, plan, unreachable=False, chargeable=chargeable, started_on=date(2027, 1, 16), accepted=accepted
    )


def taken(charges: Charges) -> list[ListedCharge]:
    return [ListedCharge(f"ch_{n}", at(when), cents) for n, (when, cents) in enumerate(charges)]


def found(lived: Life, charges: Charges, until: str) -> list[str]:
    return [breach.what for breach in judge(lived, taken(charges), at(until), staff_know=False)]


# Signed up on 16 January: free through the 30th; charged on 31 January, 28 February, 31 March, 30 April.
MONTHS: Charges = [
    ("2027-01-31T09:00", 7500),
    ("2027-02-28T09:00", 7500),
    ("2027-03-31T09:10", 7500),
    ("2027-04-30T09:00", 7500),
]
KEPT: list[tuple[Life, Charges, str]] = [
    (life([]), [], "2027-01-31T08:00"),
    (life([]), MONTHS, "2027-05-02T09:00"),
    (life([("2027-01-30T23:59", ActKind.CANCEL, "")]), [], "2027-06-01T09:00"),
    (life([("2027-01-31T09:00", ActKind.CANCEL, "")]), [], "2027-06-01T09:00"),
    (life([("2027-03-05T12:00", ActKind.CANCEL, "")]), MONTHS[:2], "2027-06-01T09:00"),
    (life([("2027-02-05T12:00", ActKind.DISPUTE, "")]), MONTHS[:1], "2027-06-01T09:00"),
    (life([], chargeable=False), [("2027-02-20T23:00", 7500), MONTHS[1]], "2027-03-05T09:00"),
    (life([], chargeable=False), [], "2027-06-01T09:00"),
    (
        life([("2027-02-28T07:30", ActKind.CARD_FAILS, "x"), ("2027-03-02T07:30", ActKind.CARD_WORKS, "")]),
        [MONTHS[0], ("2027-03-03T09:00", 7500), MONTHS[2]],
        "2027-04-02T09:00",
    ),
    (
        life([("2027-02-05T15:00", ActKind.CARD_GONE, ""), ("2027-02-05T20:00", ActKind.NEW_CARD, "")]),
        MONTHS,
        "2027-05-02T09:00",
    ),
    (life([("2027-02-05T15:00", ActKind.CUSTOMER_GONE, "")]), MONTHS[:1], "2027-06-01T09:00"),
    (
        life([("2027-02-05T12:00", ActKind.PAUSE, "2")]),
        [MONTHS[0], ("2027-04-28T09:00", 7500), ("2027-05-28T09:00", 7500)],
        "2027-06-01T09:00",
    ),
    (
        life([("2027-02-05T12:00", ActKind.YEAR, "")]),
        [MONTHS[0], ("2027-02-28T09:00", 75000)],
        "2027-12-01T09:00",
    ),
    (
        life([("2027-01-20T12:00", ActKind.YEAR, "")]),
        [("2027-01-31T09:00", 75000), ("2028-01-31T09:00", 7500)],
        "2028-02-05T09:00",
    ),
    (
        life([("2027-02-05T12:00", ActKind.CHARGE_DAY, "25")]),
        [MONTHS[0], ("2027-03-25T09:00", 7500), ("2027-04-25T09:00", 7500)],
        "2027-05-01T09:00",
    ),
    (
        life([("2027-02-05T12:00", ActKind.DAYS, "5"), ("2027-02-06T12:00", ActKind.CHARGE_DAY, "last")]),
        [MONTHS[0], ("2027-03-31T09:00", 7500), ("2027-04-30T09:00", 7500), ("2027-05-31T09:00", 7500)],
        "2027-06-05T09:00",
    ),
    (
        life([("2027-02-05T12:00", ActKind.DAYS, "5")]),
        [MONTHS[0], ("2027-03-05T09:00", 7500), ("2027-04-05T09:00", 7500)],
        "2027-04-10T09:00",
    ),
    (
        life([("2027-01-18T12:00", ActKind.DAYS, "5")]),
        [("2027-02-05T09:00", 7500), ("2027-03-05T09:00", 7500)],
        "2027-03-10T09:00",
    ),
    (life([("2027-01-31T09:00", ActKind.DISPUTE, "")]), MONTHS[:1], "2027-06-01T09:00"),
    (
        life([], plan="yearly"),
        [("2027-01-31T09:00", 75000), ("2028-01-31T09:00", 7500), ("2028-02-29T09:00", 7500)],
        "2028-03-05T09:00",
    ),
]


@pytest.mark.parametrize(("lived", "charges", "until"), KEPT)
def test_what_keeps_the_calendar(lived: Life, charges: Charges, until: str) -> None:
    assert found(lived, charges, until) == []


BROKEN: list[tuple[str, Life, Charges, str]] = [
    ("nothing is due then", life([]), [("2027-01-30T23:00", 7500)], "2027-01-31T08:00"),
    ("nothing is due then", life([]), [("2027-01-31T08:59", 7500), *MONTHS], "2027-05-02T09:00"),
    ("nothing is due then", life([]), [*MONTHS, ("2027-05-01T09:00", 7500)], "2027-05-02T09:00"),
    (
        "nothing is due then",
        life([("2027-01-30T23:59", ActKind.CANCEL, "")]),
        MONTHS[:1],
        "2027-02-10T09:00",
    ),
    (
        "nothing is due then",
        life([("2027-02-05T12:00", ActKind.PAUSE, "1")]),
        MONTHS[:2],
        "2027-03-05T09:00",
    ),
    (
        "nothing is due then",
        life([("2027-02-05T12:00", ActKind.DISPUTE, "")]),
        MONTHS[:2],
        "2027-03-05T09:00",
    ),
    (
        "nothing is due then",
        life([("2027-01-31T09:00", ActKind.DISPUTE, "")]),
        [("2027-01-31T09:00:01", 7500)],
        "2027-03-05T09:00",
    ),
    (
        "nothing is due then",
        life([("2027-01-31T09:00", ActKind.DISPUTE, "")]),
        MONTHS[:2],
        "2027-03-05T09:00",
    ),
    ("nothing is due then", life([], chargeable=False), [("2027-02-21T00:00", 7500)], "2027-03-05T09:00"),
    ("not charged for 2027-02-28", life([]), MONTHS[:1], "2027-05-02T09:00"),
    ("not charged for 2027-01-31", life([]), [], "2027-02-02T09:00"),
    ("late for 2027-01-31", life([]), [("2027-02-01T09:00", 7500)], "2027-02-02T09:00"),
    ("and not 7500", life([]), [("2027-01-31T09:00", 75000)], "2027-02-02T09:00"),
    (
        "nothing is due then (next 2027-03-25)",
        life([("2027-02-05T12:00", ActKind.CHARGE_DAY, "25")]),
        MONTHS[:2],
        "2027-03-05T09:00",
    ),
    (
        "and not 75000",
        life([("2027-01-20T12:00", ActKind.YEAR, "")]),
        MONTHS[:1],
        "2027-02-05T09:00",
    ),
    (
        "and not 75000",
        life([("2027-02-05T12:00", ActKind.YEAR, "")]),
        MONTHS[:2],
        "2027-03-05T09:00",
    ),
]


@pytest.mark.parametrize(("words", "lived", "charges", "until"), BROKEN)
def test_what_breaks_the_calendar_is_found(words: str, lived: Life, charges: Charges, until: str) -> None:
    assert any(words in breach for breach in found(lived, charges, until))


def test_nothing_may_be_taken_where_no_notice_arrives() -> None:
    unreachable = Life(7, "monthly", unreachable=True, chargeable=True, started_on=date(2027, 1, 16))
    assert found(unreachable, [], "2027-12-01T09:00") == []
    assert len(found(unreachable, MONTHS, "2027-12-01T09:00")) == 4


def test_a_cancellation_that_is_undone_after_an_inquiry_was_closed_lets_charges_go_on() -> None:
    lived = life([("2027-01-31T09:01", ActKind.DISPUTE, ""), ("2027-02-20T12:00", ActKind.CANCEL, "")])
    assert found(lived, MONTHS[:1], "2027-04-01T09:00") == []
    lived.record(at("2027-02-21T12:00"), ActKind.UNDO)
    assert found(lived, MONTHS[:3], "2027-04-01T09:20") == []


def test_another_inquiry_after_that_ends_charging_again() -> None:
    lived = life([("2027-01-31T09:01", ActKind.DISPUTE, ""), ("2027-02-20T12:00", ActKind.CANCEL, "")])
    lived.record(at("2027-02-21T12:00"), ActKind.UNDO)
    lived.record(at("2027-02-28T09:01"), ActKind.DISPUTE)
    assert found(lived, MONTHS[:2], "2027-05-01T09:20") == []
    assert found(lived, MONTHS[:3], "2027-05-01T09:20") != []


def test_who_pays_and_leaves_in_one_moment_has_paid_first() -> None:
    pays = ("2027-02-20T20:30", ActKind.PAY_PAGE, "same")
    leaves = ("2027-02-20T20:30", ActKind.CANCEL, "")
    charges = [("2027-02-20T20:30", 7500)]
    assert found(life([pays, leaves], chargeable=False), charges, "2027-05-01T09:20") == []
    assert found(life([leaves, pays], chargeable=False), charges, "2027-05-01T09:20") != []


def test_a_cancellation_that_was_taken_back_never_was() -> None:
    lived = life([])
    lived.record(at("2027-01-20T12:00"), ActKind.CANCEL)
    lived.record(at("2027-01-21T12:00"), ActKind.UNDO)
    assert found(lived, MONTHS, "2027-05-02T09:00") == []


# Charged on 31 January at nine: a notice goes out on the 23rd (on the 24th at nine it is too late), another on the 27th.
UNDONE = [
    ("2027-01-22T20:30", "2027-01-23T20:30", date(2027, 1, 31)),
    ("2027-01-22T20:30", "2027-01-24T15:00", date(2027, 2, 1)),
    ("2027-01-23T20:30", "2027-01-24T15:00", date(2027, 1, 31)),
    ("2027-01-27T07:30", "2027-01-28T08:59", date(2027, 1, 31)),
    ("2027-01-27T07:30", "2027-01-28T23:59", date(2027, 2, 5)),
    ("2027-01-28T07:30", "2027-01-29T15:00", date(2027, 1, 31)),
]


@pytest.mark.parametrize(("asked", "undone", "first"), UNDONE)
def test_a_trial_moves_that_was_cancelled_when_a_notice_was_to_go_out(
    asked: str, undone: str, first: date
) -> None:
    lived = life([])
    lived.record(at(asked), ActKind.CANCEL)
    lived.record(at(undone), ActKind.UNDO)
    days = [first, *(date(2027, month, min(first.day, last)) for month, last in ((2, 28), (3, 31)))]
    if first.month == 2:
        days = [first, date(2027, 3, first.day)]
    charges: Charges = [(f"{day}T09:00", 7500) for day in days]
    until = f"{days[-1]}T12:00"
    assert found(lived, charges, until) == []
    for day in {date(2027, 1, 31), date(2027, 2, 1), date(2027, 2, 5)} - {first}:
        assert found(lived, [(f"{day}T09:00", 7500)], "2027-02-10T12:00"), "as if it were another day"
    assert found(lived, [], "2027-02-10T12:00"), "it is charged all the same"


def test_a_pause_that_was_ahead_is_planned_again_when_the_cancellation_is_undone() -> None:
    lived = life([("2027-02-05T12:00", ActKind.PAUSE, "2")])
    lived.record(at("2027-02-06T12:00"), ActKind.CANCEL)
    lived.record(at("2027-02-07T12:00"), ActKind.UNDO)
    later = [MONTHS[0], ("2027-04-28T09:00", 7500)]
    assert found(lived, later, "2027-05-02T09:00") == []
    assert found(lived, MONTHS, "2027-05-02T09:00")


def kept(lived: Life, charges: list[ListedCharge], *, staff_know: bool = False) -> list[str]:
    found = judge(lived, charges, at("2027-06-01T09:00"), staff_know=staff_know)
    return [breach.what for breach in found]


def test_a_withdrawal_brings_the_money_back() -> None:
    lived = life([("2027-02-05T12:00", ActKind.WITHDRAW, "")])
    charge = ListedCharge("ch_0", at("2027-01-31T09:00"), 7500, returned=7500)
    assert kept(lived, [charge]) == []
    unreturned = [ListedCharge("ch_1", charge.at, 7500)]
    assert kept(lived, unreturned, staff_know=True) == ["withdrew, and 7500 cents of ch_1 are kept"]
    lived.refundable = False
    assert kept(lived, unreturned) == ["withdrew, and 7500 cents of ch_1 are kept"]
    assert kept(lived, unreturned, staff_know=True) == []


@pytest.mark.parametrize(("returned", "short"), [(7259, 0), (7258, 1), (7500, 0), (0, 7259)])
def test_a_withdrawal_after_a_renewal_brings_back_what_was_paid_for_days_not_read(
    returned: int, short: int
) -> None:
    """The card was refused until day 20; a day of the second period, from 28 February to 30 March, was read."""
    lived = life([("2027-03-01T12:00", ActKind.WITHDRAW, "")], chargeable=False)
    first = ListedCharge("ch_0", at("2027-02-19T15:00"), 7500, returned=7500)
    second = ListedCharge("ch_1", at("2027-02-28T09:00"), 7500, returned=returned)
    words = [f"withdrew, and {short} cents of ch_1 are kept"] if short else []
    assert kept(lived, [first, second]) == words


def test_a_scenario_depends_on_the_seed_and_the_number_alone() -> None:
    drawn = [draw_scenario(7, number, FIRST, LAST) for number in range(300)]
    assert drawn == [draw_scenario(7, number, FIRST, LAST) for number in range(300)]
    assert drawn != [draw_scenario(8, number, FIRST, LAST) for number in range(300)]
    assert {act.kind for scenario in drawn for act in scenario.acts} == set(ActKind) - {ActKind.ERASE}, (
        "every kind of act occurs"
    )
    closing = [draw_scenario(7, number, FIRST, LAST, 20) for number in range(300)]
    assert 30 < sum(act.kind is ActKind.ERASE for scenario in closing for act in scenario.acts) < 90
    without = [
        replace(each, acts=tuple(act for act in each.acts if act.kind is not ActKind.ERASE))
        for each in closing
    ]
    assert without == drawn, "the others live as before"
