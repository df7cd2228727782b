"""The real `billing demo`: it answers, says where, stops whole, and refuses in one line."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.support.polling import eventually

PARTS = {"web", "worker", "sandbox", "mailbox", "postgres"}


class Running:
    """A demo process under test."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        command = [sys.executable, "-m", "billing.cli", "demo", "--data", str(data), *arguments]
        self.launcher = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def card(self) -> dict[str, Any]:
        """What demo.json says once all answer."""
        path = self.data / "demo.json"
        assert eventually(lambda: path.exists() or self.launcher.poll() is not None)
        assert path.exists(), self.end()
        card: dict[str, Any] = json.loads(path.read_text())
        return card

    def family(self) -> dict[str, psutil.Process]:
        """The processes it started, by the part they play."""
        found = {}
        for child in psutil.Process(self.launcher.pid).children():
            line = " ".join(child.cmdline())
            for part, mark in {
                "web": "billing.cli serve",
                "worker": "billing.cli worker",
                "sandbox": "billing.sandbox",
                "mailbox": "billing.mail.mailbox",
                "postgres": "bin/postgres",
            }.items():
                if mark in line:
                    found[part] = child
        return found

    def all_processes(self) -> list[psutil.Process]:
        return psutil.Process(self.launcher.pid).children(recursive=True)

    def end(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr, once it has ended."""
        out, err = self.launcher.communicate()
        return self.launcher.returncode, out, err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def demo(data: Path) -> Iterator[Running]:
    running = Running(data, "--port", "0")
    yield running
    if running.launcher.poll() is None:
        running.launcher.terminate()
        running.end()


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(processes: list[psutil.Process]) -> bool:
    return eventually(lambda: all(map(gone, processes)))


def assert_a_worker_is_seen(card: dict[str, Any]) -> None:
    """At once: the card appears only when all answer."""
    assert httpx.get(f"{card['url']}/readyz").json()["worker"]["state"] == "seen"


def assert_it_says_where_and_what_to_try(said: str, card: dict[str, Any], data: Path) -> None:
    """All that a newcomer has is what stands on the terminal."""
    rows = dict(re.findall(r"^  (\S.*?)  +(\S+)$", said, re.MULTILINE))
    assert rows["The paper"] == card["url"]
    assert rows["Staff"] == card["staff_sign_in_url"]
    assert rows["Your mailbox"] == card["mailbox_url"]
    assert rows["Sandbox Stripe"] == f"{card['sandbox_url']}/_sandbox"
    assert rows["For programs"] == str(data / "demo.json")
    _, try_, what = said.partition("\nTry\n")
    assert try_
    for words in (
        "start a trial",
        "4242 4242 4242 4242",
        "billing clock advance 16d",
        "mailbox",
        "staff link",
    ):
        assert words in what, words
    assert "Ctrl-C stops everything" in what


def test_it_answers_where_the_card_says_and_keeps_what_was_done(demo: Running, data: Path) -> None:
    card = demo.card()
    assert_a_worker_is_seen(card)
    assert httpx.get(f"{card['sandbox_url']}/_sandbox/state").status_code == 200
    assert httpx.get(card["mailbox_url"]).status_code == 200
    assert set(card["articles"]) == {"free", "registered", "metered", "subscriber"}
    asked = httpx.get(
        f"{card['url']}/v1/access/{card['articles']['free'][0]}",
        headers={"Authorization": f"Bearer {card['api_key']}"},
    )
    assert asked.json()["allowed"] is True
    with psycopg.connect(card["database_url"]) as connection:
        connection.execute("CREATE TABLE left_by_test ()")
    family = demo.family()
    assert set(family) == PARTS
    processes = demo.all_processes()
    demo.launcher.terminate()
    status, out, err = demo.end()
    assert (status, err) == (0, "")
    assert_it_says_where_and_what_to_try(out, card, data)
    assert "\x1b" not in out
    assert all_gone(processes)
    assert not (data / "demo.json").exists()

    again = Running(data, "--port", "0")
    try:
        second = again.card()
        assert_a_worker_is_seen(second)
        assert second["sandbox_secret_key"] == card["sandbox_secret_key"]
        assert second["articles"] == card["articles"]
        with psycopg.connect(second["database_url"]) as connection:
            assert connection.execute("SELECT count(*) FROM left_by_test").fetchone() == (0,)
    finally:
        again.launcher.send_signal(signal.SIGINT)
        assert again.end()[0] == 0


@pytest.mark.prove
@pytest.mark.parametrize(
    "part", ["worker", *(pytest.param(part, marks=pytest.mark.prove) for part in sorted(PARTS - {"worker"}))]
)
def test_a_killed_part_ends_all(demo: Running, part: str) -> None:
    demo.card()
    processes = demo.all_processes()
    demo.family()[part].kill()
    status, _, err = demo.end()
    assert status == 1
    assert err.startswith(f"masthead: {part} was killed by SIGKILL") or (
        part == "postgres" and err.startswith("masthead: ")  # its death may take another part down first
    )
    assert "Traceback" not in err.splitlines()[0]
    assert all_gone(processes)


@pytest.mark.prove
def test_nothing_stays_when_the_launcher_itself_is_killed(demo: Running, data: Path) -> None:
    demo.card()
    processes = demo.all_processes()
    demo.launcher.kill()
    demo.end()
    assert all_gone(processes)
    assert eventually(lambda: not (data / "demo.json").exists())


def test_stopped_while_it_starts(demo: Running, data: Path) -> None:
    assert eventually(lambda: (data / "postgres" / "cluster").exists())
    processes = demo.all_processes()
    demo.launcher.terminate()
    status, _, err = demo.end()
    assert (status, err) == (0, "")
    assert all_gone(processes)


def refusal(data: Path, *arguments: str) -> str:
    status, _, err = Running(data, *arguments).end()
    assert status == 1
    assert err.startswith("masthead: ")
    assert err.count("\n") == 1
    return err


def test_one_demo_on_a_folder(demo: Running, data: Path) -> None:
    demo.card()
    assert "is running on" in refusal(data, "--port", "0")
    assert httpx.get(f"{demo.card()['url']}/readyz").status_code == 200


def test_a_port_in_use(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} cannot be used" in refusal(data, "--port", str(port))


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_not_a_port(data: Path, port: str) -> None:
    assert "PORT must be a number from 1 to 65535" in refusal(data, f"--port={port}")


def test_a_file_in_place_of_the_folder(data: Path) -> None:
    data.write_text("")
    assert "Cannot write to" in refusal(data, "--port", "0")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_we_may_not_write(data: Path) -> None:
    data.mkdir(mode=0o500)
    assert "permission denied" in refusal(data, "--port", "0")


def test_a_broken_database(data: Path) -> None:
    cluster = data / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n")
    assert "move the folder away to begin anew" in refusal(data, "--port", "0")
