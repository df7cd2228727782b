"""Long commands show their progress in one line on a terminal, which is removed at the end; elsewhere they print nothing."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import IO

import psycopg
import pytest

from billing.cli import progress
from billing.reports.exports import SHEETS
from billing.reports.promises import PROMISES
from tests.support.cli import environment, held, run
from tests.support.starting_points import Subscriber
from tests.support.world import World

LONG = {
    ("clock", "advance", "8d"): "moving on to 9 Mar 2027: it is 8 Mar 2027, 09:00",
    ("doctor",): f"asking {PROMISES[0].name}",
    ("reconcile",): "reading what Stripe's balance says",
    ("export", "books"): f"writing {next(iter(SHEETS))}-",
    ("migrate",): "migrating",
}


@contextmanager
def terminal() -> Iterator[tuple[IO[str], Callable[[], str]]]:
    """A file that is a terminal, and its contents, which are known when it is closed."""
    ours, theirs = os.openpty()
    output: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                output.append(piece)
        except OSError:  # Linux says so when the last writer has closed
            return

    reader = threading.Thread(target=read)
    reader.start()

    def said() -> str:
        reader.join(30)
        return b"".join(output).decode()

    try:
        with os.fdopen(theirs, "w") as err:
            yield err, said
    finally:
        reader.join(30)
        os.close(ours)


def seen(said: str) -> list[str]:
    """The successive lines, each of which overwrote the one before."""
    return [line.rstrip() for line in said.split("\r")]


def on_a_terminal(given: dict[str, str], *words: str, folder: Path) -> str:
    with terminal() as (err, said):
        done = run(given, *words, folder=folder, terminal=err)
        assert done.returncode == 0, done.stdout
        assert "\r" not in done.stdout
    return said()


def test_a_long_command_speaks_on_a_terminal_and_nowhere_else(
    world: World, in_trial: Subscriber, tmp_path: Path
) -> None:
    given = held(world)
    for words, expected in LONG.items():
        said = on_a_terminal(given, *words, folder=tmp_path)
        lines = seen(said)
        assert any(expected in line for line in lines), (words, lines)
        assert "\n" not in said
        assert lines[-1] == lines[-2] == "", "the line is gone at the end"
        assert max(map(len, lines)) < progress.FALLBACK_COLUMNS
    for words in LONG:
        done = run(given, *words, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), words


def test_each_migration_is_told(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("DROP SCHEMA public CASCADE")
        session.execute("CREATE SCHEMA public")
    said = on_a_terminal(environment(database_url), "migrate", folder=tmp_path)
    files = (Path(__file__).parent.parent / "alembic" / "versions").glob("*.py")
    known = {file.name.partition("_")[0] for file in files}
    assert set(re.findall(r"migrating: (\d+) is through", said)) == known


def test_a_narrow_terminal_is_written_over_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_columns", lambda: 10)
    with terminal() as (err, said), redirect_stderr(err), progress.progress() as say:
        say("  day 100 of 200")
        say("  day 1")
    assert said() == "\r  day 100" + "\r  day 1  " + "\r       " + "\r"
