"""Commands for what is sold: plans and their prices."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import DAY
from billing.rules import periods, trial
from billing.rules.money import HIGHEST_PRICE

if TYPE_CHECKING:
    from billing.platform.context import TransactionContext


_PLAN = click.option("--plan", required=False, help="Whose price it is; the first on offer.")
_CENTS = click.option(
    "--cents",
    type=click.IntRange(1, HIGHEST_PRICE),
    required=True,
    help="Cents a period, VAT included.",
)
_TRIAL_DAYS = click.IntRange(trial.SHORTEST, trial.LONGEST)
_REASON = click.option(
    "--reason", default="by a command", show_default=True, help="Why, in words; it is kept in the audit."
)
_FROM = click.option("--from", "first_day", type=DAY, required=True, help="First day, 2027-07-01.")


def _named(ctx: "TransactionContext", plan: str | None) -> str:
    """The plan that was named, or the first that everyone is offered."""
    from billing.subscriptions.find import plan_on_offer

    return plan or plan_on_offer(ctx.session, ctx.today)[0].id


@billing.group()
def plans() -> None:
    """What can be subscribed to, whom it is offered to, and what it opens besides reading."""


@plans.command(name="list")
def plans_list() -> None:
    """Every plan with whom it is offered to, its period and its features, in the order of the pages."""
    from billing.subscriptions.find import plans

    with transaction() as ctx:
        for plan in plans(ctx.session):
            months = "1 month" if plan.months == 1 else f"{plan.months} months"
            after = f", then {plan.then_plan_id}" if plan.then_plan_id else ""
            opens = ", ".join(["read", *plan.features])
            click.echo(f"{plan.id}  {plan.name}, {months} (a {plan.period_label}){after}: {opens}")
            click.echo(
                f"    offered to {plan.offered_to}, {plan.trial_days} days free first, place {plan.position}"
            )


@plans.command(name="add")
@click.argument("plan")
@click.option("--name", required=True, help="What invoices call it, such as Full access.")
@click.option(
    "--months",
    type=click.IntRange(1, periods.MOST_MONTHS),
    required=True,
    help="How many months are paid at once.",
)
@click.option(
    "--period", "period_label", required=True, help="What so many months are called: month, quarter, year."
)
@click.option("--trial-days", type=_TRIAL_DAYS, default=14, show_default=True, help="Free days.")
@click.option(
    "--then",
    "then_plan_id",
    help="What a year goes on as when it is over, a plan paid each month. Without: as it is.",
)
@click.option(
    "--opens", multiple=True, help="A feature besides reading, again for each: listen, newsletter:ID."
)
@_REASON
def plans_add(plan: str, opens: tuple[str, ...], reason: str, **columns: Any) -> None:
    """Add PLAN, which is offered to nobody yet: give it a price with `billing prices add`, then `billing plans offer` it."""
    from billing.staff.plans import add_plan
    from billing.subscriptions.models import Plan

    with transaction() as ctx:
        add_plan(ctx, Plan(id=plan, features=list(opens), **columns), reason=reason)
    click.echo(f"{plan} is a plan now, and offered to nobody.")


@plans.command(name="offer")
@click.argument("plan")
@click.option(
    "--to", type=click.Choice(["everyone", "staff"]), default="everyone", show_default=True, help="Whom."
)
@click.option("--place", type=click.IntRange(0, 1000), help="Its place on the pages; the lowest comes first.")
@_REASON
def plans_offer(plan: str, to: str, place: int | None, reason: str) -> None:
    """Offer PLAN on the pages to everyone; or to staff alone, who start it for a reader with an API key."""
    from billing.staff.plans import offer_plan
    from billing.subscriptions.models import OfferedTo

    with transaction() as ctx:
        offer_plan(ctx, plan, OfferedTo(to), place, reason=reason)
    click.echo(f"{plan} is offered to {to} from now on.")


@plans.command(name="retire")
@click.argument("plan")
@_REASON
def plans_retire(plan: str, reason: str) -> None:
    """Offer PLAN to nobody any more. Who has it keeps it, and is charged as before."""
    from billing.staff.plans import offer_plan
    from billing.subscriptions.models import OfferedTo
    from billing.subscriptions.plans import live_holders

    with transaction() as ctx:
        offer_plan(ctx, plan, OfferedTo.NOBODY, reason=reason)
        holders = live_holders(ctx.session).get(plan, 0)
    click.echo(f"{plan} is offered to nobody any more; subscriptions that go on with it: {holders}.")


@plans.command(name="trial")
@click.argument("plan")
@click.argument("days", type=_TRIAL_DAYS)
@_REASON
def plans_trial(plan: str, days: int, reason: str) -> None:
    """Give who starts PLAN from now on so many DAYS free. A trial that runs keeps the days that its reader agreed to.

    Fewer than 7 leave no time for the notices that must come before the first charge: such a trial lasts eight days."""
    from billing.staff.plans import set_trial

    with transaction() as ctx:
        set_trial(ctx, plan, days, reason=reason)
    click.echo(f"{plan}: {days} days free for who starts from now on.")


@plans.command(name="open")
@click.option("--plan", required=False, help="Which plan; the first on offer.")
@click.argument("features", nargs=-1)
@_REASON
def plans_open(plan: str | None, features: tuple[str, ...], reason: str) -> None:
    """Let a plan open these FEATURES besides reading, and no others: listen, comment, newsletter:ID. From now on, for all who have it."""
    from billing.staff.plans import open_features

    with transaction() as ctx:
        plan_id = _named(ctx, plan)
        opened = open_features(ctx, plan_id, features, reason=reason)
    click.echo(f"{plan_id} opens {', '.join(['read', *opened])}.")


@billing.group()
def prices() -> None:
    """What readers pay. A subscription keeps the price its reader agreed to, until a notice of another has arrived in time."""


@prices.command(name="list")
def prices_list() -> None:
    """Every price, by plan and first day."""
    from billing.rules.money import Money
    from billing.subscriptions.find import prices

    with transaction() as ctx:
        for price in prices(ctx.session):
            amount = Money(price.amount, price.currency).with_vat_words()
            click.echo(f"{price.plan_id}  from {price.valid_from:%d %B %Y}  {amount}")


@prices.command(name="change")
@_PLAN
@_CENTS
@_FROM
@_REASON
def prices_change(plan: str | None, cents: int, first_day: datetime, reason: str) -> None:
    """Charge everybody another price: new readers from a day on, the others from a period at least 30 days after a notice.

    A notice that can't be delivered keeps the old price, and puts the reader on a list for staff."""
    from billing.staff.plans import set_price

    with transaction() as ctx:
        plan_id = _named(ctx, plan)
        set_price(ctx, plan_id, cents, first_day.date(), for_everyone=True, reason=reason)
    click.echo(
        f"{plan_id}: {cents} cents for who starts on {first_day:%d %B %Y} or later; who subscribes already is told by mail,"
        " and pays it from the first period that begins at least 30 days after."
    )


@prices.command(name="add")
@_PLAN
@_CENTS
@_FROM
@_REASON
def prices_add(plan: str | None, cents: int, first_day: datetime, reason: str) -> None:
    """Charge new readers another price from a day on, today or later."""
    from billing.staff.plans import set_price

    with transaction() as ctx:
        plan_id = _named(ctx, plan)
        set_price(ctx, plan_id, cents, first_day.date(), for_everyone=False, reason=reason)
    click.echo(f"{plan_id}: {cents} cents for who starts on {first_day:%d %B %Y} or later.")
