"""Commands for the bookkeeper."""

from datetime import date, datetime
from pathlib import Path

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import DAY


@billing.command(name="export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "first", type=DAY, help="First day, such as 2027-03-01; without it, of last month.")
@click.option("--to", "last", type=DAY, help="Last day; without it, the last of the month of --from.")
@click.option(
    "--journal-by",
    type=click.Choice(["day", "month"]),
    default="day",
    show_default=True,
    help="What an entry of the condensed journal sums up.",
)
def export(folder: Path, first: datetime | None, last: datetime | None, journal_by: str) -> None:
    """Write the books of a period into DIR as CSV: journal (whole, condensed, for Xero, for Sage), VAT, tax invoices, credit
    notes, payouts, refunds, failed payments, summary."""
    from billing.platform.actors import Command
    from billing.reports import books, exports
    from billing.reports.condensed import JournalUnit
    from billing.reports.journal_files import JournalSettings
    from billing.rules.periods import add_months, last_of_month

    services = opened()
    at = services.clock.now()
    begin: date = first.date() if first else add_months(services.site.today(at).replace(day=1), -1)
    end = last.date() if last else last_of_month(begin.year, begin.month)
    source = services.reports_source()
    try:
        with progress() as say, source.database.begin(services.site, at, Command()) as ctx:
            written = exports.write(
                ctx,
                folder,
                begin,
                end,
                JournalSettings.of(services.settings),
                JournalUnit(journal_by),
                lambda name: say(f"  writing {name}"),
            )
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise click.ClickException(
            f"{folder} can't be written to ({reason}). Choose another folder."
        ) from None
    for path in written:
        click.echo(path)
    if source.words:
        click.echo(source.words)
    with source.database.transaction() as session:
        for series in books.series(session, begin, end):
            click.echo(f"{series.count} {series.name}, {series.missing} numbers missing")
