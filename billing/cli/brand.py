"""Commands about what readers see of the publisher: colours, texts, logos. The staff page Brand changes the same by the same rules."""

from typing import IO, Any

import click

from billing.cli import billing
from billing.cli.installation import opened, transaction
from billing.cli.words import REASON
from billing.rules.pictures import MOST_BYTES

NAMES = (
    *(
        "accent",
        "accent-dark",
        "tagline",
        "benefits",
        "footer",
        "mail-footer",
        "support-email",
        "support-hours",
    ),
    *("svg-logo", "png-logo"),
)


def _field_name(name: str) -> str:
    return name.replace("-", "_")


@billing.group()
def brand() -> None:
    """What readers see of the publisher on pages, in mails and on invoices. Its name and address are settings, BILLING_PUBLISHER_…"""


@brand.command(name="show")
def brand_show() -> None:
    """Every field as it is shown, and the settings beside."""
    from billing.brand.change import plain, stored
    from billing.brand.rules import IN_SETTINGS

    services = opened()
    with services.database.transaction() as session:
        row = stored(session)
        values = plain(row, map(_field_name, NAMES)) if row else {}
    for name in NAMES:
        value = values.get(_field_name(name))
        for line in value if isinstance(value, list) and value else [value or "(default)"]:
            click.echo(f"{name:<14} {line}")
    for setting in IN_SETTINGS:
        click.echo(f"{'':14} BILLING_{setting.upper()}: {getattr(services.settings, setting)}")


@brand.command(name="set")
@click.option(
    "--accent",
    help="Colour of links and buttons, '#14532d'. Text needs a contrast of 4.5 to 1 on every background.",
)
@click.option(
    "--accent-dark",
    help="The same on dark pages; without, the nearest shade of the accent that can be read there.",
)
@click.option("--tagline", help="One line about the paper, on the offer.")
@click.option(
    "--benefit", "benefits", multiple=True, help="A line of what a subscription gives, again for each."
)
@click.option("--footer", help="One line at the foot of pages.")
@click.option("--mail-footer", help="One line at the foot of mails.")
@click.option(
    "--support-email", help="Where pages and mails tell readers to write; '' for BILLING_MAIL_FROM."
)
@click.option("--support-hours", help="When somebody answers.")
@REASON
def brand_set(reason: str, benefits: tuple[str, ...], **fields: str | None) -> None:
    """Set fields; the others stay. '' is the default again."""
    from billing.staff.branding import set_brand

    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if benefits:
        given["benefits"] = benefits
    with transaction() as ctx:
        after = set_brand(ctx, given, reason=reason)
    _echo(after)


@brand.command(name="logo")
@click.argument("file", type=click.File("rb"))
@REASON
def brand_logo(file: IO[bytes], reason: str) -> None:
    """Show the SVG or PNG in FILE (- is stdin), 32 kB at most. One of each kind is kept: pages prefer the SVG, mails need the PNG."""
    from billing.staff.branding import set_logo

    with transaction() as ctx:
        after = set_logo(ctx, file.read(MOST_BYTES + 1), reason=reason)
    _echo(after)


@brand.command(name="reset")
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@REASON
def brand_reset(names: tuple[str, ...], reason: str) -> None:
    """Set the fields with these NAMES to their defaults; without names, all."""
    from billing.staff.branding import reset_brand

    with transaction() as ctx:
        after = reset_brand(ctx, map(_field_name, names or NAMES), reason=reason)
    _echo(after)


def _echo(after: dict[str, Any]) -> None:
    for name, value in after.items():
        words = " / ".join(value) if isinstance(value, list) else value
        click.echo(f"{name.replace('_', '-')}: {words or '(default)'}")
