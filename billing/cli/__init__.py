"""The `billing` command: the processes, and what operators do."""

import sys

import click
import httpx
import sqlalchemy as sa

from billing.errors import Refusal, RefusesToStart


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="masthead")
def billing() -> None:
    """Masthead: subscriptions and paywall for a news publisher."""


from billing.cli import (  # noqa: E402, F401 - each adds its commands to the group
    adopt,
    books,
    letters,
    mail,
    operate,
    processes,
    run,
    simulate,
    staff,
    time_travel,
    webhooks,
)


def main() -> None:
    """Run a command; a refusal is one line on stderr and exit status 1."""
    try:
        billing()
    except (RefusesToStart, Refusal, httpx.HTTPError) as refusal:
        click.echo(f"billing: {refusal}", err=True)
        sys.exit(1)
    except sa.exc.OperationalError as error:
        words = str(error.orig).strip().splitlines()[0]
        click.echo(f"billing: The database went away ({words}). Try again when it is back.", err=True)
        sys.exit(1)
