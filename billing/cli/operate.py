"""Commands for operators: the doctor, our books against acquirers'."""

import sys
from datetime import datetime, timedelta

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import DAY


@billing.command(name="log-name")
@click.argument("address")
def log_name(address: str) -> None:
    """The name by which the log knows ADDRESS, a mail address or a network address: to follow one person or machine through it."""
    from billing.platform import logs

    opened()  # names in the log are made with its key
    click.echo(logs.name_of(address) if "@" in address else logs.network_of(address))


@billing.command()
def doctor() -> None:
    """Ask every promise of the whole database; a line each, with how many break it and which. Exit status 1 when one is broken, or can't be asked."""
    from billing.reports.doctor import examine

    services = opened()
    with progress() as say:
        findings = examine(
            services.database,
            services.site,
            services.clock.now(),
            lambda promise: say(f"  asking {promise.name}"),
        )
    for finding in findings:
        mark = "unasked" if finding.unasked else "broken" if finding.count else "kept"
        click.echo(f"{finding.count:>6} {mark:<7} {finding.promise.name}: {finding.promise.words}")
        for broken, at_fault in finding.examples[:10]:
            click.echo(f"{'':15}{broken}: {at_fault}")
        if finding.unasked:
            click.echo(f"{'':15}{finding.unasked}")
    sys.exit(1 if any(finding.count or finding.unasked for finding in findings) else 0)


@billing.command()
@click.option("--day", type=DAY, help="One civil day, 2027-03-16; else all that is due.")
def reconcile(day: datetime | None) -> None:
    """Our books against the acquirer's, to the end of yesterday. Exit status 1 when they differ and nobody has explained it.

    Compares nothing while money is held, as after a restore: what the database lacks then is no difference yet."""
    from billing.platform.actors import Command
    from billing.platform.claims import only_one
    from billing.platform.installation import refuse_held
    from billing.reconcile import schedule
    from billing.reconcile.reconcile import reconcile as compare

    services = opened()
    at = services.clock.now()
    yesterday = services.site.today(at) - timedelta(days=1)
    if day is not None and day.date() > yesterday:
        raise click.ClickException("That day isn't over yet; its books aren't closed.")
    with services.database.begin(services.site, at, Command()) as ctx:
        refuse_held(ctx.session)
        since = schedule.since_when(ctx) or yesterday
    first, last = (day.date(),) * 2 if day is not None else (min(since, yesterday), yesterday)
    with only_one(services.database, schedule.COMPARING) as free, progress() as say:
        if not free:
            raise click.ClickException("The worker compares the books now. Try again when it has ended.")
        report = compare(services.reconcile_context, first, last, at, lambda doing: say(f"  {doing}"))
        if day is None:
            schedule.keep(services.reconcile_context, report, at)
    days = f"{report.since}" if report.since == report.through else f"{report.since} to {report.through}"
    click.echo(f"{days}: {report.movements} movements at the acquirer")
    if report.caught_up:
        click.echo(f"{report.caught_up} written down now: their news had been lost")
    for difference in report.differences:
        click.echo(f"{difference.kind}: {difference.what}")
    explained = len(report.differences) - report.unexplained
    click.echo(f"{len(report.differences)} differences, {explained} of them explained")
    sys.exit(1 if report.unexplained else 0)
