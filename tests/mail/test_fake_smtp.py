"""A reset of the tests' SMTP server leaves nothing behind for the next test."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from billing.dev.mailbox import ReceivedMail
from tests.support.fake_smtp import FakeSmtp


@pytest.fixture
def smtp() -> Iterator[FakeSmtp]:
    with FakeSmtp(pipelining=True) as smtp:
        yield smtp


def send(smtp: FakeSmtp) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port, "localhost") as client:
        client.sendmail("a@k.example", ["b@k.example"], b"Subject: hello\r\n\r\nhello\r\n")


def test_after_a_reset_it_is_as_new(smtp: FakeSmtp) -> None:
    send(smtp)
    url = smtp.url
    smtp.refuse(550, at="mail")
    smtp.answer("what?", at="dot")
    smtp.silence("greeting")
    smtp.drop("rcpt", times=None)
    smtp.reset()
    assert (smtp.received, smtp.letters, smtp.texts, smtp.bursts, smtp.connections) == ([], [], [], [], 0)
    send(smtp)
    assert [letter.subject for letter in smtp.letters] == ["hello"]
    assert (smtp.connections, smtp.url) == (1, url)


def test_a_reset_hangs_up_whatever_the_conversation_is_at(smtp: FakeSmtp) -> None:
    with (
        socket.create_connection(("127.0.0.1", smtp.port)) as idle,
        socket.create_connection(("127.0.0.1", smtp.port)) as in_text,
        socket.create_connection(("127.0.0.1", smtp.port)) as silent,
    ):
        for client in (idle, in_text, silent):
            client.settimeout(10)
        smtp.silence("mail", times=1)
        _say(silent, b"EHLO a\r\nMAIL FROM:<a@k.example>\r\n", until=b"HELP")
        smtp.mend()
        _say(in_text, b"EHLO a\r\nMAIL FROM:<a@k.example>\r\nRCPT TO:<b@k.example>\r\nDATA\r\n", until=b"354")
        in_text.sendall(b"Subject: too late\r\n\r\n.\r\n")
        smtp.reset()
        assert smtp.connections == 0
        for client in (idle, in_text, silent):
            _is_gone(client)
    assert smtp.received == []


def _say(client: socket.socket, words: bytes, *, until: bytes) -> None:
    client.sendall(words)
    got = b""
    while until not in got:
        got += client.recv(4096)


def _is_gone(client: socket.socket) -> None:
    try:
        while client.recv(4096):
            pass  # what it said before
    except ConnectionResetError:
        return


def test_a_connection_that_nobody_has_accepted_yet_is_not_left_to_the_next_test(smtp: FakeSmtp) -> None:
    for _ in range(20):
        clients = [socket.create_connection(("127.0.0.1", smtp.port)) for _ in range(10)]
        smtp.reset()
        assert smtp.connections == 0
        for client in clients:
            client.settimeout(10)
            _is_gone(client)
            client.close()
    assert smtp.connections == 0


def test_a_connection_reads_no_property_of_the_server() -> None:
    """aiosmtpd reads every attribute of its handler for each connection; `letters` would parse all mails each time."""

    class Costly(FakeSmtp):
        @property
        def letters(self) -> list[ReceivedMail]:
            raise AssertionError("read for a connection")

    with Costly() as smtp, smtplib.SMTP("127.0.0.1", smtp.port, timeout=10) as client:
        assert client.ehlo()[0] == 250
