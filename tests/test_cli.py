"""The `billing` command, as an operator types it: what it prints, its exit status, one line when it refuses."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner

from billing.billing_run.skip_reason import Skip
from billing.cli import billing
from billing.cli.run import lines
from tests.support.cli import environment, held, refused, run, run_as_process
from tests.support.databases import Databases
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*above, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize("words", list(commands(billing)), ids=" ".join)
def test_every_command_helps(words: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        shown = CliRunner().invoke(billing, [*words, flag])
        assert shown.exit_code == 0
        assert shown.output.startswith("Usage: ")
        assert len(shown.output.splitlines()[2].strip()) > 10


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["clock", "backwards"],
        ["clock", "advance"],
        ["clock", "advance", "15x"],
        ["clock", "advance", "-1d"],
        ["clock", "advance", "999999w"],
        ["clock", "to", "yesterday"],
        ["clock", "to", "0001-01-01"],
        ["keys", "create"],
        ["keys", "create", "--name", "x"],
        ["run", "--as-of", "soon"],
        ["sandbox", "--port", "65536"],
        ["serve", "now"],
    ],
)
def test_what_is_typed_wrong_is_a_usage_error(words: list[str]) -> None:
    shown = CliRunner().invoke(billing, words)
    assert shown.exit_code == 2
    assert "Error: " in shown.output
    assert "Traceback" not in shown.output


def test_the_version_is_told() -> None:
    assert re.search(r"\d+\.\d+", CliRunner().invoke(billing, ["--version"]).output)


def test_help_and_usage_errors_read_no_web_framework_and_no_database() -> None:
    ask = "import sys, billing.cli; print(*({'fastapi', 'pydantic', 'sqlalchemy', 'psycopg', 'httpx'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "\n"


def test_without_settings_the_missing_ones_are_named(tmp_path: Path) -> None:
    given = {name: value for name, value in environment("x").items() if not name.startswith("BILLING_")}
    done = run_as_process(given, "serve", folder=tmp_path)
    refused(done, "BILLING_DATABASE_URL is missing", "BILLING_SECRET_KEY is missing")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "BILLING_DATABASE_URL"),
        ("mysql://127.0.0.1/x", "PostgreSQL"),
        ("postgresql://127.0.0.1:1/none", "can't be reached"),
    ],
)
def test_a_database_that_is_not_there_is_said_in_one_line(url: str, words: str, tmp_path: Path) -> None:
    for command in (["migrate"], ["run"]):
        refused(run(environment(url), *command, folder=tmp_path), words)


def test_a_password_in_the_databases_address_is_not_repeated(tmp_path: Path) -> None:
    done = run(environment("postgresql://paper:hunter2@127.0.0.1:1/none"), "clock", "show", folder=tmp_path)
    refused(done, "can't be reached")
    assert "hunter2" not in done.stderr


def test_an_empty_database_wants_migrating_first(
    databases: Databases, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("DROP SCHEMA public CASCADE")
        session.execute("CREATE SCHEMA public")
    refused(run(environment(database_url), "run", folder=tmp_path), "billing migrate")
    done = run(environment(database_url), "migrate", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "The database is up to date.\n"), done.stderr
    assert run(environment(database_url), "migrate", folder=tmp_path).returncode == 0
    assert run(environment(database_url), "run", folder=tmp_path).returncode == 0


def test_a_database_of_another_environment_is_refused(database_url: str, tmp_path: Path) -> None:
    given = environment(database_url, environment="demo")
    for command in (["run"], ["worker"], ["clock", "show"], ["migrate"]):
        refused(run(given, *command, folder=tmp_path), "test environment", "BILLING_ENVIRONMENT is demo")


def test_a_port_in_use_is_said_in_one_line(world: World, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = environment(world.url_of_database, port=port, stripe_api_base=world.sandbox.url)
        refused(run(given, "serve", folder=tmp_path), f"port {port}", "BILLING_PORT")


def test_a_file_that_cannot_be_written_or_read_is_said_in_one_line(
    world: World, in_trial: Subscriber, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes("Voorgelê".encode("latin-1"))
    reason = ("--reason", "A test.")
    for words, said in (
        (
            ("readers", "export", in_trial.email, "--to", "missing/archive.zip"),
            "No such file or directory",
        ),
        (("legal", "text", "privacy", "file", *reason), "isn't text in UTF-8"),
        (("newsletters", "compare", "file"), "isn't text in UTF-8"),
    ):
        refused(run(held(world), *words, folder=tmp_path), said)


def test_a_host_that_is_not_ours_is_said_in_one_line(world: World, tmp_path: Path) -> None:
    given = environment(world.url_of_database, host="192.0.2.1", port="0", stripe_api_base=world.sandbox.url)
    refused(run(given, "serve", folder=tmp_path), "192.0.2.1", "BILLING_HOST")


def test_a_relay_that_cannot_be_is_said_in_one_line(database_url: str, tmp_path: Path) -> None:
    refused(
        run(environment(database_url, smtp_url="smtp://relay.example"), "run", folder=tmp_path), "smtps://"
    )


def test_the_clock_is_shown_and_moved_and_never_turned_back(
    world: World, in_trial: Subscriber, tmp_path: Path
) -> None:
    shown = run(held(world), "clock", "show", folder=tmp_path)
    assert "Monday 1 March 2027, 10:00 SAST" in shown.stdout
    assert "Monday 8 March 2027, 09:00 SAST" in shown.stdout
    moved = run(held(world), "clock", "advance", "15d", folder=tmp_path)
    assert moved.returncode == 0, moved.stderr
    assert "Tuesday 16 March 2027, 10:00 SAST" in moved.stdout
    assert len(world.charges()) == 1
    moved = run(held(world), "clock", "to", "2027-03-17T09:30", folder=tmp_path)
    assert "Wednesday 17 March 2027, 09:30 SAST" in moved.stdout
    refused(run(held(world), "clock", "to", "2027-03-17T09:29:59", folder=tmp_path), "forward only")
    refused(run(held(world), "clock", "advance", "20000d", folder=tmp_path), "five years")
    refused(run(held(world), "clock", "to", "2199-12-31", folder=tmp_path), "five years")


def test_a_clock_that_runs_cannot_be_moved(database_url: str, tmp_path: Path) -> None:
    refused(
        run(environment(database_url), "clock", "advance", "1d", folder=tmp_path), "only where it is held"
    )


def test_a_sandbox_that_is_away_is_said_in_one_line(world: World, tmp_path: Path) -> None:
    given = held(world) | {"BILLING_STRIPE_API_BASE": "http://127.0.0.1:1"}
    refused(run(given, "clock", "advance", "1d", folder=tmp_path), "sandbox doesn't answer")


def test_a_key_is_printed_once_and_opens_what_its_scopes_say(world: World, tmp_path: Path) -> None:
    done = run(held(world), "keys", "create", "--name", "app", "--scopes", "access, money", folder=tmp_path)
    key = done.stdout.strip()
    assert done.returncode == 0
    assert re.fullmatch(r"mk_[A-Za-z0-9]{49}", key)
    headers = {"authorization": f"Bearer {key}"}
    assert world.api.get("/v1/readers", headers=headers).status_code == 403
    assert world.api.get("/v1/invoices/inv_none", headers=headers).status_code == 404
    assert key not in str(world.rows("SELECT * FROM api_key"))
    for scopes in ("", "everything", "access,,everything"):
        wrong = run(held(world), "keys", "create", "--name", "app", "--scopes", scopes, folder=tmp_path)
        refused(wrong, "access, articles, readers, money")
    assert world.rows("SELECT count(*) AS n FROM api_key") == [{"n": 2}]


def test_a_run_prints_what_it_did_and_charges_nothing_before_its_time(
    world: World, in_trial: Subscriber, tmp_path: Path
) -> None:
    done = run(held(world), "run", folder=tmp_path)
    assert done.returncode == 0
    nothing = ["due 0", "charged 0", "refused 0", "unknown 0", "skipped 0"]
    assert [line.strip() for line in done.stdout.splitlines()][:5] == nothing
    refused(run(held(world), "run", "--as-of", "2027-04-01", folder=tmp_path), "future")
    assert world.charges() == []


def test_a_run_says_what_was_refused_and_why_something_due_was_not_charged(
    world: World, tmp_path: Path
) -> None:
    world.start_trial("pays@example.com")
    world.start_trial("refused@example.com", "pm_card_chargeCustomerFail")
    for name in ("untold", "unheard"):
        world.start_trial(f"{name}@example.com", f"pm_card_visa__{name}")
    world.advance_to(local(2027, 3, 16, 8, 59))
    with psycopg.connect(world.url_of_database) as session:
        session.execute(
            "UPDATE message SET accepted_at = accepted_at + interval '3 days'"
            " WHERE kind = 'trial_notice' AND recipient LIKE 'un%'"
        )
    world.skip_to(local(2027, 3, 16, 9))
    done = run(held(world), "run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.strip() for line in done.stdout.splitlines()][:6] == [
        *("due 4", "charged 1", "refused 1", "unknown 0", "skipped 2"),
        "2: its notices did not arrive in time, so the charge moves and is announced anew",
    ]
    assert "declined" not in done.stdout


@pytest.mark.parametrize("reason", Skip, ids=str)
def test_each_reason_to_skip_is_told_in_words(reason: Skip) -> None:
    said = [line.strip() for line in lines({reason: 3})]
    assert {"skipped 3", f"3: {reason.__doc__}"} <= set(said)
    assert len(str(reason.__doc__)) > 30
