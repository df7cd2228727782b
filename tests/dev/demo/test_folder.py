"""The demo's folder: kept keys, free ports, the card for other programs, and clear refusals."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from billing.dev.demo.folder import DemoFolder, free_port, read_port
from billing.platform.errors import RefusesToStart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo data"


def test_keys_and_ports_are_kept(path: Path) -> None:
    folder = DemoFolder(path)
    first = folder.keep()
    folder.close()
    again = DemoFolder(path)
    assert again.keep() == first
    again.close()
    assert len(first.secret_key) >= 32
    assert first.stripe_secret_key.startswith("sk_test_sandbox_")
    assert (path / "kept.json").stat().st_mode & 0o777 == 0o600


def test_a_port_taken_meanwhile_is_replaced(path: Path) -> None:
    folder = DemoFolder(path)
    first = folder.keep()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.smtp_port))
        other.listen()
        second = folder.keep()
    assert second.smtp_port not in (first.smtp_port, second.sandbox_port)
    assert second.secret_key == first.secret_key
    folder.close()


def test_the_card_comes_whole_and_goes_at_the_end(path: Path) -> None:
    folder = DemoFolder(path)
    folder.put_card({"url": "http://x"}, {"BILLING_MAIL_FROM": "it's; $(rm) <a@b.c>"})
    assert json.loads(folder.card.read_text()) == {"url": "http://x"}
    assert folder.card.stat().st_mode & 0o777 == 0o600
    shell = f'. "{folder.environment}" && printf %s "$BILLING_MAIL_FROM"'
    assert subprocess.check_output(["sh", "-c", shell], text=True) == "it's; $(rm) <a@b.c>"
    folder.close()
    assert not folder.card.exists()
    assert not folder.environment.exists()


def test_a_card_left_by_a_killed_demo_is_taken_away(path: Path) -> None:
    path.mkdir()
    (path / "demo.json").write_text("{}")
    folder = DemoFolder(path)
    assert not folder.card.exists()
    folder.close()


def test_one_demo_on_a_folder(path: Path) -> None:
    folder = DemoFolder(path)
    with pytest.raises(RefusesToStart, match=r"is running on .* already"):
        DemoFolder(path)
    folder.close()
    DemoFolder(path).close()


def test_a_file_in_place_of_the_folder(path: Path) -> None:
    path.write_text("")
    with pytest.raises(RefusesToStart, match=r"Cannot write to .*: file exists"):
        DemoFolder(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_we_may_not_write(path: Path) -> None:
    path.mkdir(mode=0o500)
    with pytest.raises(RefusesToStart, match=r"Cannot write to .*: permission denied"):
        DemoFolder(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"unknown": 1}', ""])
def test_kept_keys_that_cannot_be_read(path: Path, text: str) -> None:
    folder = DemoFolder(path)
    (path / "kept.json").write_text(text)
    with pytest.raises(RefusesToStart, match=r"kept\.json cannot be read"):
        folder.keep()
    folder.close()


@pytest.mark.parametrize("port", ["", "http", "-1", "65536", "80.5", "8 0", "²", 70000])
def test_not_a_port(port: int | str) -> None:
    with pytest.raises(RefusesToStart, match="PORT must be a number from 1 to 65535"):
        read_port(port)


def test_ports() -> None:
    assert read_port("8000") == read_port(8000) == 8000
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(RefusesToStart, match=f"Port {taken} cannot be used: address already in use"):
            free_port(taken)
    assert free_port(0) > 0
