"""The publisher's numbers on a terminal: the same as on staff's page."""

import json
from datetime import datetime

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import DAY


@billing.group(invoke_without_command=True)
@click.option(
    "--from", "first", type=DAY, help="First day, such as 2027-03-01; without it, thirty days up to --to."
)
@click.option("--to", "last", type=DAY, help="Last day; without it, yesterday.")
@click.option("--json", "as_json", is_flag=True, help="Figures and tables for programs.")
@click.pass_context
def numbers(context: click.Context, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """The figures of a period beside those of the period before: MRR, churn, trials, money, disputes, newsletters."""
    if context.invoked_subcommand:
        return
    from billing.reports.numbers import answers, sections
    from billing.reports.numbers.shape import NumbersQuestion, chosen, spelled_value

    services = opened()
    at = services.clock.now()
    period = chosen(first.date() if first else None, last.date() if last else None, services.site.today(at))
    source = services.reports_source()
    with source.database.transaction() as session:
        found = sections.count(NumbersQuestion(session, services.site, period, at))
    if as_json:
        click.echo(json.dumps(answers.all_as_json(found, period), indent=2))
        return
    click.echo(f"{period.first} to {period.last}; before: {period.before.first} to {period.before.last}")
    for section in found:
        click.echo(f"\n{section.title}")
        for figure in section.figures:
            value, before = (
                spelled_value(each, figure.unit) or "–" for each in (figure.value, figure.before)
            )
            click.echo(f"  {figure.title:<24} {value:>16}   before {before:>16}")
    if source.words:
        click.echo(source.words)


@numbers.command(name="keep")
@click.option(
    "--from", "first", type=DAY, required=True, help="First day to compute anew, such as 2027-03-01."
)
@click.option("--to", "last", type=DAY, required=True, help="Last day; only days that are kept are computed.")
def keep(first: datetime, last: datetime) -> None:
    """Compute kept days anew from ledger and history, where the doctor found one wrong."""
    from billing.reports.numbers import days
    from billing.reports.numbers.shape import NumbersPeriod

    services = opened()
    period = NumbersPeriod(first.date(), last.date())
    with progress() as say:
        done = days.keep_again(
            services.database, services.site, period, lambda day: say(f"  computing from {day} on")
        )
    click.echo(f"{done} days were computed anew.")
