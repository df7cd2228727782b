"""The SMTP server of all tests: it records what reaches it, and refuses, stays silent or breaks off where it is told to."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from billing.dev.mailbox import Letter, parse
from tests.support.smtp_rules import Break, Rule, Rules, Step


@dataclass(frozen=True)
class Received:
    """One mail with its envelope, as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def letter(self) -> Letter:
        """The mail, parsed once: that takes some milliseconds."""
        return parse("fake", self.raw, arrived=datetime.now(UTC))


class FakeSmtp:
    """`with FakeSmtp() as smtp:` listens on a free loopback port in a thread of its own.

    `smtp.url` is what a transport needs; `smtp.received` holds envelopes with raw bytes, `smtp.letters` the same parsed,
    oldest first. `tls` makes it offer STARTTLS, `implicit_tls` speak TLS from the start; `login` demands AUTH.
    `pipelining` makes it offer that (RFC 2920), and record in `bursts` the commands that each read brought.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        pipelining: bool = False,
    ) -> None:
        self._tls, self._implicit, self._login, self.pipelining = tls, implicit_tls, login, pipelining
        self._lock = threading.Lock()
        self._rules = Rules()
        self._open: set[_Conversation] = set()
        self.received: list[Received] = []
        self.texts: list[bytes] = []
        """Every text that came to its final dot, kept or not."""
        self.bursts: list[list[str]] = []
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
        """What arrived, parsed, oldest first."""
        with self._lock:
            received = list(self.received)
        return [mail.letter for mail in received]

    def received_for(self, recipient: str) -> list[Received]:
        """The envelopes that name one address, in any case of letters, oldest first."""
        wanted = recipient.casefold()
        with self._lock:
            return [mail for mail in self.received if wanted in map(str.casefold, mail.recipients)]

    def to(self, recipient: str) -> list[Letter]:
        """What arrived for one address, parsed, oldest first."""
        return [mail.letter for mail in self.received_for(recipient)]

    def answer(
        self, line: str, *, at: Step, to: str | None = None, nth: int = 1, times: int | None = None
    ) -> None:
        """Answers this line at that step: to mails for `to` (or any), from the `nth` on, `times` times (or for ever).

        A 354 at `data` lets the text come even where no recipient was accepted, as some relays do.
        """
        self._rules.add(Rule("answer", at, line=line, to=to, nth=nth, times=times))

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
        """Answers `code` at that step; at `dot` nothing is kept."""
        self.answer(f"{code} {text or 'refused by the test'}", at=at, to=to, nth=nth, times=times)

    def silence(self, at: Step, *, to: str | None = None, nth: int = 1, times: int | None = None) -> None:
        """Never answers at that step, and keeps the connection open."""
        self._rules.add(Rule("silence", at, to=to, nth=nth, times=times))

    def drop(self, at: Break, *, to: str | None = None, nth: int = 1, times: int | None = 1) -> None:
        """Breaks the connection off there."""
        self._rules.add(Rule("drop", at, to=to, nth=nth, times=times))

    def meanwhile(
        self,
        do: Callable[[], object],
        *,
        at: Step,
        to: str | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> None:
        """Answers at that step only after `do` is done: what happens while a mail is on the wire. It runs in another thread."""
        self._rules.add(Rule("meanwhile", at, do=do, to=to, nth=nth, times=times))

    def greylist(self, to: str, *, times: int | None = 1) -> None:
        """Puts the next mails for this address off, as a greylisting server does with strangers."""
        self.refuse(451, "4.7.1 Greylisting in action, please come back later", to=to, times=times)

    def hang_up(self) -> None:
        """Closes every open connection, as a relay does with idle ones; they are gone when this returns."""
        self._wait_for(self._disconnect())

    def mend(self) -> None:
        """Refuses nothing and breaks nothing off any more; what arrived is kept."""
        self._rules.clear()

    def clear(self) -> None:
        """Forgets mails and rules."""
        self._rules.clear()
        with self._lock:
            for record in (self.received, self.texts, self.bursts):
                record.clear()

    def reset(self) -> None:
        """As new, but for the port: no mails, rules or connections, neither counted nor open."""
        self._wait_for(self._reset())

    def start(self) -> "FakeSmtp":
        """Listens; `with` does this."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the fake SMTP server did not start")
        return self

    def stop(self) -> None:
        """Hangs up and stops listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _disconnect(self) -> None:
        await asyncio.gather(*(conversation.cut() for conversation in self._open))

    async def _reset(self) -> None:
        self._rules.clear()
        if not self._implicit:
            # Connections are accepted in their order: once this one is greeted, none from before it is left to come.
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            await reader.readline()
            writer.close()
        await self._disconnect()
        self.clear()
        self.connections = 0

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
        for conversation in self._open:
            _abort(conversation.transport)
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
    """aiosmtpd's server, with places where it can be told what to do instead."""

    def __init__(self, smtp: FakeSmtp, **options: Any) -> None:
        self._smtp = smtp
        self._greeted = False
        self._gone = asyncio.Event()
        super().__init__(_Handler(smtp), **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._smtp._open:  # STARTTLS makes a connection a second time
            self._smtp.connections += 1
        self._smtp._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._smtp._open.discard(self)
        super().connection_lost(error)
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        if self._smtp.pipelining:
            lines = data.decode("ascii", "replace").splitlines()
            self._smtp.bursts.append([line[:4].upper() for line in lines])
        super().data_received(data)

    async def cut(self) -> None:
        """Break the connection off, and wait until nothing of it is left running."""
        _abort(self.transport)
        await self._gone.wait()
        assert self._handler_coroutine is not None
        await asyncio.wait([self._handler_coroutine])

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            status = await self.ruled("greeting", None) or status
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        assert self.envelope is not None
        to = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else None
        answer = await self.ruled("data", to)
        if answer and not answer.startswith("354"):
            await self.push(answer)
            return
        if answer and to is None:
            self.envelope.rcpt_tos.append("")
        if self._smtp._rules.find("drop", "before-dot", to):
            await self.push("354 go on")
            await self._reader.readline()
            await self.break_off()
        await super().smtp_DATA(arg)

    async def ruled(self, step: Step, recipient: str | None) -> str | None:
        """The answer that a rule wants here, if any. Silence and a broken connection end in cancellation."""
        rules = self._smtp._rules
        if step != "greeting" and rules.find("drop", step, recipient):
            await self.break_off()
        if rules.find("silence", step, recipient):
            await _until_cancelled()
        if meanwhile := rules.find("meanwhile", step, recipient):
            await asyncio.get_running_loop().run_in_executor(None, meanwhile.do)
        rule = rules.find("answer", step, recipient)
        return rule.line if rule else None

    async def break_off(self) -> None:
        """Does not come back."""
        _abort(self.transport)
        await _until_cancelled()


class _Handler:
    def __init__(self, smtp: FakeSmtp) -> None:
        self._smtp = smtp

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        first, *rest = answers
        return [first, "250-PIPELINING", *rest] if self._smtp.pipelining else answers

    async def handle_MAIL(
        self, server: _Conversation, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await server.ruled("mail", None):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: _Conversation, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await server.ruled("rcpt", address):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: _Conversation, _session: Session, envelope: Envelope) -> str:
        self._smtp.texts.append(bytes(envelope.original_content or b""))
        to = envelope.rcpt_tos[0]
        if answer := await server.ruled("dot", to):
            return answer
        self._smtp._keep(envelope)
        if self._smtp._rules.find("drop", "after-dot", to):
            await server.break_off()
        return "250 2.0.0 taken"


async def _until_cancelled() -> None:
    """aiosmtpd cancels a conversation's task when its connection is lost."""
    await asyncio.get_running_loop().create_future()


def _abort(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.Transport):
        transport.abort()
