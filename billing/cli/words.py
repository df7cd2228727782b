"""Reads and writes the words of commands: settings, lengths of time, instants."""

import os
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from billing.platform.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])
REASON = click.option("--reason", required=True, help="Why, in words; it is kept.")
RECORD = click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that gets every exchange with the sandbox, a JSON line each.",
)
DEMO_ENVIRONMENT = Path(".data/demo.env")
SPAN = re.compile(r"(?P<count>\d{1,6})(?P<unit>[smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

LONGEST_SPAN = timedelta(days=36_525)


class SpanParam(click.ParamType[timedelta]):
    """A length of time such as 15d, 36h, 90m, 2w."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Raises a usage error for anything else, and for more than a hundred years."""
        match = SPAN.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} isn't a length of time like 15d, 36h, 90m or 2w", param, ctx)
        span = timedelta(**{UNITS[match["unit"]]: int(match["count"])})
        if span > LONGEST_SPAN:
            self.fail(f"{value!r} is longer than a hundred years", param, ctx)
        return span


class Instant(click.ParamType[datetime]):
    """An instant such as 2026-12-08T09:00+02:00; without a zone, in the publisher's."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Raises a usage error for anything else."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} isn't a moment like 2026-12-08T09:00", param, ctx)
        if not 1800 <= at.year < 2200:
            self.fail(f"{value!r} isn't a moment of these centuries", param, ctx)
        return at


def settings() -> "Settings":
    """The settings from the environment; where it has none, those of the demo in this folder. Raises RefusesToStart."""
    from billing.platform.settings import read_settings

    return read_settings(_given())


def parsed_settings() -> "Settings":
    """The same, which may be unsafe to start with: for commands that prepare a start."""
    from billing.platform.settings import parse_settings

    return parse_settings(_given())


def _given() -> dict[str, str]:
    from billing.platform.setting_sources import PREFIX

    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if not given and DEMO_ENVIRONMENT.exists():
        click.echo("Using the demo that runs in .data", err=True)
        given = _demo_environment()
    return given


def _demo_environment() -> dict[str, str]:
    lines = (shlex.split(line) for line in DEMO_ENVIRONMENT.read_text("utf-8").splitlines())
    pairs = (words[1].partition("=") for words in lines if words[:1] == ["export"])
    return {name: value for name, _, value in pairs}


def in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant, which is in this zone where it names none."""
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def in_words(at: datetime, zone: ZoneInfo) -> str:
    """For people, in this zone."""
    return f"{at.astimezone(zone):%A %-d %B %Y, %H:%M %Z}"
