"""The forecast of day one equals what then happens to those who do nothing, to the cent and the day; deferred revenue is the ledger's."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from billing.changes import announce_price
from billing.ledger.deferred import LEFT
from billing.ledger.models import Account
from billing.platform.actors import WORKER, Command
from billing.reports.books import trial_balance
from billing.reports.numbers.forecast import forecast, last_day_ahead
from billing.reports.numbers.shape import NumbersPeriod, NumbersQuestion, Section
from billing.rules.recognition import Spread
from billing.subscriptions.coming_charges import ComingCharge, coming_charges
from billing.subscriptions.forecast import forecast as forecast_of_one
from billing.subscriptions.models import Subscription
from tests.support.cancel_helpers import cancel
from tests.support.plans import add_many, plan_of
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import ZONE, World, local

DAY_ONE, LAST = local(2028, 3, 1, 8), date(2028, 3, 31)
Charged = Counter[tuple[date, int]]


def email(kind: str) -> str:
    return f"{kind.replace('_', '.')}@example.com"


def begin(world: World, kind: str, **more: str) -> str:
    """A trial; the subscription's id."""
    number = 10 + len(world.rows("SELECT id FROM subscription"))
    return str(world.start_trial(email(kind), f"pm_card_visa__{number}", **more)["subscription"]["id"])


def until_day_one(world: World) -> None:
    """A year that ends in the month, months of every sort, a price announced, one who owes, one who has cancelled, one in trial."""
    begin(world, "year", plan="yearly")
    world.advance_to(local(2028, 1, 10, 10))
    for kind in ("plain", "switches", "pauses", "moves", "owes", "quits", "leaves", "extended"):
        begin(world, kind)
    world.advance_to(local(2028, 1, 16, 10))
    begin(world, "month_end")
    world.advance_to(local(2028, 1, 27, 12))
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        announce_price.plan_change(ctx, "monthly", 8000, date(2028, 3, 5), today=ctx.today)
    with world.browse() as browser:
        browser.sign_in(email("pauses"))
        browser.get("/account/pause")
        assert browser.post("/account/pause", months="1").status == 200
    (card,) = world.rows(
        "SELECT gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = :email",
        email=email("owes"),
    )
    world.advance_to(local(2028, 2, 20, 10))
    begin(world, "trial")
    world.sandbox.decline(card["gateway_ref"], "insufficient_funds")
    world.advance_to(local(2028, 2, 26, 12))
    world.sandbox.decline(card["gateway_ref"], None)
    _change_by_pages(world)
    world.advance_to(DAY_ONE)


def _change_by_pages(world: World) -> None:
    with world.browse() as browser:
        browser.sign_in(email("switches"))
        browser.get("/account/plan?to=yearly")
        assert browser.post("/account/plan", consent="yes").status == 200
    browser = signed_in(world, email("moves")).again("/account/charge-day?day=28")
    assert browser.post("/account/charge-day", consent="yes").status == 200
    cancel(world, subscription_of(world, "quits"))


def subscription_of(world: World, kind: str) -> str:
    (row,) = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = :email AND s.ended_at IS NULL",
        email=email(kind),
    )
    return str(row["id"])


@pytest.fixture
def day_one(world: World) -> World:
    world.once("a world of many kinds, until 1 March 2028", lambda: until_day_one(world))
    return world


def charges_ahead(world: World, *, but: tuple[str, ...] = ()) -> Charged:
    """The charges of all together, but for those of these readers."""
    site = world.services.site
    with world.services.database.begin(site, world.now, WORKER) as ctx:
        until = last_day_ahead(ctx.today)
        assert until == LAST
        found = coming_charges(ctx, until)
        for kind in but:
            one = ctx.session.get_one(Subscription, subscription_of(world, kind))
            for charge in forecast_of_one(ctx, one, until=until):
                alike = ComingCharge(
                    charge.on, charge.plan_id, charge.starts_on, charge.ends_on, charge.amount
                )
                found[alike] -= 1
        days: Charged = Counter()
        for alike, count in found.items():
            days[alike.on, alike.amount.amount] += count
        return +days


def charged_since(world: World, since: datetime, *, but: tuple[str, ...] = ()) -> Charged:
    """The charges that the sandbox took since then, but for those of these readers."""
    left_out = [email(kind) for kind in but]
    days: Charged = Counter()
    for row in world.rows("SELECT id FROM reader WHERE email <> ALL(:left_out)", left_out=left_out):
        for charge in world.charges(of=row["id"]):
            at = datetime.fromtimestamp(charge["created"], ZONE)
            if at >= since:
                days[at.date(), charge["amount"]] += 1
    return days


def numbers(world: World) -> Section:
    with world.services.database.transaction() as session:
        period = NumbersPeriod(date(2027, 3, 1), date(2027, 3, 31))
        return forecast(NumbersQuestion(session, world.services.site, period, world.now))


def figure(section: Section, key: str) -> int:
    (found,) = (figure.value for figure in section.figures if figure.key == key)
    assert found is not None
    return found


def deferred_in_ledger(world: World) -> int:
    with world.services.database.transaction() as session:
        balances = trial_balance(session, date(2027, 1, 1), world.now.astimezone(ZONE).date())
    return -sum(line.after for line in balances if line.account is Account.DEFERRED_REVENUE)


