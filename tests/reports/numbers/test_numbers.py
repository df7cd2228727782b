"""The numbers of a season: what its readers did, and what ledger and subscriptions say apart from them."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.ledger.models import Account
from billing.reports import books
from billing.reports.numbers import days
from billing.reports.numbers.shape import Figure, NotAPeriodOfNumbers, NumbersPeriod, chosen
from tests.reports.numbers.asked import figures, row, tables, whole, wrongly_kept
from tests.reports.numbers.season import FIRST, LAST, live
from tests.support.world import World

MONTHLY, YEARLY = 6522, 5435
"""Cents of MRR: R75.00 less VAT at 15%, and R750.00 less VAT by twelve."""
DAYS = st.dates(FIRST - timedelta(days=10), LAST)


@pytest.fixture
def season(world: World) -> World:
    world.once("a season of numbers", lambda: live(world))
    return world


def test_what_the_readers_did_is_counted(season: World) -> None:
    found = figures(season, FIRST, LAST)
    said = {key: figure.value for key, figure in found.items()}
    assert (said["mrr"], said["paying"]) == (3 * MONTHLY + 2 * YEARLY, 5)
    assert (said["mrr-new"], said["mrr-contraction"]) == (6 * MONTHLY + YEARLY, YEARLY - MONTHLY)
    assert (said["mrr-churn"], said["mrr-expansion"], said["mrr-reactivation"]) == (-2 * MONTHLY, 0, 0)
    assert (said["trials-started"], said["trials-converted"], said["conversion"]) == (8, 7, 8750)
    assert (said["payments-failed"], said["dunning-recovery"]) == (2, 5000)
    assert (said["charged"], said["refunded"]) == (13 * 7500 + 2 * 75000, 2500)
    shown = tables(season, FIRST, LAST)
    assert row(shown["trials"], date(2027, 3, 1)) == (7, 6, 1, 0, 8571)
    assert row(shown["churn"], "A payment failed, and the grace passed") == (1, 0, -MONTHLY, 0)
    assert row(shown["churn"], "The reader cancelled, or told the bank to stop") == (1, 0, -MONTHLY, 0)
    assert row(shown["dunning"], "Retry 1") == (1, 0, 5000, 7500)
    assert row(shown["dunning"], "Lost: it ended unpaid") == (1, 0, 5000, None)
    assert row(shown["cohorts"], "2027-03")[:4] == (6, 10000, 8333, 6667)
    assert [row(shown["retention"], n) for n in range(3)] == [(7, 7, 10000), (6, 5, 8333), (6, 4, 6667)]
    assert row(shown["plans"], "yearly") == (0, 2, 0, 2 * YEARLY)


def test_a_month_is_compared_with_the_days_before(season: World) -> None:
    found = figures(season, date(2027, 5, 1), date(2027, 5, 31))
    assert (found["mrr-churn"].value, found["mrr-churn"].before) == (-MONTHLY, -MONTHLY)
    assert (found["churn-rate"].value, found["churn-involuntary"].value) == (2000, 2000), (
        "one of five, by payment"
    )
    assert found["churn-voluntary"].before == 1667, "one of six, in April"
    per_reader = (3 * MONTHLY + 2 * YEARLY) / 5
    assert found["ltv"].value == pytest.approx(per_reader * 5 * 31 / 30.4375, abs=1)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=st.tuples(DAYS, DAYS).map(sorted))
def test_movements_add_up_in_any_period(season: World, ends: list[date]) -> None:
    first, last = ends
    found, table = figures(season, first, last), tables(season, first, last)["mrr-movement"]
    moves = ("mrr-new", "mrr-reactivation", "mrr-expansion", "mrr-contraction", "mrr-churn")
    start, end = found["mrr"].before or 0, found["mrr"].value
    assert start + sum(found[move].value or 0 for move in moves) == end
    assert (table.rows[0][1], table.rows[-1][-1]) == (start, end)
    for _, begun, *moved, ended in table.rows:
        assert sum(whole(cents) for cents in (begun, *moved)) == ended
    by_plan = tables(season, first, last)["plans"].rows
    assert sum(whole(plan[4]) for plan in by_plan) == end


def test_mrr_is_what_the_subscriptions_of_today_bring(season: World) -> None:
    (counted,) = season.rows(
        """SELECT count(*) AS paying, sum(round(i.net::numeric / p.months))::int AS mrr FROM subscription s
           JOIN invoice i ON i.subscription_id = s.id AND i.period_number = s.period_number JOIN plan p ON p.id = s.plan_id
           WHERE s.state IN ('active', 'past_due') AND i.state = 'paid'"""
    )
    found = figures(season, FIRST, LAST)
    assert {"paying": found["paying"].value, "mrr": found["mrr"].value} == counted


def test_charges_refunds_and_revenue_are_the_ledgers(season: World) -> None:
    first, last = date(2027, 4, 1), date(2027, 5, 31)
    found, shown = figures(season, first, last), tables(season, first, last)
    with season.services.database.transaction() as session:
        lines = {line.account: line for line in books.trial_balance(session, first, last)}
        sold = [line for line in books.vat(session, first, last) if line.kind == "invoice"]
    assert sum(whole(plan[5]) for plan in shown["charges"].rows) == sum(line.net for line in sold)
    assert found["charged"].value == sum(line.gross for line in sold) == lines[Account.GATEWAY].debit
    assert found["revenue"].value == lines[Account.REVENUE].credit - lines[Account.REVENUE].debit
    earned = sum(whole(step[2]) for step in shown["money"].rows)
    assert found["revenue"].value == earned


def test_refunds_are_the_ledgers(season: World) -> None:
    first, last = date(2027, 3, 1), date(2027, 4, 30)
    found, april = figures(season, first, last), figures(season, date(2027, 4, 1), last)
    notes = season.rows("""SELECT "on" FROM ledger_transaction WHERE kind = 'refund'""")
    charged, returned = of_ledger(season, first, last, "invoice"), -of_ledger(season, first, last, "refund")
    assert (returned, len(notes)) == (2500, 1)
    assert (found["refunded"].value, found["refunded"].before) == (returned, 0)
    assert found["refund-rate"].value == round(returned * 10_000 / charged)
    assert found["refund-rate"].before is None, "nothing was charged before"
    assert (april["refunded"].value, april["refunded"].before) == (0, returned)
    in_march = of_ledger(season, date(2027, 3, 2), date(2027, 3, 31), "invoice")
    assert april["refund-rate"].before == round(returned * 10_000 / in_march)
    for begins, *_, cents, number in (each for each in tables(season, first, last)["money"].rows):
        assert isinstance(begins, date)
        ends = min(last, begins + timedelta(days=6 - begins.weekday()))
        assert cents == -of_ledger(season, begins, ends, "refund"), begins
        assert number == sum(begins <= note["on"] <= ends for note in notes), begins


def of_ledger(season: World, first: date, last: date, kind: str) -> int:
    """What the ledger says of tax invoices or credit notes, incl. VAT."""
    with season.services.database.transaction() as session:
        return sum(line.gross for line in books.vat(session, first, last) if line.kind == kind)


def test_kept_days_and_a_fresh_count_are_the_same(season: World) -> None:
    kept = (figures(season, FIRST, LAST), tables(season, FIRST, LAST))
    with season.services.database.transaction() as session:
        assert days.kept_through(session) == LAST - timedelta(days=1)
    assert wrongly_kept(season, NumbersPeriod(FIRST, LAST - timedelta(days=1))) == []
    season.execute("DELETE FROM number_day")
    season.execute("DELETE FROM number_mark")
    assert (figures(season, FIRST, LAST), tables(season, FIRST, LAST)) == kept


def of_days(season: World, last: date) -> dict[str, Figure]:
    """The figures but for those of the forecast, which are of now."""
    found = figures(season, FIRST, last)
    return {key: figure for key, figure in found.items() if not key.startswith(("forecast", "deferred"))}


def test_the_last_days_are_counted_again_each_night(season: World) -> None:
    closed = LAST - timedelta(days=1)
    before = of_days(season, closed)
    season.execute("UPDATE number_day SET value = value + 1 WHERE day > :day", day=closed - timedelta(days=5))
    assert of_days(season, closed) != before
    season.advance_to(season.now + timedelta(days=1))
    assert of_days(season, closed) == before


@pytest.mark.parametrize("days_", [-1, 1830])
def test_a_period_has_an_end_and_a_limit(days_: int) -> None:
    with pytest.raises(NotAPeriodOfNumbers):
        NumbersPeriod(FIRST, FIRST + timedelta(days=days_))


def test_a_period_is_compared_with_the_days_before_it_also_before_the_first_year() -> None:
    yesterday = LAST - timedelta(days=1)
    assert chosen(None, None, LAST) == NumbersPeriod(yesterday - timedelta(days=29), yesterday)
    earliest = chosen(date(2010, 1, 1), date(2010, 1, 31), LAST)
    assert earliest.before == NumbersPeriod(date(2009, 12, 1), date(2009, 12, 31))
    for first, last in ((date.min, date.min), (None, date.min), (date(2009, 12, 31), None), (None, date.max)):
        with pytest.raises(NotAPeriodOfNumbers):
            chosen(first, last, LAST)
