"""The demo's mailbox stores accepted mails, and reads a folder with any content."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.dev.mailbox import LETTER_ID, find, keep, let_greylist, parse, read
from billing.dev.previews.mails import HOUSE, samples
from billing.mail.mime import to_bytes
from billing.mail.smtp import Accepted, Deferred, Outcome, SmtpTransport
from emails import render

AT = datetime(2026, 3, 16, 7, tzinfo=UTC)
RECEIPT = render(samples()["receipt"], HOUSE)


def mail(to: str = "thandi@reader.example", at: datetime = AT, number: int = 1) -> bytes:
    return to_bytes(
        rendered=RECEIPT,
        sender="The Karoo Courier <hello@karoo-courier.example>",
        recipient=to,
        message_id=f"<msg_{number}@karoo-courier.example>",
        date=at,
    )


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The mailbox in a process of its own, and its address."""
    command = [sys.executable, "-m", "billing.dev.mailbox", "--port", str(port), "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        ready = re.match(
            r"mailbox ready at (smtp://127\.0\.0\.1:\d+), keeping mail in ", process.stdout.readline()
        )
        assert ready
        yield process, ready.group(1)
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_what_it_accepts_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "new" / "mailbox"
    with running(folder) as (process, url):
        transport = SmtpTransport(url, timeout=10)
        outcome = transport.send(
            mail(), sender="hello@karoo-courier.example", recipient="thandi@reader.example"
        )
        assert outcome == Accepted("2.0.0 kept")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    (letter,) = read(folder)
    assert letter.raw == mail()
    assert [path.name for path in folder.iterdir()] == [f"{letter.id}.eml"]


def test_a_taken_port_and_an_unusable_folder_are_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        says = refused(tmp_path, taken.getsockname()[1])
        assert "cannot start on port" in says
        assert "in use" in says.lower()
    (tmp_path / "file").write_text("")
    assert "cannot start" in refused(tmp_path / "file" / "below", 0)


def refused(folder: Path, port: int) -> str:
    command = [sys.executable, "-m", "billing.dev.mailbox", "--port", str(port), "--dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_a_letter_holds_what_was_written(tmp_path: Path) -> None:
    letter_id = keep(tmp_path, mail())
    letter = find(tmp_path, letter_id)
    assert letter == read(tmp_path)[0]
    assert (letter.id, letter.at, letter.sender) == (letter_id, AT, "hello@karoo-courier.example")
    assert (letter.recipient, letter.subject) == ("thandi@reader.example", RECEIPT.subject)
    assert letter.text == RECEIPT.text
    assert letter.html.rstrip() == RECEIPT.html.rstrip()
    assert letter.header("auto-submitted") == "auto-generated"
    assert letter.header("List-Unsubscribe") is None
    assert letter.links[0] == samples()["receipt"].cancel_url  # type: ignore[attr-defined]  # a receipt has one
    assert re.fullmatch(r"[A-Za-z0-9_-]+", letter_id)


def test_letters_come_newest_first_by_their_own_date_then_by_arrival(tmp_path: Path) -> None:
    days = [3, 1, 2, 2]
    ids = [keep(tmp_path, mail(at=AT + timedelta(days=day), number=place)) for place, day in enumerate(days)]
    assert [letter.id for letter in read(tmp_path)] == [ids[0], ids[3], ids[2], ids[1]]
    assert [letter.id for letter in read(tmp_path, limit=2)] == [ids[0], ids[3]]


def test_one_reader_sees_only_their_letters(tmp_path: Path) -> None:
    keep(tmp_path, mail("thandi@reader.example"))
    keep(tmp_path, mail("Johan@reader.example"))
    assert [letter.recipient for letter in read(tmp_path, to="johan@READER.example ")] == [
        "Johan@reader.example"
    ]
    assert read(tmp_path, to="johan") == []
    assert len(read(tmp_path)) == 2


def test_a_folder_of_anything_is_read_without_harm(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere") == []
    good = keep(tmp_path, mail())
    (tmp_path / ".unfinished.tmp").write_bytes(mail()[:100])
    (tmp_path / "notes.txt").write_text("not a mail")
    (tmp_path / "a name with spaces.eml").write_bytes(mail())
    (tmp_path / "folder.eml").mkdir()
    (tmp_path / "dangling.eml").symlink_to(tmp_path / "nothing")
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / "half.eml").write_bytes(mail()[:700])
    (tmp_path / "noise.eml").write_bytes(bytes(range(256)) * 20)
    os.utime(tmp_path / "empty.eml", (0, 0))
    letters = {letter.id: letter for letter in read(tmp_path)}
    assert set(letters) == {good, "empty", "half", "noise"}
    assert letters["empty"].at == datetime(1970, 1, 1, tzinfo=UTC)
    assert letters["half"].recipient == "thandi@reader.example"


def test_a_file_that_is_still_being_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "foreign.eml"
    path.write_bytes(mail()[:900])
    assert len(read(tmp_path)[0].raw) == 900
    path.write_bytes(mail())
    assert read(tmp_path)[0].raw == mail()


@pytest.mark.parametrize("letter_id", ["../secret", "..", "", "a/b", "a\0b", "nothing", "x" * 200, ".hidden"])
def test_only_ids_of_letters_find_one(tmp_path: Path, letter_id: str) -> None:
    (tmp_path / "secret.eml").write_bytes(mail())
    (tmp_path / "box").mkdir()
    assert find(tmp_path / "box", letter_id) is None


def test_ids_are_safe_in_a_url_and_sort_by_arrival(tmp_path: Path) -> None:
    ids = [keep(tmp_path, mail(number=number)) for number in range(20)]
    assert ids == sorted(ids)
    assert all(LETTER_ID.fullmatch(one) for one in ids)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=400) | st.binary(max_size=400).map(lambda noise: mail()[:500] + noise))
