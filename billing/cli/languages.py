"""Commands for the languages of pages and mails."""

from pathlib import Path

import click

from billing.cli import billing
from billing.cli.words import settings


@billing.group()
def languages() -> None:
    """The languages in which readers see pages and mails. BILLING_LANGUAGES names them; another needs a catalogue, and no code."""


@languages.command(name="list")
def languages_list() -> None:
    """Those on offer, the publication's own first, with how much is translated. Raises RefusesToStart."""
    from billing.app import languages_of
    from emails.languages.blank import untranslated

    for language in languages_of(settings()).all:
        gaps, total = untranslated(language)
        click.echo(f"{language.code}  {language.name}: {total - gaps} of {total} sentences")


@languages.command(name="start")
@click.argument("code")
@click.option("--name", required=True, help="What its speakers call it, such as Sesotho.")
@click.option("--to", "path", type=click.Path(path_type=Path), required=True, help="The file to write.")
def languages_start(code: str, name: str, path: Path) -> None:
    """Write a catalogue for the language CODE, such as `st`, with every message and no translation. Poedit and its like fill it in."""
    from emails.languages.blank import FileExists, write_blank

    try:
        count = write_blank(path, code, name)
    except (FileExists, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} messages in {path}. Translate them, and add {code} to BILLING_LANGUAGES.")
