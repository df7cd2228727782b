"""The forecast: the charges of the coming month if nobody does anything, and what is paid for days still to come."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, timedelta

from billing.ledger.deferred import left_after
from billing.ledger.recognition import recognised_through
from billing.payments import vat_rates
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.reports.numbers.names import plan_names
from billing.reports.numbers.shape import (
    Cell,
    Chart,
    Column,
    Figure,
    NumbersQuestion,
    NumbersTable,
    Section,
    Unit,
)
from billing.rules import tax
from billing.rules.periods import add_months
from billing.rules.recognition import Spread
from billing.rules.tax import VatRate
from billing.subscriptions.coming_charges import ComingCharge, coming_charges

_DAY = timedelta(days=1)
MONTHS_AHEAD = 12
CHARGES = (
    "Charges from today through the day before this day of next month, as things stand now: of all who do nothing until then and whose"
    " bank agrees, at the prices agreed, chosen or announced. New trials, cancellations and declines aren’t foreseen. The chosen period"
    " changes nothing here."
)
DEFERRED = (
    "Paid for days that are still to come, without VAT: the balance of the ledger’s account deferred revenue now, after the last day that"
    " is over. The chosen period changes nothing here."
)
DEFERRED_AHEAD = (
    "The same when the days of the forecast, which begin today, are over: what is paid now and then still to be earned, and what the"
    " forecast’s charges leave to be earned. Without VAT. The chosen period changes nothing here."
)


@dataclass(frozen=True, slots=True)
class ForecastMoney:
    """Charges, and their cents: with VAT, the VAT in them, without it; and what of that is deferred when the forecast's days are over."""

    charges: int = 0
    gross: int = 0
    vat: int = 0
    net: int = 0
    deferred: int = 0

    def __add__(self, other: "ForecastMoney") -> "ForecastMoney":
        return ForecastMoney(
            *(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))
        )


def last_day_ahead(today: date) -> date:
    """The last day of the forecast: the day before the same day of the next month."""
    return add_months(today, 1) - _DAY


def forecast(question: NumbersQuestion) -> Section:
    """The coming month's charges by day and by plan, and deferred revenue now, then, and by months."""
    until = last_day_ahead(question.today)
    ctx = TransactionContext(question.session, question.site, question.at, WORKER)
    coming, rates = coming_charges(ctx, until), vat_rates.rates(question.session)
    money = {alike: _money(alike, count, rates, until) for alike, count in coming.items()}
    total = sum(money.values(), ForecastMoney())
    through = recognised_through(question.session) or question.today - _DAY
    ends = month_ends(through, question.today)
    now, then, *left = left_after(question.session, [through, until, *ends])
    return Section(
        "forecast",
        "Forecast",
        tuple(_figures(total, now, then + total.deferred)),
        (_by_day(money), _by_plan(money, plan_names(question.session)), _deferred(through, now, ends, left)),
    )


def _money(alike: ComingCharge, count: int, rates: Sequence[VatRate], until: date) -> ForecastMoney:
    split = tax.split(alike.amount, tax.rate_on(alike.on, rates))
    net = split.net.amount
    deferred = net - Spread(net, alike.starts_on, alike.ends_on).earned(until + _DAY)
    return ForecastMoney(
        count, count * split.gross.amount, count * split.vat.amount, count * net, count * deferred
    )


def month_ends(through: date, today: date) -> list[date]:
    """The last days of this month and of the next ones, but for those that are over."""
    ends = (add_months(today.replace(day=1), n + 1) - _DAY for n in range(MONTHS_AHEAD + 1))
    return [end for end in ends if end > through]


def _figures(total: ForecastMoney, now: int, then: int) -> list[Figure]:
    return [
        Figure("forecast-charges", "Charges to come", CHARGES, Unit.COUNT, total.charges, None),
        Figure("forecast-gross", "To be charged", f"Incl. VAT. {CHARGES}", Unit.CENTS, total.gross, None),
        Figure(
            "forecast-net",
            "To be charged, without VAT",
            f"Without VAT. {CHARGES}",
            Unit.CENTS,
            total.net,
            None,
        ),
        Figure("deferred-revenue", "Deferred revenue", DEFERRED, Unit.CENTS, now, None),
        Figure(
            "deferred-revenue-ahead", "Deferred revenue in a month", DEFERRED_AHEAD, Unit.CENTS, then, None
        ),
    ]


_MONEY = (
    Column("Charges", drawn=False),
    Column("Incl. VAT", Unit.CENTS),
    Column("VAT in it", Unit.CENTS, drawn=False),
    Column("Without VAT", Unit.CENTS, drawn=False),
)


def _cells(money: ForecastMoney) -> tuple[int, ...]:
    return money.charges, money.gross, money.vat, money.net


def _by_day(found: dict[ComingCharge, ForecastMoney]) -> NumbersTable:
    days: dict[date, ForecastMoney] = {}
    for alike, money in found.items():
        days[alike.on] = days.get(alike.on, ForecastMoney()) + money
    return NumbersTable(
        "forecast-by-day",
        "Charges to come by day",
        CHARGES,
        (Column("Day", Unit.DAY), *_MONEY),
        tuple((day, *_cells(money)) for day, money in sorted(days.items())),
        Chart.BARS,
    )


def _by_plan(found: dict[ComingCharge, ForecastMoney], names: Mapping[str, str]) -> NumbersTable:
    plans: dict[tuple[str, int], ForecastMoney] = {}
    for alike, money in found.items():
        key = alike.plan_id, alike.amount.amount
        plans[key] = plans.get(key, ForecastMoney()) + money
    return NumbersTable(
        "forecast-by-plan",
        "Charges to come by plan and price",
        f"The plan and the price, incl. VAT, that each charge pays. {CHARGES}",
        (Column("Plan", Unit.TEXT), Column("Price incl. VAT", Unit.CENTS, drawn=False, names=True), *_MONEY),
        tuple((*key, *_cells(money)) for key, money in sorted(plans.items())),
        Chart.BARS,
        names,
    )


def _deferred(through: date, now: int, ends: Sequence[date], left: Sequence[int]) -> NumbersTable:
    rows: list[tuple[Cell, ...]] = [(through, None, now)]
    before = now
    for end, still in zip(ends, left, strict=True):
        rows.append((end, before - still, still))
        before = still
    return NumbersTable(
        "forecast-deferred",
        "Deferred revenue by month",
        "What is paid now, without VAT: how much of it the days up to each month’s end earn, and how much is still deferred then. The first row"
        " is the ledger’s balance. Charges to come aren’t in it, nor refunds.",
        (
            Column("At the end of", Unit.DAY),
            Column("Earned since the row above", Unit.CENTS, drawn=False),
            Column("Still deferred", Unit.CENTS),
        ),
        tuple(rows),
        Chart.BARS,
    )
