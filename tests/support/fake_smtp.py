"""The SMTP server of all tests. It records mails; on request it refuses, stays silent or drops the connection."""

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

from billing.dev import fake_smtp
from billing.dev.fake_smtp import GREYLISTED, Conversation, Step
from billing.dev.mailbox import ReceivedMail, parse
from tests.support.smtp_rules import Rule, Rules


@dataclass(frozen=True)
class Received:
    """One mail with its envelope, as received."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def letter(self) -> ReceivedMail:
        """The parsed mail; cached, because parsing takes milliseconds."""
        return parse("fake", self.raw, arrived=datetime.now(UTC))


class FakeSmtp(fake_smtp.FakeSmtp):
    """`with FakeSmtp() as smtp:` listens on a free loopback port in its own thread.

    `smtp.url` is for a transport. `smtp.received` holds envelopes with raw bytes, `smtp.letters` the parsed mails, oldest first.
    `tls` offers STARTTLS, `implicit_tls` speaks TLS from the start, `login` requires AUTH. `pipelining` offers PIPELINING
    (RFC 2920) and records in `bursts` the commands that arrived in each read.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        pipelining: bool = False,
    ) -> None:
        super().__init__()
        self._tls, self._implicit, self._login, self.pipelining = tls, implicit_tls, login, pipelining
        self._lock = threading.Lock()
        self._rules = Rules()
        self.received: list[Received] = []
        self.texts: list[bytes] = []
        """Every message text that reached its final dot, accepted or not."""
        self.bursts: list[list[str]] = []
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
        """The address for a transport without TLS."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def letters(self) -> list[ReceivedMail]:
        """The accepted mails, parsed, oldest first."""
        with self._lock:
            received = list(self.received)
        return [mail.letter for mail in received]

    def received_for(self, recipient: str) -> list[Received]:
        """The mails to one address, compared without case, oldest first."""
        folded = recipient.casefold()
        with self._lock:
            return [mail for mail in self.received if folded in map(str.casefold, mail.recipients)]

    def to(self, recipient: str) -> list[ReceivedMail]:
        """The mails to one address, parsed, oldest first."""
        return [mail.letter for mail in self.received_for(recipient)]

    def answer(
        self, line: str, *, at: Step, to: str | None = None, nth: int = 1, times: int | None = None
    ) -> None:
        """Answer this line at that step, to mails for `to` (or any), from the `nth` on, `times` times (or always).

        A 354 at `data` accepts the text even if no recipient was accepted, as some relays do.
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
        """Answer `code` at that step. At `dot` the mail isn't recorded."""
        self.answer(f"{code} {text or 'refused by the test'}", at=at, to=to, nth=nth, times=times)

    def silence(self, at: Step, *, to: str | None = None, nth: int = 1, times: int | None = None) -> None:
        """Never answer at that step, but keep the connection open."""
        self._rules.add(Rule("silence", at, to=to, nth=nth, times=times))

    def drop(self, at: Step, *, to: str | None = None, nth: int = 1, times: int | None = 1) -> None:
        """Drop the connection at that step."""
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
        """Call `do` in another thread before answering at that step: an event while a mail is being sent."""
        self._rules.add(Rule("meanwhile", at, do=do, to=to, nth=nth, times=times))

    def greylist(self, to: str, *, times: int | None = 1) -> None:
        """Defer the next mails for this address, as a greylisting server does."""
        self.answer(GREYLISTED, at="rcpt", to=to, times=times)

    def hang_up(self) -> None:
        """Close every open connection, as a relay does with idle ones. Returns when they are closed."""
        self._wait_for(self._disconnect())

    def mend(self) -> None:
        """Remove all rules; keep the received mails."""
        self._rules.clear()

    def clear(self) -> None:
        """Remove mails and rules."""
        self._rules.clear()
        with self._lock:
            for record in (self.received, self.texts, self.bursts):
                record.clear()

    def reset(self) -> None:
        """Remove mails, rules and connections, and reset the connection count. The port stays."""
        self._wait_for(self._reset())

    def start(self) -> "FakeSmtp":
        """Start listening; `with` does this."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the fake SMTP server did not start")
        return self

    def stop(self) -> None:
        """Drop all connections and stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _disconnect(self) -> None:
        await asyncio.gather(*(conversation.cut() for conversation in self.open))

    async def _reset(self) -> None:
        self._rules.clear()
        if not self._implicit:
            # Connections are accepted in order: once this one is greeted, every earlier one has been accepted too.
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            await reader.readline()
            writer.close()
        await self._disconnect()
        self.clear()
        self.connections = 0

    async def intervene(self, talk: Conversation, step: Step, recipient: str | None) -> str | None:
        """The answer of a rule at this step; None lets the conversation go on."""
        assert talk.envelope is not None
        if step == "dot":
            self.texts.append(bytes(talk.envelope.original_content or b""))
        if self._rules.find("drop", step, recipient):
            await talk.break_off()
        if self._rules.find("silence", step, recipient):
            await talk.stay_silent()
        if meanwhile := self._rules.find("meanwhile", step, recipient):
            await asyncio.get_running_loop().run_in_executor(None, meanwhile.do)
        rule = self._rules.find("answer", step, recipient)
        return rule.line if rule else None

    def take(self, envelope: Envelope) -> str:
        """Record a mail."""
        raw = bytes(envelope.original_content or b"")
        with self._lock:
            self.received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        return "250 2.0.0 taken"

    def on_data(self, data: bytes) -> None:
        """Record which commands arrived in one read."""
        if self.pipelining:
            self.bursts.append([line[:4].upper() for line in data.decode("ascii", "replace").splitlines()])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = self._tls if self._implicit else None
        server = self._loop.run_until_complete(
            self._loop.create_server(self._connection, "127.0.0.1", 0, ssl=context)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for conversation in self.open:
            conversation.abort()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.close()

    def _connection(self) -> Conversation:
        options: dict[str, Any] = {}
        if self._tls and not self._implicit:
            options |= {"tls_context": self._tls, "require_starttls": True}
        if self._login:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": bool(self._tls and not self._implicit),
            }
        return self.conversation(**options)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = (
            isinstance(given, LoginPassword)
            and (given.login.decode(), given.password.decode()) == self._login
        )
        return AuthResult(success=right, handled=False)
