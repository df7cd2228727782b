"""Sends one mail to the relay, and reports the exact outcome."""

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from billing.mail.mime import UnsafeHeader, UnsendableAddress, ascii_address, split_mailbox
from billing.platform.errors import RefusesToStart
from billing.platform.live_checks import is_here

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
TLS_WORDS = {"smtp": "no TLS", "smtps": "TLS", "smtp+starttls": "TLS by STARTTLS"}


class BadRelay(RefusesToStart):
    """The relay's address cannot be used."""


class PlainRelay(BadRelay):
    """Mail would leave this machine unencrypted; use smtps:// or smtp+starttls://."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The relay answered 250 after the final dot, and is responsible for the mail."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not taken for now (4xx; `code` 0 where no relay answered). The relay has nothing."""

    code: int
    reply: str
    step: str = field(default="", compare=False)
    """The step that got this answer: `mail`, `rcpt`, `data` or `dot`; empty before a transaction began."""


@dataclass(frozen=True, slots=True)
class RelayRefused:
    """Not taken, and never will be (5xx; `code` 0 where the address cannot be written in SMTP)."""

    code: int
    reply: str
    step: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RelayUnknown:
    """The connection broke between our final dot and the answer, so the relay may or may not have the mail (RFC 1047)."""

    reason: str


Outcome = Accepted | Deferred | RelayRefused | RelayUnknown


def relay_words(url: str) -> str:
    """Host, port and encryption of a relay, and whether a user is given, never which. Raises BadRelay."""
    relay = _Relay.parse(url)
    user = "user given" if relay.user else "no user"
    return f"{relay.host}, port {relay.port}, {TLS_WORDS[relay.scheme]}, {user}"


