"""More days: the trial or paid period ends later, and everything after it moves."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import periods
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import nth_period, period_containing
from tests.support.actors import BY
from tests.support.signed_in import signed_in_by_mail
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import START, World, local

READER = "thandi@example.com"


def reader_page(world: World) -> str:
    return f"/staff/readers/{world.rows('SELECT id FROM reader')[0]['id']}"


def test_a_longer_trial_is_announced_anew_and_charged_later(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    page = support.get(f"{reader_page(world)}/extend")
    assert "through Monday 22 March 2027 instead of Monday 15 March 2027" in page.words
    page = support.post(page.path, days="10", step="confirm", reason="x")
    assert "moves from Tuesday 16 March 2027 to Friday 26 March 2027" in page.words, (
        "other days are shown first"
    )
    page = support.post(page.path, step="confirm", days="10", reason="was ill")
    assert "Done" in support.page.text
    world.advance_to(local(2027, 3, 26, 8, 59))
    assert world.charges() == []
    notices = [messages for messages in world.mail_kinds(READER) if "notice" in messages]
    assert notices == ["first notice for 2027-03-26", "second notice for 2027-03-26"]
    world.advance_to(local(2027, 3, 26, 9))
    assert world.charged_at() == ["2027-03-26 09:00"]
    changes = world.rows(f"SELECT event, {BY}, reason FROM subscription_change ORDER BY id")
    assert changes[1] == {"event": "extended", "by": "staff:support@paper.example", "reason": "was ill"}
    assert world.subscription(in_trial.subscription_id)["period_end"] == "2027-04-26"


def test_a_trial_whose_notices_would_be_late_moves_on_until_they_are_not(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    world.advance_to(local(2027, 3, 14, 12))
    support = staff("support")
    page = support.get(f"{reader_page(world)}/extend")
    page = support.post(page.path, days="2", reason="", step="preview")
    assert "to Monday 22 March 2027" in page.words
    assert "later than asked for" in page.words
    support.post(page.path, days="2", reason="was ill", step="confirm")
    world.advance_to(local(2027, 3, 22, 10))
    assert world.charged_at() == ["2027-03-22 09:00"], "with both notices, and without another extension"


def test_a_paid_period_is_extended_and_the_later_ones_follow_its_new_end(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    page = support.get(f"{reader_page(world)}/extend")
    page = support.post(page.path, days="5", step="preview")
    assert "through Tuesday 20 April 2027 instead of Thursday 15 April 2027" in page.words
    assert "R75.00 incl. VAT, moves from Friday 16 April 2027 to Wednesday 21 April 2027" in page.words
    support.post(page.path, days="5", step="confirm", reason="outage")
    assert "paid through Tuesday 20 April 2027" in support.page.words
    world.advance_to(local(2027, 7, 1))
    assert world.charged_at() == [
        "2027-03-16 09:00",
        "2027-04-21 09:00",
        "2027-05-21 09:00",
        "2027-06-21 09:00",
    ]
    numbers = world.rows("SELECT period_number, period_start_on, period_end_on FROM invoice ORDER BY id")
    assert [row["period_number"] for row in numbers] == [1, 2, 3, 4]
    assert numbers[1]["period_start_on"] == date(2027, 4, 21)
    assert world.subscription(paid.subscription_id)["period_end"] == "2027-07-21"


def test_days_given_before_a_pause_move_the_pause_and_the_charge_after_it(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    (reader,) = signed_in_by_mail(world, paid.email)
    reader.get("/account/pause")
    reader.post("/account/pause", months="2")
    support = staff("support")
    page = support.get(f"{reader_page(world)}/extend")
    page = support.post(page.path, days="5", step="preview")
    assert "through Tuesday 20 April 2027 instead of Thursday 15 April 2027" in page.words
    assert "moves from Wednesday 16 June 2027 to Monday 21 June 2027" in page.words
    support.post(page.path, days="5", step="confirm", reason="outage")
    world.settle()
    mail = world.letter(READER, "You have more days")
    assert mail.subject == "You have more days: nothing is charged before Monday 21 June 2027"
    assert "Tuesday 20 April 2027" in mail.text
    assert world.subscription(paid.subscription_id)["next_charge"]["at"] == "2027-06-21T07:00:00Z"
    world.advance_to(local(2027, 6, 22))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-06-21 09:00"]


def test_what_cannot_be_extended_says_why(world: World, staff: SignIn) -> None:
    started = world.start_trial(READER, "pm_card_chargeCustomerFail")
    support = staff("support")
    where = f"{reader_page(world)}/extend"
    support.get(where)
    assert "whole number, from 1 to 366" in support.post(where, days="0").words
    assert "whole number" in support.post(where, days="1.5").words
    page = support.post(where, days="32", step="preview")
    assert page.status == 403
    assert "would give 32 days. Your role leaves you 31 days for this reader this month" in page.words
    world.advance_to(local(2027, 3, 16, 10))
    assert "A payment is outstanding" in staff("support", "sipho@paper.example").get(where).words
    world.api.post(f"/v1/subscriptions/{started['subscription']['id']}/cancel").raise_for_status()
    assert "no running subscription" in staff("support", "nandi@paper.example").get(where).words


@given(
    anchor=st.dates(date(2027, 1, 1), date(2029, 1, 1)),
    number=st.integers(1, 40),
    ahead=st.integers(0, 30),
)
def test_later_periods_join_without_a_gap_whatever_the_day(anchor: date, number: int, ahead: int) -> None:
    extended = Subscription(
        id="sub_1",
        reader_id="rdr_1",
        plan_id="monthly",
        price_id="monthly-75",
        state=State.ACTIVE,
        started_at=START,
        access_until=START,
        charge_on=anchor,
        anchor_number=number,
    )
    first = nth_period(extended, number, 1)
    assert (first.number, first.start_on) == (number, anchor)
    for step in range(ahead):
        one, next_one = nth_period(extended, number + step, 1), nth_period(extended, number + step + 1, 1)
        assert one.end_on == next_one.start_on
        assert period_containing(extended, one.start_on, 1) == one
    with pytest.raises(periods.NoSuchPeriod):
        nth_period(extended, number - 1, 1)
