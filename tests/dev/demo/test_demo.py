"""The real `billing demo`: it answers, prints its addresses, stops completely, and refuses in one line."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.support.demo import MARKS, Demo, DemoProcess, SharedDemo
from tests.support.polling import eventually
from tests.support.processes import has_ended
from tests.support.proof_size import only_at_length


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def own_demo(data: Path) -> Iterator[DemoProcess]:
    """A demo that the test may end. It was just started, and nothing answers yet."""
    started = DemoProcess(data, "--port", "0")
    yield started
    if started.runs:
        started.launcher.terminate()
        started.end()


def all_gone(processes: list[psutil.Process]) -> bool:
    return eventually(lambda: all(map(has_ended, processes)))


def assert_a_worker_is_seen(card: dict[str, Any]) -> None:
    """At once: the card appears only when all answer."""
    assert httpx.get(f"{card['url']}/readyz").json()["worker"]["state"] == "seen"


def assert_it_says_where_and_what_to_try(said: str, card: dict[str, Any], data: Path) -> None:
    """A newcomer has only the terminal's output."""
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


def test_it_answers_where_the_card_says_and_keeps_what_was_done(shared_demo: SharedDemo) -> None:
    demo = shared_demo.running()
    card = demo.card
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
    family = demo.process.family()
    assert set(family) == set(MARKS)
    processes = demo.process.all_processes()
    demo.stop(signal.SIGINT)
    assert_it_says_where_and_what_to_try(demo.words, card, demo.data)
    assert "\x1b" not in demo.words
    assert all_gone(processes)
    assert not (demo.data / "demo.json").exists()

    second = shared_demo.running().card
    assert_a_worker_is_seen(second)
    assert second["sandbox_secret_key"] == card["sandbox_secret_key"]
    assert second["articles"] == card["articles"]
    with psycopg.connect(second["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM left_by_test").fetchone() == (0,)
        connection.execute("DROP TABLE left_by_test")


@pytest.mark.prove
@pytest.mark.parametrize(
    "part",
    ["worker", *(pytest.param(part, marks=only_at_length) for part in sorted(MARKS.keys() - {"worker"}))],
)
def test_a_killed_part_ends_all(own_demo: DemoProcess, part: str) -> None:
    own_demo.card()
    processes = own_demo.all_processes()
    own_demo.family()[part].kill()
    status, _, err = own_demo.end()
    assert status == 1
    assert err.startswith(f"masthead: {part} was killed by SIGKILL") or (
        part == "postgres" and err.startswith("masthead: ")  # its death may take another part down first
    )
    assert "Traceback" not in err.splitlines()[0]
    assert all_gone(processes)


@pytest.mark.prove
def test_nothing_stays_when_the_launcher_itself_is_killed(own_demo: DemoProcess, data: Path) -> None:
    own_demo.card()
    processes = own_demo.all_processes()
    own_demo.launcher.kill()
    own_demo.end()
    assert all_gone(processes)
    assert eventually(lambda: not (data / "demo.json").exists())


def test_stopped_while_it_starts(own_demo: DemoProcess, data: Path) -> None:
    assert eventually(lambda: (data / "postgres" / "cluster").exists())
    processes = own_demo.all_processes()
    own_demo.launcher.terminate()
    status, _, err = own_demo.end()
    assert (status, err) == (0, "")
    assert all_gone(processes)


def refusal(data: Path, *arguments: str) -> str:
    status, _, err = DemoProcess(data, *arguments).end()
    assert status == 1
    assert err.startswith("masthead: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.prove
def test_at_localhost_there_are_passkeys(data: Path) -> None:
    """They are bound to a name, and 127.0.0.1 is none."""
    process = DemoProcess(data, "--port", "0", "--name", "localhost")
    url = str(process.card()["url"])
    assert url.startswith("http://localhost:")
    with httpx.Client(trust_env=False, follow_redirects=True) as http:
        page = http.get(url.replace("localhost", "127.0.0.1") + "/sign-in")
    assert str(page.url) == f"{url}/sign-in"
    assert "Use a passkey" in page.text
    process.launcher.terminate()
    assert process.end()[0] == 0


def test_one_demo_on_a_folder(demo: Demo) -> None:
    assert "is running on" in refusal(demo.data, "--port", "0")
    assert httpx.get(f"{demo.url}/readyz").status_code == 200


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