def test_any_bytes_are_a_letter_of_sorts(raw: bytes) -> None:
    letter = parse("id", raw, arrived=AT)
    assert letter.raw == raw
    assert letter.at.tzinfo is not None


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: text/plain; charset=nonsense\r\n",
        b"Content-Type: multipart/alternative\r\n",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n",
        b"Date: someday\r\n",
        b"Date: Mon, 16 Mar 99999 09:00:00 +9999\r\n",
        b"To: @@@ <<>>, ,\r\nFrom: \xff\r\n",
        b"Subject: =?utf-8?b?////?=\r\nMessage-ID: <<>\r\n",
    ],
)
def test_odd_heads_do_not_hurt(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "odd.eml").write_bytes(head + b"\r\n\xff body\r\n")
    (letter,) = read(tmp_path)
    assert letter.raw.startswith(head)


def test_a_foreign_mail_without_a_zone_is_taken_as_utc(tmp_path: Path) -> None:
    (tmp_path / "foreign.eml").write_bytes(
        f"Date: {format_datetime(AT.replace(tzinfo=None))}\r\n\r\nhi\r\n".encode()
    )
    (letter,) = read(tmp_path)
    assert (letter.at, letter.text) == (AT, "hi\n")


def test_a_full_or_vanished_folder_asks_the_sender_to_try_again(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    with running(folder) as (_, url):
        folder.rmdir()
        transport = SmtpTransport(url, timeout=10)
        outcome = transport.send(mail(), sender="a@k.example", recipient="b@k.example")
        assert outcome.__class__.__name__ == "Deferred"
        folder.mkdir()
        assert transport.send(mail(), sender="a@k.example", recipient="b@k.example") == Accepted("2.0.0 kept")
        transport.close()


def test_while_it_greylists_each_mail_is_taken_when_it_is_tried_again(tmp_path: Path) -> None:
    let_greylist(tmp_path, on=True)
    with running(tmp_path) as (_, url):
        transport = SmtpTransport(url, timeout=10)

        def offer(number: int) -> Outcome:
            sender, recipient = "hello@karoo-courier.example", "thandi@reader.example"
            return transport.send(mail(number=number), sender=sender, recipient=recipient)

        put_off = Deferred(451, "4.7.1 Greylisting in action, please come back later")
        assert [offer(1), offer(2), offer(1)] == [put_off, put_off, Accepted("2.0.0 kept")]
        let_greylist(tmp_path, on=False)
        assert offer(3) == Accepted("2.0.0 kept")
    assert len(read(tmp_path)) == 2
