"""An SMTP server for tests: it records what reaches it, and refuses or breaks off where it is told to."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from billing.mail.mailbox import Letter, parse

Step = Literal["mail", "rcpt", "data", "dot"]
Break = Literal["mail", "rcpt", "data", "before-dot", "dot", "after-dot"]


@dataclass(frozen=True, slots=True)
class Received:
    """One mail with its envelope, as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass
class _Rule:
    """Applies to the matching events number `nth` and on (counted from 1), at most `times` times."""

    at: str
    answer: str | None
    to: str | None
    nth: int
    times: int | None
    seen: int = 0
    used: int = field(default=0)

    def applies(self, at: str, recipient: str | None) -> bool:
        if at != self.at or (self.to is not None and (recipient or "").casefold() != self.to.casefold()):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.used >= self.times):
            return False
        self.used += 1
        return True


class FakeSmtp:
    """`with Sink() as sink:` listens on a free loopback port in a thread of its own.

    `sink.url` is what a transport needs; `sink.received` holds envelopes with raw bytes, `sink.letters` the same parsed,
    oldest first. `tls` makes it offer STARTTLS, `implicit_tls` speak TLS from the start; `login` demands AUTH.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._tls, self._implicit, self._login = tls, implicit_tls, login
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._open: set[SMTP] = set()
        self.received: list[Received] = []
        self._letters: list[Letter] = []
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake smtp", daemon=True)

    def __enter__(self) -> "FakeSmtp":
        return self.start()

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where a plain transport reaches it."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def letters(self) -> list[Letter]:
        """What arrived, parsed (each once), oldest first."""
        now = datetime.now(UTC)
        with self._lock:
            for number in range(len(self._letters), len(self.received)):
                self._letters.append(parse(f"sink-{number}", self.received[number].raw, arrived=now))
            return list(self._letters)

    def received_for(self, recipient: str) -> list[Received]:
        """The envelopes that name one address, oldest first."""
        with self._lock:
            return [mail for mail in self.received if recipient in mail.recipients]

    def to(self, recipient: str) -> list[Letter]:
        """What arrived for one address, oldest first."""
        return [letter for letter in self.letters if letter.recipient.casefold() == recipient.casefold()]

    def refuse(
        self,
        code: int,
        text: str = "",
        *,
        at: Step = "rcpt",
        to: str | None = None,
        nth: int = 1,
        times: int | None = None,
    ) -> None:
        """Answers `code` at that step: to mails for `to` (or any), from the `nth` on, `times` times (or for ever).

        `data` is the answer to the DATA command, `dot` the one after the final dot, when nothing is kept.
        """
        self._add(_Rule(at, f"{code} {text or 'refused by the test'}", to, nth, times))

    def drop(self, at: Break, *, to: str | None = None, nth: int = 1, times: int | None = 1) -> None:
        """Breaks the connection off: at a step, `before-dot` in the middle of the text, `dot` when all has come but
        nothing is kept, `after-dot` when it is kept but not answered."""
        self._add(_Rule(f"drop {at}", None, to, nth, times))

    def hang_up(self) -> None:
        """Closes every open connection, as a relay does with idle ones."""
        done = threading.Event()

        def close() -> None:
            for conversation in list(self._open):
                _cut(conversation.transport)
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait(10)

    def mend(self) -> None:
        """Refuses nothing and breaks nothing off any more; what arrived is kept."""
        with self._lock:
            self._rules.clear()

    def clear(self) -> None:
        """Forgets mails and rules."""
        with self._lock:
            self.received.clear()
            self._letters.clear()
            self._rules.clear()

    def start(self) -> "FakeSmtp":
        """Listens; `with` does this."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the sink did not start")
        return self

    def stop(self) -> None:
        """Hangs up and stops listening."""
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _rule(self, at: str, recipient: str | None) -> _Rule | None:
        with self._lock:
            return next((rule for rule in self._rules if rule.applies(at, recipient)), None)

    def _answer(self, at: str, recipient: str | None) -> str | None:
        rule = self._rule(at, recipient)
        return rule.answer if rule else None

    def _keep(self, envelope: Envelope) -> None:
        mail = Received(
            envelope.mail_from or "", tuple(envelope.rcpt_tos), bytes(envelope.original_content or b"")
        )
        with self._lock:
            self.received.append(mail)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = self._tls if self._implicit else None
        server = self._loop.run_until_complete(
            self._loop.create_server(self._door, "127.0.0.1", 0, ssl=context)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.close()

    def _door(self) -> SMTP:
        options: dict[str, Any] = {"hostname": "localhost", "data_size_limit": 50_000_000}
        if self._tls and not self._implicit:
            options |= {"tls_context": self._tls, "require_starttls": True}
        if self._login:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": bool(self._tls and not self._implicit),
            }
        return _Conversation(self, **options)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = (
            isinstance(given, LoginPassword)
            and (given.login.decode(), given.password.decode()) == self._login
        )
        return AuthResult(success=right, handled=False)


class _Conversation(SMTP):
    """aiosmtpd's server, with places where it can be told to refuse or break off."""

    def __init__(self, smtp: FakeSmtp, **options: Any) -> None:
        self._sink = smtp
        super().__init__(_Handler(smtp), **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._sink._open:  # STARTTLS makes a connection a second time
            self._sink.connections += 1
        self._sink._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink._open.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        to = self.envelope.rcpt_tos[0] if self.envelope and self.envelope.rcpt_tos else None
        if self._sink._rule("drop data", to):
            _cut(self.transport)
            return
        answer = self._sink._answer("data", to)
        if answer:
            await self.push(answer)
            return
        if self._sink._rule("drop before-dot", to):
            await self.push("354 go on")
            await self._reader.readline()
            _cut(self.transport)
            await self._reader.read()
            return
        await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, smtp: FakeSmtp) -> None:
        self._sink = smtp

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def accept() -> str:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
            return "250 OK"

        return self._at("mail", server, None, accept)

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def accept() -> str:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
            return "250 OK"

        return self._at("rcpt", server, address, accept)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        to = envelope.rcpt_tos[0]

        def accept() -> str:
            self._sink._keep(envelope)
            if self._sink._rule("drop after-dot", to):
                _cut(server.transport)
            return "250 2.0.0 taken"

        return self._at("dot", server, to, accept)

    def _at(self, step: str, server: SMTP, recipient: str | None, accept: Callable[[], str]) -> str:
        if self._sink._rule(f"drop {step}", recipient):
            _cut(server.transport)
            return "421 gone"
        return self._sink._answer(step, recipient) or accept()


def _cut(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.Transport):
        transport.abort()
