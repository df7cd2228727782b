"""Commands about the terms, the privacy notice and the refund policy."""

from typing import IO, Any

import click

from billing.cli import billing
from billing.cli.installation import opened, transaction
from billing.cli.words import REASON

KIND = click.argument("kind", type=click.Choice(("terms", "privacy", "refunds")))


@billing.group()
def legal() -> None:
    """Terms, privacy notice, refund policy: a text of ours to show, or your own page. Each version stays readable, as consents name it."""


@legal.command(name="show")
def legal_show() -> None:
    """The versions in force, and what is missing."""
    from billing.brand.legal import in_force, lacks, missing

    services = opened()
    with services.database.transaction() as session:
        for row in in_force(session):
            what = row.url or f"{len(row.words)} characters"
            click.echo(
                f"{row.kind:<8} version {row.number}, since {row.published_at:%Y-%m-%d}: {what}, SHA-256 {row.text_hash}"
            )
        for kind in missing(session):
            click.echo(f"{kind:<8} {lacks(kind)}")


@legal.command(name="text")
@KIND
@click.argument("file", type=click.File("r", encoding="utf-8"))
@REASON
def legal_text(kind: str, file: IO[str], reason: str) -> None:
    """Show the Markdown in FILE (- is stdin) as KIND, from now on."""
    _publish(kind, reason, words=file.read())


@legal.command(name="page")
@KIND
@click.argument("address")
@REASON
def legal_page(kind: str, address: str, reason: str) -> None:
    """Lead readers to your own page at ADDRESS (https://…) for KIND, from now on."""
    _publish(kind, reason, url=address)


def _publish(kind: str, reason: str, **given: Any) -> None:
    from billing.brand.legal import DocumentKind
    from billing.staff.legal import publish

    with transaction() as ctx:
        after = publish(ctx, DocumentKind(kind), reason=reason, **given)
    click.echo(f"{after['kind']} version {after['number']}, SHA-256 {after['text_hash']}")
