"""Commands that show and move a held clock."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import Instant, SpanParam, in_words, in_zone

if TYPE_CHECKING:
    from billing.container import Services


@billing.group()
def clock() -> None:
    """Show and move the clock, where it is held (demo and test)."""


@clock.command(name="show")
def clock_show() -> None:
    """What time it is here, and what happens next."""
    services = opened()
    kind = "held" if services.settings.held else "the machine's"
    click.echo(f"It is {in_words(services.clock.now(), services.settings.zone)} (the clock is {kind}).")
    _say_what_comes(services)


@clock.command(name="advance")
@click.argument("span", type=SpanParam())
def clock_advance(span: timedelta) -> None:
    """Move on by SPAN (15d, 36h, 90m, 2w); what falls due in between happens, in order."""
    _move(span)


@clock.command(name="to")
@click.argument("moment", type=Instant())
def clock_to(moment: datetime) -> None:
    """Move on to MOMENT (2026-12-08T09:00); what falls due in between happens, in order."""
    _move(moment)


def _move(to: datetime | timedelta) -> None:
    from billing.dev.time_travel import advance

    services = opened()
    zone = services.settings.zone
    with progress() as say:
        now = advance(
            services,
            in_zone(to, zone) if isinstance(to, datetime) else to,
            lambda at, end: say(
                f"  moving on to {end.astimezone(zone):%-d %b %Y}: it is {at.astimezone(zone):%-d %b %Y, %H:%M}"
            ),
        )
    click.echo(f"It is now {in_words(now, zone)}; what fell due until then has happened.")
    _say_what_comes(services)


def _say_what_comes(services: "Services") -> None:
    from billing.timetable import upcoming

    due = upcoming(services)
    if due is None:
        click.echo("Nothing is planned.")
    else:
        click.echo(f"Next, {in_words(due[0], services.settings.zone)}: {due[1]}")
