"""The command before going live."""

import sys

import click

from billing.cli import billing
from billing.cli.words import parsed_settings


@billing.command()
def check() -> None:
    """Is everything in order to go live? A line for each thing, and exit status 1 when one says NO. Changes nothing."""
    from billing.app import preflight
    from billing.preflight.check_result import Verdict
    from billing.preflight.order import check_results

    given = preflight(parsed_settings())
    is_ready = True
    try:
        for name, result in check_results(given):
            click.echo(f"{result.verdict:>4}  {name}: {result.words}")
            is_ready = is_ready and result.verdict is not Verdict.NO
    finally:
        given.close()
    sys.exit(0 if is_ready else 1)
