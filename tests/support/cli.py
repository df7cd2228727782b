"""Run the `billing` command as an operator does: in this process, or in one of its own."""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from billing.cli import billing, main
from tests.support.installation import SECRET_KEY
from tests.support.sandbox import KEY
from tests.support.worker_processes import variables_of
from tests.support.world import World

ROOT = Path(__file__).parents[2]


def environment(url: str, **more: str) -> dict[str, str]:
    """Environment variables of an installation on this database."""
    given = {
        "BILLING_DATABASE_URL": url,
        "BILLING_SECRET_KEY": SECRET_KEY,
        "BILLING_STRIPE_SECRET_KEY": KEY,
        "BILLING_ENVIRONMENT": "test",
        **{f"BILLING_{name.upper()}": value for name, value in more.items()},
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
    return kept | given


def held(world: World) -> dict[str, str]:
    """Environment variables of a world, including its held clock."""
    return environment(world.url_of_database) | variables_of(world.settings)


def run_on(world: World, *words: str, stdin: bytes = b"", **variables: str) -> Result:
    """Run the command on a world, in this process. `stdin` is its input; `variables` change the environment."""
    return CliRunner().invoke(billing, words, input=stdin, env=variables_of(world.settings) | variables)


@dataclass
class Done:
    """The result of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(given: dict[str, str], *words: str, folder: Path, terminal: IO[str] | None = None) -> Done:
    """Run the command with these variables, in a folder without a demo. Errors go to `terminal`, if given; the log is discarded."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, given, clear=True),
        patch.object(sys, "argv", ["billing", *words]),
        patch("billing.platform.logs.log_to_stderr"),
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(terminal or err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    return Done(end.value.code if isinstance(end.value.code, int) else 1, out.getvalue(), err.getvalue())


def run_as_process(given: dict[str, str], *words: str, folder: Path) -> Done:
    """The same in its own process, whose start takes a second or two."""
    done = subprocess.run(
        [sys.executable, "-m", "billing.cli", *words],
        env=given
        | {"PYTHONPATH": str(ROOT)},  # otherwise Python may import another installation from `folder`
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def refused(done: Done, *words: str) -> None:
    """Assert that the command failed with one line on stderr, which contains these words."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(("billing: ", "Error: "))
    for word in words:
        assert word in lines[0], lines[0]
