"""Commands about events from acquirers, and about the endpoint at which they arrive."""

import sys

import click

from billing.cli import billing
from billing.cli.installation import opened, transaction
from billing.cli.words import parsed_settings
from billing.platform.errors import RefusesToStart


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


@webhooks.command(name="register")
def webhooks_register() -> None:
    """Make the webhook endpoint at the acquirer, with the events that are needed, or bring it up to date. Safe to run again.

    A new endpoint's signing secret is printed once. Needs no database."""
    from billing.acquirer.answers import Unknown
    from billing.app import ACQUIRERS

    read = parsed_settings()
    # its signing secret is what this command is for: it may be missing
    if faults := [
        words for words in read.unsafe() if not words.startswith("BILLING_STRIPE_WEBHOOK_SECRETS ")
    ]:
        raise RefusesToStart("; ".join(faults))
    for connect in ACQUIRERS:
        gateway = connect(read)
        url = read.webhooks_at(gateway.name)
        done = gateway.account.register_webhooks(url)
        if isinstance(done, Unknown):
            raise click.ClickException(f"{gateway.display_name} didn't do it: {done.reason}")
        if done.secret is not None:
            click.echo(f"Made {done.endpoint_ref} for {url}. Its signing secret, shown only now:")
            click.echo(done.secret)
            click.echo("Add it to BILLING_STRIPE_WEBHOOK_SECRETS of every process, and restart them.")
        else:
            state = "Brought up to date" if done.changed else "Up to date already"
            click.echo(f"{state}: {done.endpoint_ref} for {url}. Its signing secret stays as it is.")
