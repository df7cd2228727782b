"""The `billing` command: the processes, and what operators do.

Each command imports what it needs, in its function: help and refusals come at once, and the demo starts six processes."""

import sys

import click

from billing.platform.errors import Refusal, RefusesToStart


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="masthead")
def billing() -> None:
    """Masthead: subscriptions and paywall for a news publisher."""


from billing.cli import (  # noqa: E402, F401 - each adds its commands to the group
    adopt,
    backup,
    books,
    brand,
    check,
    keys,
    languages,
    legal,
    letters,
    mail,
    numbers,
    operate,
    plans,
    processes,
    readers,
    run,
    secret_key,
    simulate,
    staff,
    time_travel,
    vat,
    webhooks,
)


def main() -> None:
    """Run a command; a refusal is one line on stderr and exit status 1."""
    try:
        billing()
    except Exception as error:
        line = _refusal(error)
        if line is None:
            raise
        click.echo(f"billing: {line}", err=True)
        sys.exit(1)


def _refusal(error: Exception) -> str | None:
    """The line that an operator reads; None for an error of ours, whose traceback is wanted."""
    if isinstance(error, RefusesToStart | Refusal):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "The file isn't text in UTF-8. Save it as UTF-8 and try again."
    import httpx
    import sqlalchemy as sa

    if isinstance(error, httpx.HTTPError):
        return str(error)
    if isinstance(error, sa.exc.OperationalError):
        from billing.platform.db_errors import first_line

        return f"The database went away ({first_line(error)}). Try again when it is back."
    return None
