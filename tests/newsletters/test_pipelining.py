"""If the relay allows it, a mail's three commands are sent at once (RFC 2920); each answer still counts separately."""

from collections.abc import Callable, Iterator

import pytest

from billing.dev.fake_smtp import Step
from billing.mail.smtp import Accepted, Deferred, Outcome, RelayRefused, RelayUnknown, SmtpTransport
from tests.support.fake_smtp import FakeSmtp

MAIL = b"Subject: x\r\n\r\n.dot\r\n"


@pytest.fixture
def relay() -> Iterator[FakeSmtp]:
    with FakeSmtp(pipelining=True) as relay:
        yield relay


@pytest.fixture
def transport(relay: FakeSmtp) -> Iterator[SmtpTransport]:
    transport = SmtpTransport(relay.url, timeout=5)
    yield transport
    transport.close()


def send(transport: SmtpTransport, before_final_dot: Callable[[], None] | None = None) -> Outcome:
    return transport.send(
        MAIL, sender="a@k.example", recipient="b@k.example", before_final_dot=before_final_dot
    )


def test_three_questions_are_one_burst(relay: FakeSmtp, transport: SmtpTransport) -> None:
    noted: list[int] = []
    for _ in range(3):
        assert send(transport, before_final_dot=lambda: noted.append(len(relay.received))) == Accepted(
            "2.0.0 taken"
        )
    assert [mail.raw for mail in relay.received] == [MAIL] * 3
    assert noted == [0, 1, 2]  # before the relay had each
    assert relay.bursts.count(["MAIL", "RCPT", "DATA"]) == 3
    assert relay.connections == 1


@pytest.mark.parametrize("data", ["354 go", "503 no recipients", "554 no valid recipients"])
@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("rcpt", "550 5.1.1 unknown", RelayRefused(550, "5.1.1 unknown")),
        ("rcpt", "451 4.2.0 later", Deferred(451, "4.2.0 later")),
        ("mail", "554 5.7.1 not from you", RelayRefused(554, "5.7.1 not from you")),
    ],
)
def test_an_answer_before_the_text_decides_and_no_text_is_sent(
    relay: FakeSmtp, transport: SmtpTransport, data: str, step: Step, answer: str, outcome: Outcome
) -> None:
    relay.answer(answer, at=step)
    relay.answer(data, at="data")
    relay.refuse(554, "no valid recipients", at="dot")
    noted: list[str] = []
    found = send(transport, before_final_dot=lambda: noted.append("dot"))
    assert found == outcome
    assert getattr(found, "step", "") == step
    assert noted == []
    assert b"".join(relay.texts) == b""
    relay.mend()
    assert send(transport) == Accepted("2.0.0 taken")  # and the connection is as good as new
    assert relay.connections == 1


def test_an_answer_to_the_dot_decides(relay: FakeSmtp, transport: SmtpTransport) -> None:
    relay.refuse(554, "5.7.1 spam", at="dot", times=1)
    found = send(transport)
    assert found == RelayRefused(554, "5.7.1 spam")
    assert getattr(found, "step", "") == "dot"
    relay.drop("dot")
    assert isinstance(send(transport), RelayUnknown)


def test_notes_that_cannot_be_written_call_the_mail_off(relay: FakeSmtp, transport: SmtpTransport) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    found = send(transport, before_final_dot=full)
    assert isinstance(found, Deferred)
    assert "No space left" in found.reply
    assert relay.texts == []
    assert send(transport) == Accepted("2.0.0 taken")
    assert relay.texts == [MAIL]
