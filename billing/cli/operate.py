"""Commands for operators: prices, the doctor, our books against Stripe's."""

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.progress import progress
from billing.cli.words import settings

if TYPE_CHECKING:
    from billing.reconcile.reconcile import Report


@billing.command(name="log-name")
@click.argument("address")
def log_name(address: str) -> None:
    """The name by which the log knows ADDRESS, a mail address or a network address: to follow one person or machine through it."""
    from billing.app import build
    from billing.platform import logs

    build(settings())
    click.echo(logs.name_of(address) if "@" in address else logs.network_of(address))


@billing.group()
def plans() -> None:
    """What can be subscribed to, and what it opens besides reading."""


@plans.command(name="list")
def plans_list() -> None:
    """Every plan with its features."""
    from billing.app import build
    from billing.subscriptions.find import plans

    with build(settings()).database.transaction() as session:
        for plan in plans(session):
            click.echo(f"{plan.id}  {plan.name}: {', '.join(['read', *plan.features])}")


@plans.command(name="open")
@click.option("--plan", default="monthly", show_default=True, help="Which plan.")
@click.argument("features", nargs=-1)
def plans_open(plan: str, features: tuple[str, ...]) -> None:
    """Let a plan open these FEATURES besides reading, and no others: listen, comment, newsletter:ID. From now on, for all who have it."""
    from billing.app import build
    from billing.subscriptions.features import open_features

    with build(settings()).database.transaction() as session:
        changed = open_features(session, plan, features)
    click.echo(f"{changed.id} opens {', '.join(['read', *changed.features])}.")


@billing.group()
def prices() -> None:
    """What readers pay. A subscription keeps the price its reader agreed to, until a notice of another has arrived in time."""


@prices.command(name="list")
def prices_list() -> None:
    """Every price, by plan and first day."""
    from billing.app import build
    from billing.rules.money import Money
    from billing.subscriptions.find import prices

    with build(settings()).database.transaction() as session:
        for price in prices(session):
            amount = Money(price.amount, price.currency).with_vat_words()
            click.echo(f"{price.plan_id}  from {price.valid_from:%d %B %Y}  {amount}")


@prices.command(name="change")
@click.option("--plan", default="monthly", show_default=True, help="Whose price it is.")
@click.option(
    "--cents", type=click.IntRange(1, 99_999_999), required=True, help="Cents a period, VAT included."
)
@click.option(
    "--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, 2027-07-01."
)
def prices_change(plan: str, cents: int, first_day: datetime) -> None:
    """Charge everybody another price: new readers from a day on, the others from a period at least 30 days after a notice.

    A notice that can't be delivered keeps the old price, and puts the reader on a list for staff."""
    from billing.app import build
    from billing.changes.announce_price import plan_change
    from billing.platform.actors import Command

    parts = build(settings())
    with parts.database.transaction() as session:
        plan_change(
            session,
            plan,
            cents,
            first_day.date(),
            today=parts.office.today(parts.clock.now()),
            at=parts.clock.now(),
            by=Command(),
        )
    click.echo(
        f"{plan}: {cents} cents for who starts on {first_day:%d %B %Y} or later; who subscribes already is told by mail,"
        " and pays it from the first period that begins at least 30 days after."
    )


@prices.command(name="add")
@click.option("--plan", default="monthly", show_default=True, help="Whose price it is.")
@click.option(
    "--cents", type=click.IntRange(1, 99_999_999), required=True, help="Cents a period, VAT included."
)
@click.option(
    "--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, 2027-07-01."
)
def prices_add(plan: str, cents: int, first_day: datetime) -> None:
    """Charge new readers another price from a day on, today or later."""
    from billing.app import build
    from billing.subscriptions.price import add

    parts = build(settings())
    with parts.database.transaction() as session:
        price = add(
            session,
            plan,
            cents,
            first_day.date(),
            today=parts.office.today(parts.clock.now()),
            at=parts.clock.now(),
        )
    click.echo(
        f"{price.plan_id}: {price.amount} cents for who starts on {price.valid_from:%d %B %Y} or later."
    )


@billing.command()
def doctor() -> None:
    """Ask every promise of the whole database; a line each, with how many break it and which. Exit status 1 when one is broken, or can't be asked."""
    from billing.app import build
    from billing.reports.doctor import examine

    parts = build(settings())
    with progress() as say:
        findings = examine(
            parts.database, parts.office, parts.clock.now(), lambda promise: say(f"  asking {promise.name}")
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
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="One civil day, 2027-03-16; else all that is due."
)
def reconcile(day: datetime | None) -> None:
    """Our books against Stripe's, to the end of yesterday. Exit status 1 when they differ and nobody has explained it."""
    from billing.app import build
    from billing.reconcile import schedule
    from billing.reconcile.reconcile import reconcile as compare

    parts = build(settings())
    at = parts.clock.now()
    yesterday = parts.office.today(at) - timedelta(days=1)
    if day is not None and day.date() > yesterday:
        raise click.ClickException("That day isn't over yet; its books aren't closed.")
    with parts.database.transaction() as session:
        since = schedule.since_when(session, parts.office.zone) or yesterday
    first, last = (day.date(),) * 2 if day is not None else (min(since, yesterday), yesterday)
    with progress() as say:
        report = compare(parts.clerk, first, last, at, lambda doing: say(f"  {doing}"))
    if day is None:
        schedule.keep(parts.clerk, report, at)
    _show(report)
    sys.exit(1 if report.unexplained else 0)


def _show(report: "Report") -> None:
    days = f"{report.since}" if report.since == report.through else f"{report.since} to {report.through}"
    click.echo(f"{days}: {report.movements} movements at Stripe")
    if report.caught_up:
        click.echo(f"{report.caught_up} written down now: their news had been lost")
    for one in report.differences:
        click.echo(f"{one.kind}: {one.what}")
    explained = len(report.differences) - report.unexplained
    click.echo(f"{len(report.differences)} differences, {explained} of them explained")
