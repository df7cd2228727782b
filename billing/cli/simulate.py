"""The command that lives through months in minutes and judges what became of everybody."""

import sys
from pathlib import Path

import click

from billing.cli import billing
from billing.cli.progress import progress
from billing.cli.words import RECORD
from billing.platform.errors import RefusesToStart

FAULTS = ("none", "some", "many")


@billing.command()
@click.option(
    "--readers", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="How many come."
)
@click.option(
    "--months", type=click.IntRange(1, 36), default=3, show_default=True, help="How long they live."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed lives the same life.")
@click.option(
    "--faults", type=click.Choice(FAULTS), default="some", show_default=True, help="How much goes wrong."
)
@click.option(
    "--erased",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="How many of a hundred close their account.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("simulation.html"),
    show_default=True,
    help="Where the report is written.",
)
@RECORD
def simulate(
    readers: int, months: int, seed: int, faults: str, erased: int, report: Path, record: Path | None
) -> None:
    """Live MONTHS months with so many readers on a database of its own, against the sandbox, with faults and crashes.

    The doctor visits every simulated day, the books are compared with the sandbox's, and each charge is judged by a calendar
    written apart. Everything starts by itself and is gone at the end; BILLING_DATABASE_URL may name an empty database instead.
    Exit status 1 when anything is broken."""
    from billing.dev.simulate.report import conclusion, summary, write
    from billing.dev.simulate.run import SimulationOptions
    from billing.dev.simulate.run import simulate as live

    if not report.parent.is_dir():
        raise RefusesToStart(f"There is no folder {report.parent} for the report. Make it, or name another.")
    with progress() as say:
        verdict = live(
            SimulationOptions(readers, months, seed, faults, erased),
            lambda done, days: say(f"  day {done} of {days}"),
            record=record,
        )
    write(verdict, report)
    click.echo(summary(verdict))
    click.echo(f"The report is in {report.absolute()}")
    click.echo(conclusion(verdict), err=bool(verdict.broken))
    sys.exit(1 if verdict.broken else 0)