class SmtpTransport:
    """A relay over SMTP, with one connection per thread kept open between mails.

    `url` is `smtp+starttls://user:password@host:587`, `smtps://…` or, on loopback only, `smtp://…`. Nothing is sent without
    the encryption that the address asks for (A7). `timeout` in seconds bounds each answer. `tls` replaces the system's
    certificate store. Raises BadRelay."""

    def __init__(self, url: str, timeout: float = 20, tls: ssl.SSLContext | None = None) -> None:
        self._relay = _Relay.parse(url)
        self._timeout = timeout
        self._tls = tls or ssl.create_default_context()
        self._local = threading.local()
        self._open: set[smtplib.SMTP] = set()
        self._lock = threading.Lock()

    def send(
        self,
        content: bytes,
        *,
        sender: str,
        recipient: str,
        stuffed: bool = False,
        before_final_dot: Callable[[], None] | None = None,
    ) -> Outcome:
        """Offers `content` to the relay. Never raises for what the network or the relay did.

        If the relay has closed the kept connection meanwhile, a new one is opened once.

        `sender` and `recipient` are the envelope; a name in front of the sender's address is left out. `stuffed`: the content
        has its line ends and doubled dots already. `before_final_dot` is called before the final dot, after which the relay
        may have the mail; an OSError in it cancels the mail."""
        try:
            envelope = ascii_address(split_mailbox(sender)[1]), ascii_address(recipient)
        except (UnsendableAddress, UnsafeHeader) as problem:
            return RelayRefused(0, str(problem))
        offer = _Offer(content if stuffed else _stuffed(content), *envelope, before_final_dot)
        kept: smtplib.SMTP | None = getattr(self._local, "connection", None)
        if kept is not None:
            outcome = self._offer(kept, offer)
            # `_offer` drops one that was idle for too long, or that the relay closes (421): then a new one is tried.
            if not isinstance(outcome, Deferred) or self._local.connection is kept:
                return outcome
        try:
            fresh = self._connect()
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            return _could_not_connect(problem)
        return self._offer(fresh, offer)

    def try_connection(self) -> Deferred | None:
        """Connect, encrypt and log in as for a mail, and offer none. None where that works."""
        try:
            self._connect()
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            return _could_not_connect(problem)
        return None

    def close(self) -> None:
        """Close every connection; a later `send` opens a new one."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        connection = self._dial()
        try:
            # The final dot is a small write of its own: Nagle's algorithm would hold it until the text is acknowledged.
            if connection.sock is not None:
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._relay.scheme == "smtp+starttls":
                connection.starttls(context=self._tls)
            if self._relay.user:
                connection.login(self._relay.user, self._relay.password)
            # Without a login nobody has said EHLO yet, or not again after STARTTLS; `has_extn` needs the answer.
            connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._open.add(connection)
        self._local.connection = connection
        return connection

    def _dial(self) -> smtplib.SMTP:
        relay = self._relay
        if relay.scheme == "smtps":
            return smtplib.SMTP_SSL(
                relay.host, relay.port, relay.hello, timeout=self._timeout, context=self._tls
            )
        return smtplib.SMTP(relay.host, relay.port, relay.hello, timeout=self._timeout)

    def _drop(self, connection: smtplib.SMTP) -> None:
        self._local.connection = None
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _offer(self, connection: smtplib.SMTP, offer: "_Offer") -> Outcome:
        """One transaction. If the connection breaks before the final dot, the relay has nothing."""
        try:
            for step, (code, reply) in _envelope_answers(connection, offer):
                if code not in (250, 251, 354):
                    return self._rejected(connection, code, reply, step)
            connection.send(offer.content)
            if offer.before_final_dot is not None:
                offer.before_final_dot()
        except (OSError, smtplib.SMTPException) as problem:
            self._drop(connection)
            return Deferred(0, f"the connection broke before the mail was handed over: {problem}")
        return self._finish(connection)

    def _finish(self, connection: smtplib.SMTP) -> Outcome:
        """The final dot and its answer. If the connection breaks here, the outcome is unknown (S3)."""
        try:
            connection.send(b".\r\n")
            code, reply = connection.getreply()
        except (OSError, smtplib.SMTPException) as problem:
            self._drop(connection)
            return RelayUnknown(f"no answer after the final dot: {problem}")
        if 200 <= code < 300:
            return Accepted(_words(reply))
        if 400 <= code < 600:
            return self._rejected(connection, code, reply, "dot")
        self._drop(connection)
        return RelayUnknown(f"the answer after the final dot was {code} {_words(reply)}")

    def _rejected(
        self, connection: smtplib.SMTP, code: int, reply: bytes, step: str
    ) -> RelayRefused | Deferred:
        try:
            if code == 421 or connection.rset()[0] != 250:
                self._drop(connection)
        except (OSError, smtplib.SMTPException):
            self._drop(connection)
        if 500 <= code < 600:
            return RelayRefused(code, _words(reply), step)
        return Deferred(max(code, 0), _words(reply), step)


@dataclass(frozen=True, slots=True)
class _Offer:
    content: bytes
    sender: str
    recipient: str
    before_final_dot: Callable[[], None] | None

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        return (
            ("mail", f"MAIL FROM:<{self.sender}>"),
            ("rcpt", f"RCPT TO:<{self.recipient}>"),
            ("data", "DATA"),
        )


def _envelope_answers(connection: smtplib.SMTP, offer: _Offer) -> Iterator[tuple[str, tuple[int, bytes]]]:
    """The answers to the three commands before the text, which are sent together where the relay allows it (RFC 2920)."""
    if not connection.has_extn("pipelining"):
        for step, command in offer.steps:
            yield step, connection.docmd(command)
        return
    connection.send("".join(f"{command}\r\n" for _, command in offer.steps).encode("ascii"))
    # All are read before the first is judged: one left unread would be taken for the answer to a later command.
    answers = [(step, connection.getreply()) for step, _ in offer.steps]
    if answers[2][1][0] == 354 and any(code not in (250, 251) for _, (code, _) in answers[:2]):
        connection.docmd(".")  # the relay waits for a text that has no recipient: send an empty one
    yield from answers


@dataclass(frozen=True, slots=True)
class _Relay:
    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> "_Relay":
        parts = urlsplit(url)
        if parts.scheme not in PORTS:
            raise BadRelay(
                "The relay's address must begin with smtp+starttls://, smtps:// or, on this machine, smtp://"
            )
        try:
            port = parts.port or PORTS[parts.scheme]
        except ValueError as problem:
            raise BadRelay(f"The relay's port is not a number between 1 and 65535: {problem}") from None
        if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise BadRelay("The relay's address must be like smtp+starttls://user:password@relay.example:587")
        if parts.scheme == "smtp" and not is_here(parts.hostname):
            raise PlainRelay(f"{(PlainRelay.__doc__ or '').strip()} The relay is {parts.hostname}")
        return cls(
            parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or "")
        )

    @property
    def hello(self) -> str:
        return "localhost" if is_here(self.host) else socket.getfqdn()


def _stuffed(content: bytes) -> bytes:
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def _words(reply: bytes) -> str:
    # A NUL is legal to a relay, and not to PostgreSQL's text: the mail's row could not be marked, and it would go out again.
    return reply.decode("utf-8", "replace").replace("\n", " ").replace("\0", "")[:500]


def _could_not_connect(problem: Exception) -> Deferred:
    """A relay that rejects our login says nothing about the recipient, so its 5xx is no refusal of the mail (S6)."""
    if isinstance(problem, smtplib.SMTPResponseException):
        reply = problem.smtp_error
        words = _words(reply) if isinstance(reply, bytes) else str(reply)
        return Deferred(max(problem.smtp_code, 0), f"{type(problem).__name__}: {words}")
    return Deferred(0, f"{type(problem).__name__}: {problem}")
