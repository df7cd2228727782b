"""The command after a change of the secret key."""

from typing import TYPE_CHECKING

import click

from billing.cli.keys import keys
from billing.cli.words import in_words, settings

if TYPE_CHECKING:
    from billing.platform.settings import Settings


@keys.command(name="rotate-secret")
@click.option(
    "--key-is-lost",
    is_flag=True,
    help="The key of before is lost for good: give the database another list key. What it had hashed is not recognised any more.",
)
def keys_rotate_secret(key_is_lost: bool) -> None:
    """After BILLING_SECRET_KEY was changed, with the old one in BILLING_PREVIOUS_SECRET_KEYS: seal again what can be, and say what still
    needs the old one, and until when. Safe to run again."""
    from billing.app import build
    from billing.staff.rotate_secret import rotate_secret

    read = settings()
    if key_is_lost:
        _replace_lost(read)
    services = build(read)
    done = rotate_secret(services.database, services.site, services.clock.now())
    already = " already" if done.was_done else ""
    click.echo(
        f"The key of the lists is sealed under the present secret key{already}: no opt-out, block, claim or API key changed."
    )
    click.echo(f"Authenticators sealed: {done.sealed}.")
    if done.lost:
        click.echo(f"Authenticators that no key opens: {done.lost}. Say `billing staff reset` for each.")
    if done.claimed:
        click.echo(f"Trials claimed again, of readers whose address is known: {done.claimed}.")
    for need in done.needed:
        click.echo(
            f"Needs the previous key, until {in_words(need.until, read.zone)}: {need.count} {need.what}."
        )
    if done.until is None:
        click.echo("Nothing needs a previous key: BILLING_PREVIOUS_SECRET_KEYS can be emptied.")
    else:
        click.echo(
            f"Keep it in BILLING_PREVIOUS_SECRET_KEYS until {in_words(done.until, read.zone)}; without it these end at once."
            " If it was stolen, empty them now: what is forged with it works until then."
        )


def _replace_lost(read: "Settings") -> None:
    from billing.platform import list_key
    from billing.platform.clock import HeldClock, SystemClock
    from billing.platform.db import Database
    from billing.platform.installation import refuse_foreign

    database = Database(read.database_url)
    refuse_foreign(database, read)
    at = (HeldClock(database) if read.held else SystemClock()).now()
    with database.transaction() as session:
        replaced = list_key.replace_lost(session, read, at)
    database.close()
    if not replaced:
        raise click.ClickException(
            "The key isn't lost: a configured one opens the database. Leave out --key-is-lost."
        )
    click.echo(
        "The database has another list key. Opt-outs and blocks of the register from before are not recognised, nor cards and erased"
        " readers that had a trial, nor API keys: compare the register again, import your own list of opt-outs, make new keys. `billing doctor` says so until staff close its cases."
    )
