"""The command that says: this restored or copied database is the one that counts."""

from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.words import in_words, settings

if TYPE_CHECKING:
    from sqlmodel import Session

    from billing.parts import Parts

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

    Until then it charges nobody and sends no mail. Stop whatever works on the other one first: two that count would charge
    twice. What was charged after the backup was taken is unknown here; compare with Stripe before you go on."""
    from billing import installation
    from billing.app import build
    from billing.staff import audit

    parts = build(settings())
    with parts.database.transaction() as session:
        for line in _as_it_stands(parts, session):
            click.echo(line)
    if not yes:
        click.confirm("Shall this database charge cards and send mail from now on?", abort=True)
    with parts.database.transaction() as session:
        adopted = installation.adopt(session)
        if adopted:
            audit.write(session, audit.Actor(audit.COMMAND), "adopt_database", at=parts.clock.now())
    click.echo("It is the one that counts now." if adopted else "It was the one that counts already.")


def _as_it_stands(parts: "Parts", session: "Session") -> list[str]:
    import sqlalchemy as sa

    lines = [f"environment {parts.settings.environment}, installation {parts.settings.installation}"]
    for name, query in _FACTS:
        found = session.execute(sa.text(query)).scalar_one()
        words = in_words(found, parts.settings) if hasattr(found, "astimezone") else found
        lines.append(f"{name}: {'none' if words is None else words}")
    return lines
