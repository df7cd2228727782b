"""Commands about one reader's personal data."""

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import REASON, in_words


@billing.group()
def readers() -> None:
    """What readers may ask for by law."""


@readers.command(name="erase")
@click.argument("email")
@REASON
@click.option("--preview", is_flag=True, help="Only say what would be done.")
def readers_erase(email: str, reason: str, *, preview: bool) -> None:
    """Close the account of EMAIL, an address or a reader's id, and erase it from tomorrow. What ends, what goes back and what
    stays is printed. An address without an account is erased too, where newsletters or mails to it are kept."""
    from billing.personal_data import ask
    from billing.readers.register import UnknownReader, by_address, by_id, register
    from billing.staff.acts import erasing
    from billing.staff.acts.perform import perform

    with transaction() as ctx:
        reader = by_address(ctx.session, email) if "@" in email else by_id(ctx.session, email)
        if reader is None and not ask.holds_address(ctx.session, email):
            raise UnknownReader
        if reader is None and preview:
            click.echo("There is no account. What is kept of the address is erased in the same way.")
            return
        if reader is None:
            reader, _ = register(ctx, email)
        act = erasing.EraseAct(reader.id)
        for line in act.preview(ctx).words:
            click.echo(line)
        if preview:
            return
        perform(ctx, act, role=None, reason=reason, version=None)
        erasure = ask.open_of(ctx.session, reader.id)
        assert erasure is not None
    click.echo(f"{reader.id} is closed, and erased from {in_words(erasure.erases_at, ctx.zone)}.")


@readers.command(name="erased")
def readers_erased() -> None:
    """The ids of all erased readers, with the days: keep the list apart from the backups."""
    from billing.personal_data import ask

    with transaction() as ctx:
        for reader_id, at in ask.erased(ctx.session):
            click.echo(f"{reader_id}  {in_words(at, ctx.zone)}")
