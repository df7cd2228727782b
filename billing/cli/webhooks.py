"""Commands about events from acquirers."""

import sys

import click

from billing.cli import billing
from billing.cli.installation import opened, transaction


@billing.group()
def webhooks() -> None:
    """What acquirers told us: every event is kept, and settled from what its acquirer says when it is settled."""


@webhooks.command(name="list")
@click.option("--poisoned", is_flag=True, help="Only those that broke us so often that they were set aside.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
def webhooks_list(poisoned: bool, limit: int) -> None:
    """Events, the latest first: when each came, its id, its type, and what became of it."""
    from billing.webhooks.inbox import became, latest, set_aside

    with transaction() as ctx:
        rows = set_aside(ctx.session, limit=limit) if poisoned else latest(ctx.session, limit=limit)
    for row in rows:
        came = row.received_at.astimezone(ctx.zone)
        click.echo(f"{came:%Y-%m-%d %H:%M:%S}  {row.event_ref}  {row.event_type}  {became(row)}")
    if not rows:
        click.echo("No event is set aside." if poisoned else "No event has come.")


@webhooks.command(name="replay")
@click.argument("event_id", metavar="ID")
def webhooks_replay(event_id: str) -> None:
    """Settle the event ID once more, now. Safe for any event: what is settled already stays as it is."""
    from billing.platform.actors import Command
    from billing.staff import audit
    from billing.webhooks.inbox import became, by_id, replay
    from billing.webhooks.settle import settle_due

    services = opened()
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        event = by_id(ctx.session, event_id)
        before = {"state": became(event)}
        replay(event, at)
        audit.write(ctx, "replay_event", subject=event.event_ref, before=before)
    settle_due(services.webhook_context, at, only=event.id)
    with services.database.transaction() as session:
        after = by_id(session, event.id)
    click.echo(f"{after.event_ref}  {after.event_type}  {became(after)}")
    sys.exit(0 if after.settled_at else 1)
