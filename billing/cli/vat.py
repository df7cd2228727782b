"""Commands for the rates of VAT. An invoice keeps the rate of the day on which it was drawn up."""

from datetime import datetime

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import DAY, REASON
from billing.rules.tax import NotAPercentage, basis_points_in


class PercentParam(click.ParamType[int]):
    """A share such as 15 or 15.5, as basis points."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Raises a usage error for anything else."""
        try:
            return basis_points_in(str(value))
        except NotAPercentage as error:
            self.fail(f"{error}", param, ctx)


_FROM = click.option("--from", "first_day", type=DAY, required=True, help="Its first day, 2027-04-01.")


@billing.group()
def vat() -> None:
    """The rates of VAT and the days on which they begin. Prices include VAT: another rate changes its part of a price, not what readers pay."""


@vat.command(name="list")
def vat_list() -> None:
    """Every rate, the oldest first, with the one that holds today."""
    from billing.payments import vat_rates
    from billing.rules import tax

    with transaction() as ctx:
        rates = vat_rates.rates(ctx.session)
        today = tax.rate_on(ctx.today, rates)
        for rate in rates:
            note = "  (today's)" if rate == today else "" if tax.has_begun(rate, ctx.today) else "  (to come)"
            click.echo(f"from {rate.from_on:%d %B %Y}  {rate.percent}%{note}")


@vat.command(name="add")
@click.option("--percent", "basis_points", type=PercentParam(), required=True, help="The rate, 15 or 15.5.")
@_FROM
@REASON
def vat_add(basis_points: int, first_day: datetime, reason: str) -> None:
    """Charge another rate from a day on, tomorrow or later. Charges and tax invoices of earlier days keep theirs, and so do their refunds.

    Prices include VAT and stay as they are: readers pay the same, and you keep more or less of it. `billing prices` changes prices."""
    from billing.rules.tax import VatRate
    from billing.staff.vat import add_rate

    rate = VatRate(basis_points, first_day.date())
    with transaction() as ctx:
        add_rate(ctx, rate, reason=reason)
    click.echo(f"{rate.percent}% VAT from {rate.from_on:%d %B %Y} on. Readers pay what they did.")


@vat.command(name="withdraw")
@_FROM
@REASON
def vat_withdraw(first_day: datetime, reason: str) -> None:
    """Take back a rate that hasn't begun. The rate before it goes on."""
    from billing.staff.vat import withdraw_rate

    with transaction() as ctx:
        rate = withdraw_rate(ctx, first_day.date(), reason=reason)
    click.echo(f"VAT is {rate.percent}% on {first_day:%d %B %Y}.")
