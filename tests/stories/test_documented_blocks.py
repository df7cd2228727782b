"""The commands of the docs besides operate.md's list, run as they stand: a plan, keys, the demo's clock, a restore, calls by curl."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import psycopg
import pytest

from billing.cli import billing
from tests.support.backups import PROGRAMS, latest
from tests.support.cli import run_on
from tests.support.documented import NOT_RUN, PAGES, blocks, documented, inline, read_by_tests
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

BEGINNING = local(2026, 11, 30, 10)
"""A day after those that the commands of try.md name as past, and before those that they move the clock to."""

KEY_IS_LOST = "billing keys rotate-secret --key-is-lost"
"""Refused here, where the key is there; `tests/security/test_secret_key_changed.py` loses it."""


def type_in(world: World, line: str, **variables: str) -> str:
    """Type a `billing` command; it must succeed. Return what it said."""
    program, *words = shlex.split(line, comments=True)
    assert program == "billing", line
    done = run_on(world, *words, stdin=b"y\n", **variables)
    assert done.exit_code == 0, f"{line}: {done.output}{done.exception or ''}"
    return done.output


def test_each_block_is_read_by_a_test_or_has_its_reason() -> None:
    run, written = read_by_tests(), set(blocks())
    assert written - run - NOT_RUN.keys() == set()
    assert NOT_RUN.keys() - written == set(), "no longer there"
    assert NOT_RUN.keys() & run == set(), "run after all"


def test_a_student_plan_takes_three_commands(world: World) -> None:
    for line in documented("CONTRIBUTING.md", "A student plan")[0].splitlines():
        type_in(world, line)
    started = world.start_trial("thandi@example.com", plan="student")
    assert world.subscription(started["subscription"]["id"])["plan"] == "student"


def test_keys_of_programs_are_made_limited_rotated_and_ended(world: World) -> None:
    lines = inline("integrate.md", "billing keys")
    assert len(lines) == 6
    for line in lines:
        type_in(world, line)
    assert "revoked" in type_in(world, "billing keys list")


def test_the_clock_of_the_demo_goes_where_it_is_told(make_world: Callable[..., World]) -> None:
    world = make_world(BEGINNING)
    lines = inline("try.md", "billing ")
    assert len(lines) >= 6
    for line in lines:
        type_in(world, f"{line} 2027-01-07T23:59" if line == "billing clock to" else line)
    assert world.now > local(2028, 11, 1)


def with_arguments(line: str) -> bool:
    """Whether the text says how to type it, and doesn't only name a command."""
    command: click.Command = billing
    for word in line.split()[1:]:
        if not isinstance(command, click.Group) or word not in command.commands:
            return word != "…"
        command = command.commands[word]
    return False


def test_what_the_text_of_a_page_says_to_type_runs(world: World, tmp_path: Path) -> None:
    """The tests above type what stands in integrate.md and try.md, `test_documented_commands` what operate.md lists."""
    (block,) = documented("operate.md", "Commands")
    listed = {line.partition(" #")[0].strip() for line in block.splitlines()}
    pages = PAGES.keys() - {"integrate.md", "try.md"}
    rest = {line for page in pages for line in inline(page, "billing ") if with_arguments(line)} - listed
    rest.remove(KEY_IS_LOST)
    of_a_reader = {line for line in rest if " EMAIL" in line}
    needed = {line for line in listed if line.startswith("billing newsletters add ")}
    for line in (*needed, *sorted(rest - of_a_reader)):
        type_in(world, line)
    world.start_trial("thandi@example.com")
    for line in sorted(of_a_reader, reverse=True):  # the data is given before it is erased
        type_in(
            world, line.replace("EMAIL", "thandi@example.com").replace("data.zip", f"{tmp_path}/data.zip")
        )
    refused = run_on(world, *KEY_IS_LOST.split()[1:])
    assert "The key isn't lost" in refused.output


def test_a_backup_is_restored_into_an_empty_database(world: World, paid: Subscriber, tmp_path: Path) -> None:
    url = urlsplit(world.url_of_database)
    elsewhere = url._replace(path="/masthead_restored").geturl()
    (copied,) = documented("operate.md", "Back up")
    programs = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    type_in(world, copied.replace("/var/backups/masthead", str(tmp_path)), **programs)
    (block,) = documented("operate.md", "Restore a backup")
    create, export, *commands = block.splitlines()
    at = {"PGHOST": parse_qs(url.query)["host"][0], "PGUSER": str(url.username)}
    subprocess.run(["sh", "-ec", create], env=os.environ | programs | at, check=True)
    try:
        assert export == "export BILLING_DATABASE_URL=postgresql://…/masthead_restored"
        for line in commands:
            typed = re.sub(r"/var/backups/masthead/\S+", str(latest(tmp_path)), line)
            type_in(world, typed, BILLING_DATABASE_URL=elsewhere, **programs)
        with psycopg.connect(elsewhere) as restored:
            found = restored.execute("SELECT id FROM subscription").fetchall()
        assert found == [(paid.subscription_id,)]
    finally:
        subprocess.run(
            ["sh", "-ec", "dropdb --force masthead_restored"], env=os.environ | programs | at, check=True
        )


def answers(script: str, folder: Path, **variables: str) -> Iterator[dict[str, Any]]:
    """The JSON that a script prints, one after another; each command must succeed."""
    given = os.environ | variables
    done = subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=given, check=True, capture_output=True, text=True
    )
    rest = done.stdout.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        yield value
        rest = rest[end:].strip()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_program_asks_and_starts_a_trial_by_curl(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(BEGINNING)
    reader = world.start_trial("naledi@example.com", "pm_card_visa__9")["reader"]["id"]
    (script,) = documented("try.md", "As a program")
    given = {"URL": world.url, "KEY": world.api_key, "READER": reader}
    check, standing, forecast, started = answers(script, tmp_path, **given)
    assert (check["article"], check["allowed"]) == ("the-water-nobody-counted", False)
    assert standing["reader"] == reader
    assert forecast["charges"]
    assert world.subscription(started["subscription"]["id"])["status"] == "trialing"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_sandbox_fails_on_demand_by_curl(world: World, tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "demo.json").write_text(json.dumps({"sandbox_url": world.sandbox.url}))
    (script,) = documented("try.md", "When Stripe fails")
    said = list(answers(script, tmp_path))
    assert len(said) == 5
    assert [each for each in said if "error" in each] == []
