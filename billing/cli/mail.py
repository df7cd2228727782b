"""Commands that show how mail arrives: one newsletter to yourself, and what became of it on its way."""

import sys
from typing import IO

import click

from billing.cli import billing
from billing.cli.installation import opened

MOST_BYTES = 30_000_000
"""Of a message; no mailbox takes a larger one."""
MARKS = {True: "yes", False: "NO", None: "-"}


@billing.group()
def mail() -> None:
    """How newsletters arrive: send one to yourself, and check it as it was delivered."""


@mail.command(name="test")
@click.argument("address")
@click.option("--newsletter", "newsletter_id", help="Whose headers it has; else those of the first.")
def mail_test(address: str, newsletter_id: str | None) -> None:
    """Send one mail in a newsletter's exact form to ADDRESS, a mailbox of your own, through the configured relay."""
    from billing.mail.smtp import Accepted
    from billing.newsletters.lists import newsletter, newsletters
    from billing.newsletters.sample_mail import send_sample
    from billing.readers.register import clean_address

    services = opened()
    with services.database.transaction() as session:
        lists = [newsletter(session, newsletter_id)] if newsletter_id else newsletters(session)
    if not lists:
        raise click.ClickException("There is no newsletter yet. Begin one with `billing newsletters add`.")
    to = clean_address(address)
    outcome = send_sample(services.newsletter_sender, lists[0], to, services.clock.now())
    services.newsletter_sender.relay.close()
    if not isinstance(outcome, Accepted):
        raise click.ClickException(f"The mail server didn't take it: {outcome}"[:300])
    click.echo(
        f"A test of {lists[0].name} is on its way to {to}. Save it from the mailbox as raw source: `billing mail check FILE`"
    )


@mail.command(name="check")
@click.argument("file", type=click.File("rb"))
def mail_check(file: IO[bytes]) -> None:
    """Read a newsletter as it was delivered from FILE (- is stdin), its raw source: is it signed, and all that matters with it?

    A line each; exit status 1 when something doesn't hold. Needs neither settings nor the database."""
    from billing.mail.dkim_check import check

    found = check(file.read(MOST_BYTES))
    for finding in found:
        click.echo(f"{MARKS[finding.holds]:>4}  {finding.words}")
    sys.exit(1 if any(finding.holds is False for finding in found) else 0)
