"""Commands about API keys: made, listed, limited, rotated, revoked. A secret is printed once, alone on its line."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from billing.cli import billing
from billing.cli.words import SpanParam, in_words, settings
from billing.rules import ceilings as rules
from billing.rules.ceilings import MOST, Ceilings

if TYPE_CHECKING:
    from billing.staff.api_keys import ListedKey

SCOPES = (
    "Comma separated: access, articles, readers (or parts of it: readers:read, readers:start, readers:cancel,"
    " readers:support), money."
)
USUAL = Ceilings()
NAMES = tuple(each.name for each in fields(Ceilings))
NO_LIFE = "When it stops working, counted from now: 365d, 12h. Without this it doesn't expire."


def _ceilings(default: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options for the ceilings of a day."""
    told = (
        ("cents", "Cents that may be given back with it in a day; usually no more than one member may."),
        ("days", "Days that may be given to readers with it in a day."),
        ("starts", "Subscriptions that may be started with it in a day."),
        ("readers", "Different readers of whom may be read with it in a day."),
    )

    def with_them(command: Callable[..., None]) -> Callable[..., None]:
        for name, words in reversed(told):
            command = click.option(
                f"--{name}-a-day",
                type=click.IntRange(0, MOST),
                default=None,
                show_default=str(getattr(USUAL, name)) if default else False,
                help=words,
            )(command)
        return command

    return with_them


@billing.group()
def keys() -> None:
    """API keys for machine calls."""


@keys.command(name="create")
@click.option("--name", required=True, help="Who will use it; stands in the history of what it did.")
@click.option("--scopes", required=True, help=SCOPES)
@click.option("--expires", type=SpanParam(), help=NO_LIFE)
@_ceilings(default=True)
def keys_create(name: str, scopes: str, expires: timedelta | None, **a_day: int) -> None:
    """Make a key and print its secret, once."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import key_money

    services = build(settings())
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        made = key_money.make(
            ctx,
            name,
            [part.strip() for part in scopes.split(",")],
            ceilings=_given(a_day, rules.usual(services.settings.second_person_day_limit)),
            expires_at=at + expires if expires is not None else None,
        )
    click.echo(made.secret)


@keys.command(name="list")
def keys_list() -> None:
    """Every key: its id, name, scopes, when it was made and last used (to the minute), its ceilings, and whether it works."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff.api_keys import everything

    services = build(settings())
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        for one in everything(ctx):
            used = in_words(one.last_used_at, services.settings) if one.last_used_at else "never"
            click.echo(f"{one.key.id}  {one.key.name}  {','.join(one.key.scopes)}")
            click.echo(f"    made {in_words(one.key.created_at, services.settings)}; last used {used}")
            click.echo(f"    {_state(one, services.settings, at)}; a day: {_allowed(one.key.ceilings)}")


def _state(one: "ListedKey", read: Any, at: Any) -> str:
    key = one.key
    if key.revoked_at is not None:
        return f"revoked {in_words(key.revoked_at, read)}"
    if key.expires_at is not None and key.expires_at <= at:
        return f"expired {in_words(key.expires_at, read)}"
    ends = f"expires {in_words(key.expires_at, read)}" if key.expires_at else "doesn't expire"
    if key.previous_until is not None and key.previous_until > at:
        ends += f"; the secret before works until {in_words(key.previous_until, read)}"
    return ends


def _allowed(ceilings: Ceilings) -> str:
    return ", ".join(rules.in_words(name, getattr(ceilings, name)) for name in NAMES).replace("\u00a0", " ")


@keys.command(name="limit")
@click.argument("name")
@_ceilings(default=False)
def keys_limit(name: str, **a_day: int | None) -> None:
    """Give the key NAME (or its id) other ceilings of a day; what isn't named stays."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff.api_keys import limit, lock, the_one

    services = build(settings())
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        key = lock(ctx, the_one(ctx, name).id)
        limit(ctx, key.id, _given(a_day, key.ceilings))
        click.echo(f"{key.name}, a day: {_allowed(key.ceilings)}")


@keys.command(name="rotate")
@click.argument("name")
@click.option(
    "--grace",
    type=SpanParam(),
    default="24h",
    show_default=True,
    help="How long the secret before works besides, 30d at most; 0m: not any more.",
)
@click.option(
    "--expires", type=SpanParam(), help="When it stops working from now on; without this as before."
)
def keys_rotate(name: str, grace: timedelta, expires: timedelta | None) -> None:
    """Print another secret for the key NAME (or its id), once. The one before works for a while besides."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff.api_keys import rotate, the_one

    services = build(settings())
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        secret = rotate(
            ctx, the_one(ctx, name).id, grace, expires_at=at + expires if expires is not None else None
        )
    click.echo(secret)


@keys.command(name="revoke")
@click.argument("name")
def keys_revoke(name: str) -> None:
    """Let the key NAME (or its id) stop working, at once and for ever."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff.api_keys import revoke, the_one

    services = build(settings())
    at = services.clock.now()
    with services.database.begin(services.site, at, Command()) as ctx:
        key = the_one(ctx, name)
        revoke(ctx, key.id)
        click.echo(f"{key.name} ({key.id}) doesn't work any more.")


def _given(a_day: dict[str, Any], otherwise: Ceilings) -> Ceilings:
    """The ceilings that were named; the others as they are."""
    named = {name: typed for name in NAMES if (typed := a_day[f"{name}_a_day"]) is not None}
    return replace(otherwise, **named)
