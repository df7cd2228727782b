"""Commands that show and move a held clock."""

from datetime import datetime, timedelta

import click

from billing.cli import billing
from billing.cli.words import Instant, Span, in_words, in_zone, settings


@billing.group()
def clock() -> None:
    """Show and move the clock, where it is held (demo and test)."""


@clock.command(name="show")
def clock_show() -> None:
    """What time it is here, and what happens next."""
    from billing.advance import upcoming
    from billing.app import build

    parts = build(settings())
    click.echo(f"{in_words(parts.clock.now(), parts.settings)} ({parts.settings.clock})")
    due = upcoming(parts)
    if due:
        click.echo(f"next: {due[1]} on {in_words(due[0], parts.settings)}")


@clock.command(name="advance")
@click.argument("span", type=Span())
def clock_advance(span: timedelta) -> None:
    """Move on by SPAN (15d, 36h, 90m, 2w); what falls due in between happens, in order."""
    _move(span=span, to=None)


@clock.command(name="to")
@click.argument("moment", type=Instant())
def clock_to(moment: datetime) -> None:
    """Move on to MOMENT (2026-12-08T09:00); what falls due in between happens, in order."""
    _move(span=None, to=moment)


def _move(span: timedelta | None, to: datetime | None) -> None:
    from billing.advance import FARTHEST, TooFar, advance
    from billing.app import build

    parts = build(settings())
    if span is not None and span > FARTHEST:
        raise TooFar
    target = in_zone(to, parts.settings) if to else parts.clock.now() + (span or timedelta())
    click.echo(in_words(advance(parts, target), parts.settings))
