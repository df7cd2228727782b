"""Where the relay allows it, a mail's three questions are asked at once (RFC 2920); every answer still decides by itself."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from billing.mail.smtp import Accepted, Deferred, Outcome, Refused, SmtpTransport, Unknown

TAKEN = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 2.0.0 taken"}


class Relay:
    """Reads all that has come before it answers any of it; answers by a table that a test may change."""

    def __init__(self) -> None:
        self.answers = dict(TAKEN)
        self.texts: list[bytes] = []
        self.bursts: list[list[str]] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"220 relay\r\n")
        rest, text = b"", False
        while some := connection.recv(100_000):
            rest += some
            burst: list[str] = []
            replies = b""
            while True:
                if text:
                    at = 0 if rest.startswith(b".\r\n") else rest.find(b"\r\n.\r\n") + 2
                    if at == 1:
                        break
                    self.texts.append(rest[:at])
                    rest, text = rest[at + 3 :], False
                    replies += self._say(".")
                    if self.answers["."] == "hang up":
                        connection.close()
                        return
                line, end, after = rest.partition(b"\r\n")
                if not end:
                    break
                rest = after
                word = line.decode()[:4].upper()
                burst.append(word)
                replies += b"250-relay\r\n250 PIPELINING\r\n" if word == "EHLO" else self._say(word)
                text = word == "DATA" and self.answers["DATA"].startswith("354")
            self.bursts.append(burst)
            connection.sendall(replies)

    def _say(self, word: str) -> bytes:
        return f"{self.answers.get(word, '250 ok')}\r\n".encode()


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay()
    yield relay
    relay.close()


@pytest.fixture
def transport(relay: Relay) -> Iterator[SmtpTransport]:
    transport = SmtpTransport(relay.url, timeout=5)
    yield transport
    transport.close()


def send(transport: SmtpTransport, before_dot: Callable[[], None] | None = None) -> Outcome:
    return transport.send(
        b"Subject: x\r\n\r\n.dot\r\n", sender="a@k.example", recipient="b@k.example", before_dot=before_dot
    )


def test_three_questions_are_one_burst(relay: Relay, transport: SmtpTransport) -> None:
    noted: list[int] = []
    for _ in range(3):
        assert send(transport, before_dot=lambda: noted.append(len(relay.texts))) == Accepted("2.0.0 taken")
    assert relay.texts == [b"Subject: x\r\n\r\n..dot\r\n"] * 3
    assert noted == [0, 1, 2]  # before the relay had each
    assert relay.bursts.count(["MAIL", "RCPT", "DATA"]) == 3
    assert relay.connections == 1


@pytest.mark.parametrize("data", ["354 go", "503 no recipients", "554 no valid recipients"])
@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("RCPT", "550 5.1.1 unknown", Refused(550, "5.1.1 unknown")),
        ("RCPT", "451 4.2.0 later", Deferred(451, "4.2.0 later")),
        ("MAIL", "554 5.7.1 not from you", Refused(554, "5.7.1 not from you")),
    ],
)
def test_an_answer_before_the_text_decides_and_no_text_is_sent(
    relay: Relay, transport: SmtpTransport, data: str, step: str, answer: str, outcome: Outcome
) -> None:
    relay.answers |= {step: answer, "DATA": data, ".": "554 no valid recipients"}
    noted: list[str] = []
    found = send(transport, before_dot=lambda: noted.append("dot"))
    assert found == outcome
    assert getattr(found, "step", "") == step.lower()
    assert noted == []
    assert b"".join(relay.texts) == b""
    relay.answers = dict(TAKEN)
    assert send(transport) == Accepted("2.0.0 taken")  # and the connection is as good as new
    assert relay.connections == 1


def test_an_answer_to_the_dot_decides(relay: Relay, transport: SmtpTransport) -> None:
    relay.answers["."] = "554 5.7.1 spam"
    found = send(transport)
    assert found == Refused(554, "5.7.1 spam")
    assert getattr(found, "step", "") == "dot"
    relay.answers["."] = "hang up"
    assert isinstance(send(transport), Unknown)


def test_notes_that_cannot_be_written_call_the_mail_off(relay: Relay, transport: SmtpTransport) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    found = send(transport, before_dot=full)
    assert isinstance(found, Deferred)
    assert "No space left" in found.reply
    assert relay.texts == []
    assert send(transport) == Accepted("2.0.0 taken")
    assert relay.texts == [b"Subject: x\r\n\r\n..dot\r\n"]