def test_day_one_foresees_each_charge_of_the_month_and_what_stays_deferred(day_one: World) -> None:
    world = day_one
    ahead, section = charges_ahead(world), numbers(world)
    assert {cents for _, cents in ahead} == {7500, 8000, 75000}
    assert len({day for day, _ in ahead}) >= 5
    assert figure(section, "forecast-charges") == ahead.total()
    gross = sum(cents * count for (_, cents), count in ahead.items())
    assert figure(section, "forecast-gross") == gross
    for key in ("forecast-by-day", "forecast-by-plan"):
        (table,) = (table for table in section.tables if table.key == key)
        sums = [sum(int(str(row[n])) for row in table.rows) for n in (-4, -3, -2, -1)]
        assert [sums[0], sums[1], sums[3]] == [ahead.total(), gross, figure(section, "forecast-net")]
        assert sums[1] == sums[2] + sums[3]
    assert figure(section, "deferred-revenue") == deferred_in_ledger(world)
    world.advance_to(local(2028, 4, 1, 3))  # March is recognised, and nothing is charged yet
    assert charged_since(world, DAY_ONE) == ahead
    assert deferred_in_ledger(world) == figure(section, "deferred-revenue-ahead")
    net = world.rows("SELECT sum(net) AS cents FROM invoice WHERE paid_at >= :since", since=DAY_ONE)
    assert net == [{"cents": figure(section, "forecast-net")}]


def test_a_year_that_goes_on_stands_once_in_what_stays_deferred_on_the_first_of_a_month(
    world: World, yearly: Subscriber
) -> None:
    """The end of the month is asked for twice then: as the month ahead, and as the first of the twelve ends."""
    assert yearly.subscription_id
    world.skip_to(local(2027, 4, 1, 8))
    section = numbers(world)
    (net,) = world.rows("SELECT net FROM invoice")
    earned = Spread(net["net"], date(2027, 3, 16), date(2028, 3, 16)).earned(date(2027, 5, 1))
    assert figure(section, "deferred-revenue-ahead") == net["net"] - earned


@pytest.mark.prove
def test_it_comes_true_for_those_who_do_nothing_whatever_others_do(day_one: World) -> None:
    world, act = day_one, ("leaves", "extended")
    ahead = charges_ahead(world, but=act)
    cancel(world, subscription_of(world, "leaves"))
    world.api.post(
        f"/v1/subscriptions/{subscription_of(world, 'extended')}/extend",
        json={"days": 9, "reason": "late paper"}, headers={"Idempotency-Key": "nine"},
    ).raise_for_status()  # fmt: skip
    begin(world, "newcomer")
    world.advance_to(local(2028, 4, 1, 3))
    assert charged_since(world, DAY_ONE, but=(*act, "newcomer")) == ahead
    assert charged_since(world, DAY_ONE, but=act) != ahead, "the newcomer paid, too"


def test_what_is_deferred_is_the_ledgers_balance_after_refunds_and_gifts_of_days(
    world: World, paid: Subscriber
) -> None:
    for path, body in (
        (f"/v1/subscriptions/{paid.subscription_id}/extend", {"days": 5, "reason": "late paper"}),
        (
            f"/v1/payments/{world.rows('SELECT id FROM payment')[0]['id']}/refunds",
            {"amount": 2500, "reason": "late"},
        ),
    ):
        world.api.post(path, json=body, headers={"Idempotency-Key": path[-20:]}).raise_for_status()
        world.settle()
        assert figure(numbers(world), "deferred-revenue") == deferred_in_ledger(world) > 0
    for _ in range(3):
        world.advance(days=4)
        section = numbers(world)
        assert figure(section, "deferred-revenue") == deferred_in_ledger(world) > 0
    (table,) = (table for table in section.tables if table.key == "forecast-deferred")
    first, *months = table.rows
    assert first[2] == figure(section, "deferred-revenue")
    assert sum(int(str(row[1])) for row in months) == first[2], "all of it is earned within a year"
    assert months[-1][2] == 0
    assert len(months) == 13


MANY_DEFERRALS = {
    "deferral": """INSERT INTO deferral (invoice_id, given, amount, starts_on, ends_on, counts_from, counts_until)
       SELECT 'inv_' || n, false, 6522, d.day, d.day + 31, d.day, d.day + 31
       FROM generate_series(1, 10000) n, LATERAL (SELECT DATE '2026-02-01' + n / 30 AS day) d""",
}
"""Months sold on each day of most of a year, thirty a day."""


def test_an_index_finds_what_is_still_to_be_earned(own_world: World) -> None:
    with own_world.services.database.transaction() as session:
        add_many(session, MANY_DEFERRALS)
        plan = plan_of(session, LEFT, {"cuts": [date(2027, 3, 1)]})
    assert "Seq Scan" not in plan
    assert "ix_deferral_counts_until" in plan


def test_without_any_sale_all_is_zero(world: World) -> None:
    section = numbers(world)
    assert [figure.value for figure in section.figures] == [0] * 5
    assert last_day_ahead(date(2028, 1, 31)) == date(2028, 1, 31) + timedelta(days=28)
