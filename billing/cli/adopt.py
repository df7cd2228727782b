"""The command that says: this restored or copied database is the one that counts."""

from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import in_words

if TYPE_CHECKING:
    from sqlmodel import Session

    from billing.container import Services

_FACTS = (
    ("last payment", "SELECT max(paid_at) FROM payment"),
    ("last mail accepted", "SELECT max(accepted_at) FROM message"),
    ("charges of unknown outcome", "SELECT count(*) FROM attempt WHERE state = 'open'"),
    ("refunds to be sent", "SELECT count(*) FROM refund WHERE state = 'intended'"),
    ("mails waiting", "SELECT count(*) FROM message WHERE state = 'queued'"),
)


@billing.command()
@click.option("--yes", is_flag=True, help="Don't ask.")
def adopt(yes: bool) -> None:
    """Say that this restored or copied database is the one that counts.

    Until then it charges no card and sends no mail but links to sign in with. Stop whatever works on the other one first: two that
    count would charge twice. Then the acquirer is asked for all that happened since the last moment that this database knows, and
    what it says is taken in: charges, refunds, cards. Until that is done money is held; the worker tries again when it
    fails, and asks once more after some minutes, as the acquirer may list the last of it late. A charge that nothing here explains goes back. What only readers know is lost: a cancellation since the backup that
    moved no money must be entered again."""
    from billing.platform import installation
    from billing.platform.actors import Command
    from billing.staff import audit

    services = opened()
    with services.database.transaction() as session:
        for line in _as_it_stands(services, session):
            click.echo(line)
    if not yes:
        click.confirm("Shall this database charge cards and send mail from now on?", abort=True)
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        adopted = installation.adopt(ctx.session, at)
        if adopted:
            audit.write(ctx, "adopt_database")
    click.echo("It is the one that counts now." if adopted else "It was the one that counts already.")
    _ask_acquirers(services)


def _ask_acquirers(services: "Services") -> None:
    """Show what had happened. Exits with 1, in one line, when the acquirer can't be asked: then the worker does."""
    from billing.platform.errors import Unavailable
    from billing.reconcile.recover import AskedElsewhere, recover

    with progress() as say:
        try:
            found = recover(services.reconcile_context, services.clock.now(), lambda step: say(f"  {step}"))
        except AskedElsewhere as elsewhere:
            raise click.ClickException(
                f"{elsewhere.detail} Money is held until it is done; its log says what it finds."
            ) from None
        except Unavailable as away:
            raise click.ClickException(
                f"The acquirer can't be asked what happened ({away.detail}). Money is held until it was; the worker tries again,"
                " and so does `billing adopt`."
            ) from None
    if found is not None:
        click.echo(
            f"The acquirer was asked what happened since {in_words(found.since, services.settings.zone)}:"
        )
        for line in found.lines():
            click.echo(f"  {line}")
        if found.again_at is not None:
            until = in_words(found.again_at, services.settings.zone)
            click.echo(
                f"The acquirer may list the last of it late. Money is held until {until}; then the worker asks once more."
            )


def _as_it_stands(services: "Services", session: "Session") -> list[str]:
    import sqlalchemy as sa

    lines = [f"environment {services.settings.environment}, installation {services.settings.installation}"]
    for name, query in _FACTS:
        found = session.execute(sa.text(query)).scalar_one()
        words = in_words(found, services.settings.zone) if hasattr(found, "astimezone") else found
        lines.append(f"{name}: {'none' if words is None else words}")
    return lines
