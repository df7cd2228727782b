"""Commands for operators: a billing run, keys, prices."""

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.words import Instant, in_zone, settings

if TYPE_CHECKING:
    from billing.reports.reconcile import Report


@billing.command(name="run")
@click.option("--as-of", type=Instant(), help="Bill as if it were then; not after now.")
def run_once(as_of: datetime | None) -> None:
    """One billing run now: notices, charges, retries, ends."""
    from billing.app import build
    from billing.payments import breaker, charge
    from billing.renewals.run import run

    parts = build(settings())
    now = parts.clock.now()
    at = in_zone(as_of, parts.settings) if as_of else now
    if at > now:
        raise click.ClickException("--as-of lies in the future; nothing may be charged before its time.")
    report = run(parts.till, at)
    words = (
        "notified",
        "due",
        "charged",
        "declined",
        "refunded",
        "unknown",
        "extended",
        "skipped",
        "ended",
        "withdrawn",
        "held",
    )
    for word in words:
        click.echo(f"{word:>10} {report.counts[word]}")
    with parts.database.transaction() as session:
        pause, waiting = breaker.paused(session), charge.waiting(session)
    if pause is not None:
        zone = parts.settings.zone
        click.echo(
            f"Charging is paused since {pause.since.astimezone(zone):%Y-%m-%d %H:%M} because Stripe doesn't answer"
            f" ({pause.why}). {waiting} wait; the worker asks Stripe at {pause.probe_at.astimezone(zone):%H:%M}.",
            err=True,
        )
    for subscription_id, why in sorted(report.stuck.items()):
        click.echo(f"{subscription_id} is stuck: {why}", err=True)
    sys.exit(1 if report.stuck else 0)


@billing.group()
def keys() -> None:
    """API keys for machine calls."""


@keys.command(name="create")
@click.option("--name", required=True, help="Who will use it; stands in the history of what it did.")
@click.option("--scopes", required=True, help="Comma separated: access, articles, readers, money.")
def keys_create(name: str, scopes: str) -> None:
    """Make a key and print it, once."""
    from billing.app import build
    from billing.web.keys import create

    parts = build(settings())
    with parts.database.transaction() as session:
        secret = create(
            session,
            parts.office.tokens,
            name,
            [part.strip() for part in scopes.split(",")],
            parts.clock.now(),
        )
    click.echo(secret)


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
    from billing.renewals.announce_price import plan_change

    parts = build(settings())
    with parts.database.transaction() as session:
        plan_change(
            session,
            plan,
            cents,
            first_day.date(),
            today=parts.office.today(parts.clock.now()),
            at=parts.clock.now(),
            by="command",
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
    """Ask every promise of the whole database; a line each, with what breaks it. Exit status 1 when one is broken."""
    from billing.app import build
    from billing.reports.doctor import examine

    parts = build(settings())
    findings = examine(parts.database, parts.office, parts.clock.now())
    for finding in findings:
        mark = f"{finding.count} broken" if finding.count else "kept"
        click.echo(f"{mark:>10}  {finding.promise.name}: {finding.promise.words}")
        for broken, at_fault in finding.examples[:10]:
            click.echo(f"            {broken}: {at_fault}")
    sys.exit(1 if any(finding.count for finding in findings) else 0)


@billing.command()
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="One civil day, 2027-03-16; else all that is due."
)
def reconcile(day: datetime | None) -> None:
    """Our books against Stripe's, to the end of yesterday. Exit status 1 when they differ and nobody has explained it."""
    from billing.app import build
    from billing.reports import reckonings
    from billing.reports.reconcile import reconcile as compare

    parts = build(settings())
    at = parts.clock.now()
    yesterday = parts.office.today(at) - timedelta(days=1)
    if day is not None and day.date() > yesterday:
        raise click.ClickException("That day isn't over yet; its books aren't closed.")
    with parts.database.transaction() as session:
        since = reckonings.since_when(session, parts.office.zone) or yesterday
    first, last = (day.date(),) * 2 if day is not None else (min(since, yesterday), yesterday)
    report = compare(parts.clerk, first, last, at)
    if day is None:
        reckonings.keep(parts.clerk, report, at)
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
