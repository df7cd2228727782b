"""The command that does one billing run."""

import sys
from collections.abc import Mapping
from datetime import datetime

import click

from billing.cli import billing
from billing.cli.words import Instant, in_zone, settings

OUTCOMES = {"charged": "charged", "refused": "declined", "unknown": "unknown"}
"""The operator's word, and the report's."""
OTHERS = ("refunded", "notified", "extended", "ended")


@billing.command(name="run")
@click.option("--as-of", type=Instant(), help="Bill as if it were then; not after now.")
def run_once(as_of: datetime | None) -> None:
    """One billing run now: notices, charges, retries, ends. Prints what was due and what became of it."""
    from billing.acquirer import breaker
    from billing.app import build
    from billing.billing_run.run import run
    from billing.billing_run.skip_reason import Skip
    from billing.payments import charge
    from billing.platform.time_limits import Work

    services = build(settings(), work=Work.RUN)
    now = services.clock.now()
    at = in_zone(as_of, services.settings.zone) if as_of else now
    if at > now:
        raise click.ClickException("--as-of lies in the future; nothing may be charged before its time.")
    report = run(services.run_context, at)
    with services.database.transaction() as session:
        pause, waiting = breaker.paused(session), charge.waiting(session)
    counts = dict(report.counts)
    if pause is not None:  # counts attempts of earlier runs too, which this run left alone
        counts[Skip.HELD] = max(counts.get(Skip.HELD, 0), waiting - counts.get("unknown", 0))
    for line in lines(counts):
        click.echo(line)
    if pause is not None:
        zone = services.settings.zone
        click.echo(
            f"Charging is paused since {pause.since.astimezone(zone):%Y-%m-%d %H:%M} because the acquirer makes no charge"
            f" ({pause.reason}). {waiting} wait; the worker asks the acquirer at {pause.probe_at.astimezone(zone):%H:%M}.",
            err=True,
        )
    for subscription_id, reason in sorted(report.stuck.items()):
        click.echo(f"{subscription_id} is stuck: {reason}", err=True)
    sys.exit(1 if report.stuck else 0)


def lines(counts: Mapping[str, int]) -> list[str]:
    """A report for people: what was due, what became of it, what was skipped and why, and what else was done."""
    from billing.billing_run.skip_reason import BEFORE_THE_INTENT, Skip

    skipped = {skip: counts[skip] for skip in Skip if counts.get(skip)}
    due = counts.get("due", 0) + sum(skipped.get(skip, 0) for skip in BEFORE_THE_INTENT)
    report = [_line("due", due), *(_line(name, counts.get(word, 0)) for name, word in OUTCOMES.items())]
    report += [_line("skipped", sum(skipped.values()))]
    report += [f"{'':>10} {count}: {skip.__doc__}" for skip, count in skipped.items()]
    return report + [_line(word, counts.get(word, 0)) for word in OTHERS]


def _line(name: str, count: int) -> str:
    return f"{name:>10} {count}"
