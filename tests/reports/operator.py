"""An operator's acts in a test's world: commands, SQL statements, and the doctor."""

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from billing.cli import main
from billing.reports.doctor import examine
from tests.support.world import World


def command(world: World, *words: str) -> tuple[int, str, str]:
    """Run a `billing` command in this process; return exit status, stdout and stderr."""
    given = {
        "BILLING_DATABASE_URL": world.url_of_database,
        "BILLING_SECRET_KEY": world.settings.secret_key.get_secret_value(),
        "BILLING_STRIPE_SECRET_KEY": world.settings.stripe_secret_key.get_secret_value(),
        "BILLING_STRIPE_API_BASE": world.sandbox.url,
        "BILLING_ENVIRONMENT": "test",
        "BILLING_CLOCK": "held",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
    out, err = StringIO(), StringIO()
    with (
        patch.dict(os.environ, kept | given, clear=True),
        patch.object(sys, "argv", ["billing", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    return int(end.value.code or 0), out.getvalue(), err.getvalue()


def execute(world: World, statement: str, **values: object) -> None:
    """Execute SQL that the product would never send."""
    with world.services.database.transaction() as session:
        session.execute(sa.text(statement), values)


def broken(world: World) -> dict[str, list[str]]:
    """The broken promises with their examples."""
    found = examine(world.services.database, world.services.site, world.now)
    return {
        finding.promise.name: [broken for broken, _ in finding.examples] for finding in found if finding.count
    }
