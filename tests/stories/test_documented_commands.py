"""Each command that operate.md lists is typed as it stands there, in its order, into one installation."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.platform.actors import WORKER
from billing.readers.register import register
from tests.support.backups import PROGRAMS, latest
from tests.support.bounce_reports import dsn
from tests.support.cli import run_on
from tests.support.documented import documented
from tests.support.pictures import png
from tests.support.starting_points import Subscriber
from tests.support.world import World

REFUSED = {
    ("staff", "approve"): "Nothing of that name waits for approval.",
    ("newsletters", "compare"): "No newsletter is promotional",
    ("mail", "check"): "This holds no mail",
    ("check",): "WARN  settings: BILLING_ENVIRONMENT is test",
}
"""Commands with nothing to do in this installation, each with what it says instead; their own tests give them something."""


def listed() -> Iterator[tuple[str, ...]]:
    """The lines below the heading Commands, without `billing` and without their comments."""
    (lines,) = documented("operate.md", "Commands")
    for line in lines.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == "billing", line
        yield tuple(words)


def second_account(world: World) -> str:
    """The address of another reader."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        return register(ctx, "second@example.com")[0].email


def test_each_is_typed_as_it_stands_there(
    world: World, paid: Subscriber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write a file beside where they are typed
    file, backups = tmp_path / "file", tmp_path / "backups"
    file.write_text("nobody@example.org\n")
    logo = tmp_path / "logo.png"
    logo.write_bytes(png(80, 40))
    values = {
        "ADDRESS": paid.email,
        "DIR": str(tmp_path / "books"),
        "EMAIL": "new@paper.example",
        "FILE": str(file),
        "LOGO": str(logo),
        "ID": str(world.rows("SELECT id FROM inbound_event ORDER BY id LIMIT 1")[0]["id"]),
        "STAYS": paid.email,
        "GOES": second_account(world),
        "/var/backups/masthead": str(backups),
    }
    lines = list(listed())
    assert len(lines) > 30
    for words in lines:
        if words[0] == "restore":
            values["FOLDER"] = str(latest(backups))
        typed = [values.get(word, word) for word in words]
        given = b"y\n" if words == ("adopt",) else dsn("b+x@news.paper.example")
        shown = run_on(world, *typed, stdin=given, PATH=f"{PROGRAMS}:/usr/bin:/bin")
        said = f"{shown.output}{shown.exception or ''}"
        refusal = REFUSED.get(words[:1]) or REFUSED.get(words[:2])
        assert shown.exit_code == (1 if refusal else 0), said
        assert refusal is None or refusal in said, words
