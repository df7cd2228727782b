"""Commands about one reader's personal data."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import REASON, in_words

if TYPE_CHECKING:
    from sqlmodel import Session

    from billing.readers.models import Reader


@billing.group()
def readers() -> None:
    """What readers may ask for by law."""


def _found(session: "Session", who: str) -> "Reader | None":
    """The reader with this address or id; None for an address without an account. Raises UnknownReader, ReaderMerged."""
    from billing.readers.register import by_address, by_id

    return by_address(session, who) if "@" in who else by_id(session, who)


@readers.command(name="erase")
@click.argument("email")
@REASON
@click.option("--preview", is_flag=True, help="Only say what would be done.")
def readers_erase(email: str, reason: str, *, preview: bool) -> None:
    """Close the account of EMAIL, an address or a reader's id, and erase it from tomorrow. What ends, what goes back and what
    stays is printed. An address without an account is erased too, where newsletters or mails to it are kept."""
    from billing.personal_data import ask
    from billing.readers.register import UnknownReader, register
    from billing.staff.acts import erasing
    from billing.staff.acts.perform import perform

    with transaction() as ctx:
        reader = _found(ctx.session, email)
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


@readers.command(name="export")
@click.argument("email")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file; else ID.zip here.")
@click.option("--reason", default="asked for (POPIA, section 23)", help="Why, in words; it is kept.")
def readers_export(email: str, to: Path | None, reason: str) -> None:
    """Write all that is kept about EMAIL, an address or a reader's id, as one ZIP file that only you can read. An address without
    an account has one too, where newsletters or mails to it are kept."""
    from billing.cli.installation import opened
    from billing.personal_data import archive, ask
    from billing.platform.actors import Command
    from billing.readers.register import UnknownReader
    from billing.staff import audit

    services = opened()
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        reader = _found(ctx.session, email)
        if reader is None and not ask.holds_address(ctx.session, email):
            raise UnknownReader
        reader_id, address = (reader.id, reader.email) if reader else (archive.NO_READER, email)
        tables = archive.read(ctx.session, reader_id, address)
        content = archive.make(tables, address, house=services.sender.house, site=services.site, at=at)
        path = to or Path(f"{reader_id}.zip")
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError as error:
            raise click.ClickException(f"{path} exists already; it is left as it is.") from error
        audit.write(ctx, "export_data", reader_id=reader.id if reader else None, reason=reason)
    path.write_bytes(content)  # once the line is kept: nothing leaves without it
    click.echo(f"{path} has {sum(len(one.rows) for one in tables)} rows about {address}.")


@readers.command(name="merge")
@click.argument("stays")
@click.argument("goes")
@REASON
@click.option("--other-address", is_flag=True, help="STAYS gets the address of GOES.")
@click.option("--preview", is_flag=True, help="Only say what would be done.")
def readers_merge(stays: str, goes: str, reason: str, *, other_address: bool, preview: bool) -> None:
    """Merge two accounts of one person, each an address or a reader's id: all that GOES has moves to STAYS, and GOES is empty
    afterwards. What moves and what ends is printed. It can't be undone."""
    from billing.readers.register import UnknownReader
    from billing.staff.acts.merging import MergeAct
    from billing.staff.acts.perform import perform

    with transaction() as ctx:
        one, other = _found(ctx.session, stays), _found(ctx.session, goes)
        if one is None or other is None:
            raise UnknownReader
        act = MergeAct(one.id, other.id, other_address=other_address)
        for line in act.preview(ctx).words:
            click.echo(line)
        if preview:
            return
        perform(ctx, act, role=None, reason=reason, version=None)
    click.echo(f"{act.other_id} is merged into {act.reader_id}.")


@readers.command(name="erased")
def readers_erased() -> None:
    """The ids of all erased readers, with the days: keep the list apart from the backups."""
    from billing.personal_data import ask

    with transaction() as ctx:
        for reader_id, at in ask.erased(ctx.session):
            click.echo(f"{reader_id}  {in_words(at, ctx.zone)}")
