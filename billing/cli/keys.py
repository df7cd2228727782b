"""Commands that make, list, limit, rotate and revoke API keys. A secret is printed once, alone on its line."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import SpanParam, in_words
from billing.rules.ceilings import MOST, Ceilings, usual
from billing.rules.ceilings import in_words as amount_in_words

if TYPE_CHECKING:
    from billing.platform.context import TransactionContext
    from billing.staff.key_models import ApiKey

SCOPES = (
    "Comma separated: access, articles, readers (or parts of it: readers:read, readers:start, readers:cancel,"
    " readers:support), money."
)
USUAL = Ceilings()
NAMES = tuple(field.name for field in fields(Ceilings))
NO_LIFE = "When it stops working, counted from now: 365d, 12h. Without this it doesn't expire."


def _ceilings(default: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options for the ceilings of a day."""
    options = (
        ("cents", "Cents that may be given back with it in a day; usually no more than one member may."),
        ("days", "Days that may be given to readers with it in a day."),
        ("starts", "Subscriptions that may be started with it in a day."),
        ("readers", "Different readers of whom may be read with it in a day."),
    )

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        for name, words in reversed(options):
            command = click.option(
                f"--{name}-a-day",
                type=click.IntRange(0, MOST),
                default=None,
                show_default=str(getattr(USUAL, name)) if default else False,
                help=words,
            )(command)
        return command

    return with_options


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
    from billing.staff import key_money

    with transaction() as ctx:
        made = key_money.make(
            ctx,
            name,
            [part.strip() for part in scopes.split(",")],
            ceilings=_given(a_day, usual(ctx.site.staff_limits.second_person_day_limit)),
            expires_at=ctx.at + expires if expires is not None else None,
        )
    click.echo(made.secret)


@keys.command(name="list")
def keys_list() -> None:
    """Every key: its id, name, scopes, when it was made and last used (to the minute), its ceilings, and whether it works."""
    from billing.staff.api_keys import everything

    with transaction() as ctx:
        for listed in everything(ctx):
            key = listed.key
            used = in_words(listed.last_used_at, ctx.zone) if listed.last_used_at else "never"
            click.echo(f"{key.id}  {key.name}  {','.join(key.scopes)}")
            click.echo(f"    made {in_words(key.created_at, ctx.zone)}; last used {used}")
            click.echo(f"    {_state(ctx, key)}; a day: {_allowed(key.ceilings)}")


def _state(ctx: "TransactionContext", key: "ApiKey") -> str:
    if key.revoked_at is not None:
        return f"revoked {in_words(key.revoked_at, ctx.zone)}"
    if key.expires_at is not None and key.expires_at <= ctx.at:
        return f"expired {in_words(key.expires_at, ctx.zone)}"
    ends = f"expires {in_words(key.expires_at, ctx.zone)}" if key.expires_at else "doesn't expire"
    if key.previous_until is not None and key.previous_until > ctx.at:
        ends += f"; the secret before works until {in_words(key.previous_until, ctx.zone)}"
    return ends


def _allowed(ceilings: Ceilings) -> str:
    return ", ".join(amount_in_words(name, getattr(ceilings, name)) for name in NAMES).replace("\u00a0", " ")


@keys.command(name="limit")
@click.argument("name")
@_ceilings(default=False)
def keys_limit(name: str, **a_day: int | None) -> None:
    """Give the key NAME (or its id) other ceilings of a day; what isn't named stays."""
    from billing.staff.api_keys import limit, lock, the_one

    with transaction() as ctx:
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
    from billing.staff.api_keys import rotate, the_one

    with transaction() as ctx:
        expires_at = ctx.at + expires if expires is not None else None
        secret = rotate(ctx, the_one(ctx, name).id, grace, expires_at=expires_at)
    click.echo(secret)


@keys.command(name="revoke")
@click.argument("name")
def keys_revoke(name: str) -> None:
    """Let the key NAME (or its id) stop working, at once and for ever."""
    from billing.staff.api_keys import revoke, the_one

    with transaction() as ctx:
        key = the_one(ctx, name)
        revoke(ctx, key.id)
        click.echo(f"{key.name} ({key.id}) doesn't work any more.")


def _given(a_day: dict[str, Any], otherwise: Ceilings) -> Ceilings:
    """The ceilings that were named; the others stay."""
    named = {name: typed for name in NAMES if (typed := a_day[f"{name}_a_day"]) is not None}
    return replace(otherwise, **named)
