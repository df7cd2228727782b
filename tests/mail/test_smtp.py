"""The exact outcome of a mail: accepted, deferred, refused, or unknown (S3, S5, A7)."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.dev.fake_smtp import Step
from billing.mail.smtp import (
    Accepted,
    BadRelay,
    Deferred,
    Outcome,
    PlainRelay,
    RelayRefused,
    RelayUnknown,
    SmtpTransport,
)
from tests.support.fake_smtp import FakeSmtp

IMPATIENT_SECONDS = 0.01
"""The time-out of a socket to a relay that never answers: the only thing here that takes real time."""
MAIL = b"From: a@k.example\r\nTo: b@k.example\r\nSubject: hello\r\n\r\n.dots\r\n..more\r\nend\r\n"


@pytest.fixture
def smtp() -> Iterator[FakeSmtp]:
    with FakeSmtp() as smtp:
        yield smtp


@pytest.fixture
def transport(smtp: FakeSmtp) -> Iterator[SmtpTransport]:
    transport = SmtpTransport(smtp.url, timeout=5)
    yield transport
    transport.close()


def send(transport: SmtpTransport, to: str = "b@k.example", content: bytes = MAIL) -> Outcome:
    return transport.send(content, sender="a@k.example", recipient=to)


def test_mails_share_one_connection_and_arrive_byte_for_byte(
    smtp: FakeSmtp, transport: SmtpTransport
) -> None:
    assert [send(transport) for _ in range(3)] == [Accepted("2.0.0 taken")] * 3
    assert [mail.raw for mail in smtp.received] == [MAIL] * 3
    assert smtp.connections == 1


@pytest.mark.parametrize(
    "content", [b"a\nb", b"a\rb\r\n", b"", b".", b"\r\n.\r\nMAIL FROM:<x@k.example>\r\n"]
)
def test_no_content_ends_its_own_transaction(
    smtp: FakeSmtp, transport: SmtpTransport, content: bytes
) -> None:
    assert send(transport, content=content) == Accepted("2.0.0 taken")
    assert send(transport) == Accepted("2.0.0 taken")
    assert [mail.raw for mail in smtp.received][1:] == [MAIL]
    wanted = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert smtp.received[0].raw == (wanted if wanted.endswith(b"\r\n") else wanted + b"\r\n")


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(
    ("code", "kind"), [(450, Deferred), (454, Deferred), (550, RelayRefused), (554, RelayRefused)]
)
def test_an_answer_decides_at_every_step(
    smtp: FakeSmtp, transport: SmtpTransport, at: Step, code: int, kind: type[Deferred] | type[RelayRefused]
) -> None:
    smtp.refuse(code, "5.1.1 no", at=at, times=1)
    assert send(transport) == kind(code, "5.1.1 no")
    assert smtp.received == []
    assert send(transport) == Accepted("2.0.0 taken")
    assert smtp.connections == 1


def test_one_reader_is_refused_and_the_next_is_not(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    smtp.refuse(550, "5.1.1 unknown", to="gone@k.example")
    assert send(transport, "gone@k.example") == RelayRefused(550, "5.1.1 unknown")
    assert send(transport, "here@k.example") == Accepted("2.0.0 taken")
    assert [letter.subject for letter in smtp.letters] == ["hello"]


def test_the_nth_mail_can_be_put_off(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    smtp.refuse(451, at="dot", nth=2, times=1)
    assert [type(send(transport)) for _ in range(3)] == [Accepted, Deferred, Accepted]


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "dot"])
def test_a_relay_that_says_goodbye_is_asked_once_more(
    smtp: FakeSmtp, transport: SmtpTransport, at: Step
) -> None:
    send(transport)
    smtp.refuse(421, "4.7.0 closing", at=at, times=1)
    assert send(transport) == Accepted("2.0.0 taken")
    smtp.refuse(421, "4.7.0 closing", at=at)
    assert send(transport) == Deferred(421, "4.7.0 closing")
    assert len(smtp.received) == 2


def test_an_idle_connection_that_was_closed_is_opened_again(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    assert send(transport) == Accepted("2.0.0 taken")
    smtp.hang_up()
    assert send(transport) == Accepted("2.0.0 taken")
    assert (len(smtp.received), smtp.connections) == (2, 2)


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
def test_a_break_before_the_text_is_put_off(smtp: FakeSmtp, transport: SmtpTransport, at: Step) -> None:
    smtp.drop(at, times=None)
    outcome = send(transport)
    assert isinstance(outcome, Deferred)
    assert outcome.code == 0
    assert smtp.received == []


def test_a_break_in_the_middle_of_a_long_text_is_put_off(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    smtp.drop("before-dot")
    outcome = send(transport, content=MAIL + (b"x" * 990 + b"\r\n") * 20_000)
    assert isinstance(outcome, Deferred)
    assert outcome.code == 0


@pytest.mark.parametrize(("at", "kept"), [("dot", 0), ("after-dot", 1)])
def test_a_break_after_the_dot_is_not_known_and_not_repeated(
    smtp: FakeSmtp, transport: SmtpTransport, at: Step, kept: int
) -> None:
    send(transport)
    smtp.drop(at)
    outcome = send(transport)
    assert isinstance(outcome, RelayUnknown)
    assert "after the final dot" in outcome.reason
    assert len(smtp.received) == 1 + kept
    assert send(transport) == Accepted("2.0.0 taken")


def test_a_relay_that_never_answers_the_dot_leaves_it_unknown(
    smtp: FakeSmtp, transport: SmtpTransport
) -> None:
    def lose_patience() -> None:
        """Everything before the dot is answered. The tests are about missing answers after it."""
        for connection in transport._open:
            assert connection.sock is not None
            connection.sock.settimeout(IMPATIENT_SECONDS)

    smtp.silence("dot")
    outcome = transport.send(
        MAIL, sender="a@k.example", recipient="b@k.example", before_final_dot=lose_patience
    )
    assert isinstance(outcome, RelayUnknown)
    assert smtp.texts == [MAIL]


def test_nonsense_after_the_dot_leaves_it_unknown(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    smtp.answer("what?", at="dot")
    assert isinstance(send(transport), RelayUnknown)


def test_a_nul_in_an_answer_is_left_out(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    """PostgreSQL's text can't hold one, so the mail could not be marked."""
    smtp.answer("250 2.0.0 taken\0 as 7", at="dot", times=1)
    assert send(transport) == Accepted("2.0.0 taken as 7")
    smtp.refuse(550, "5.1.1 no\0 such mailbox", at="rcpt")
    assert send(transport) == RelayRefused(550, "5.1.1 no such mailbox")


def test_a_relay_that_does_not_let_us_in_says_nothing_about_the_reader(
    smtp: FakeSmtp, transport: SmtpTransport
) -> None:
    smtp.refuse(554, "5.7.1 not you", at="greeting")
    assert send(transport) == Deferred(554, "SMTPConnectError: 5.7.1 not you")


def test_a_relay_that_never_greets_is_put_off(smtp: FakeSmtp) -> None:
    smtp.silence("greeting")
    outcome = send(SmtpTransport(smtp.url, timeout=IMPATIENT_SECONDS))
    assert isinstance(outcome, Deferred)
    assert outcome.code == 0


def test_nobody_listening_is_put_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = send(SmtpTransport(f"smtp://127.0.0.1:{port}"))
    assert isinstance(outcome, Deferred)
    assert "ConnectionRefusedError" in outcome.reply


@pytest.mark.parametrize("address", ["ü@k.example", "a@k.example>\r\nRCPT TO:<x@k.example", "nobody", ""])
def test_an_address_that_smtp_cannot_say_is_refused_unsent(
    smtp: FakeSmtp, transport: SmtpTransport, address: str
) -> None:
    outcome = send(transport, address)
    assert isinstance(outcome, RelayRefused)
    assert outcome.code == 0
    assert smtp.connections == 0


def test_each_thread_has_its_own_connection(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    outcomes: list[Outcome] = []

    def work(number: int) -> None:
        outcomes.extend(send(transport, f"reader{number}@k.example") for _ in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Accepted("2.0.0 taken")] * 40
    assert smtp.connections == 4
    assert all(len(smtp.received_for(f"reader{number}@k.example")) == 10 for number in range(4))


def test_after_close_the_next_mail_opens_a_connection(smtp: FakeSmtp, transport: SmtpTransport) -> None:
    send(transport)
    transport.close()
    assert send(transport) == Accepted("2.0.0 taken")
    assert smtp.connections == 2


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("smtp://relay.example:25", PlainRelay),
        ("smtp://10.0.0.4", PlainRelay),
        ("http://127.0.0.1", BadRelay),
        ("smtp://", BadRelay),
        ("smtps://relay.example:port", BadRelay),
        ("smtps://relay.example:99999", BadRelay),
        ("smtps://relay.example/path", BadRelay),
        ("127.0.0.1:25", BadRelay),
    ],
)
def test_an_unsafe_or_senseless_relay_is_refused_at_start(url: str, refusal: type[BadRelay]) -> None:
    with pytest.raises(refusal):
        SmtpTransport(url)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://localhost:25",
        "smtp://[::1]:25",
        "smtps://relay.example",
        "smtp+starttls://a%40b:p%3Aw@relay.example:587",
    ],
)
def test_a_safe_relay_is_taken(url: str) -> None:
    SmtpTransport(url)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, made on the spot."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    wanted = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=relay",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-days",
        "2",
    ]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([openssl, "req", "-x509", *wanted, *files], check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def served(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusted(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # the server speaks TLS from the start
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_encrypted_relay_with_a_password_takes_mail(
    served: ssl.SSLContext, trusted: ssl.SSLContext, scheme: str
) -> None:
    with FakeSmtp(tls=served, implicit_tls=scheme == "smtps", login=("courier@k", "p:w/1")) as smtp:
        transport = SmtpTransport(
            f"{scheme}://courier%40k:p%3Aw%2F1@127.0.0.1:{smtp.port}", timeout=5, tls=trusted
        )
        assert transport.try_connection() is None
        assert smtp.received == []
        assert [send(transport), send(transport)] == [Accepted("2.0.0 taken")] * 2
        assert smtp.connections == 1
        transport.close()


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_nobody_vouches_for_gets_no_mail(served: ssl.SSLContext, scheme: str) -> None:
    with FakeSmtp(tls=served, implicit_tls=scheme == "smtps") as smtp:
        outcome = send(SmtpTransport(f"{scheme}://127.0.0.1:{smtp.port}", timeout=5))
        assert isinstance(outcome, Deferred)
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.reply
        assert smtp.received == []


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_relay_stripped_of_encryption_gets_nothing(smtp: FakeSmtp, scheme: str) -> None:
    transport = SmtpTransport(f"{scheme}://a:secret@127.0.0.1:{smtp.port}", timeout=5)
    for outcome in (transport.try_connection(), send(transport)):
        assert isinstance(outcome, Deferred)
    assert smtp.received == []


def test_a_wrong_password_is_ours_to_mend_not_the_readers(
    served: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    with FakeSmtp(tls=served, login=("courier", "right")) as smtp:
        outcome = send(
            SmtpTransport(f"smtp+starttls://courier:wrong@127.0.0.1:{smtp.port}", timeout=5, tls=trusted)
        )
        assert isinstance(outcome, Deferred)
        assert outcome.code == 535
        assert smtp.received == []
