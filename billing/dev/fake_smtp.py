"""The fake mail server of the demo, the simulation and the tests: aiosmtpd with a hook for a fault at each step."""

import asyncio
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 50_000_000
LONGEST_LINE = 998
"""The longest line in bytes, without its line break (RFC 5321, 4.5.3.1.6)."""
GREYLISTED = "451 4.7.1 Greylisting in action, please come back later"
"""milter-greylist's answer to an unknown sender; by RFC 6647 a server may also give it after the text."""
Step = Literal["greeting", "mail", "rcpt", "data", "before-dot", "dot", "after-dot"]
"""`data` is the answer to the DATA command, `before-dot` the middle of the text. `dot` is the answer to the final dot, `after-dot` the
same once the mail is accepted."""


class FakeSmtp:
    """Accepts every mail. Subclasses add faults and keep mails."""

    pipelining = False
    """Whether it offers PIPELINING (RFC 2920)."""

    def __init__(self) -> None:
        self.open: set[Conversation] = set()
        self.connections = 0

    async def intervene(self, talk: "Conversation", step: Step, recipient: str | None) -> str | None:
        """Return another answer for this step, or None. It may also drop the connection or never return."""

    def take(self, _envelope: Envelope) -> str:
        """Accept a complete mail; return the answer. Subclasses keep or count it."""
        return "250 OK"

    def on_data(self, data: bytes) -> None:
        """Called with the data of each read."""

    def conversation(self, **options: Any) -> "Conversation":
        """A protocol for one connection, for `create_server`; `options` are aiosmtpd's."""
        return Conversation(
            self, hostname="localhost", **{"ident": "fake", "data_size_limit": LARGEST, **options}
        )


class _Hooks:
    """What aiosmtpd calls. An object apart: for each connection aiosmtpd reads every attribute of its handler, and a property of
    a subclass of `FakeSmtp` may cost seconds."""

    def __init__(self, smtp: FakeSmtp) -> None:
        self._smtp = smtp

    async def handle_EHLO(  # noqa: N802 aiosmtpd's name, as those below
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [answers[0], *["250-PIPELINING"] * self._smtp.pipelining, *answers[1:]]

    async def handle_MAIL(  # noqa: N802
        self, server: "Conversation", _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._smtp.intervene(server, "mail", None):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: "Conversation", _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._smtp.intervene(server, "rcpt", address):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"


class Conversation(SMTP):
    """One connection, which a fault may drop or leave without an answer."""

    # aiosmtpd uses it as its reader's limit, so a whole message must fit.
    line_length_limit = 2 * LARGEST

    def __init__(self, smtp: FakeSmtp, **options: Any) -> None:
        self._smtp = smtp
        self._greeted = False
        self._gone = asyncio.Event()
        super().__init__(_Hooks(smtp), **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._smtp.open:  # STARTTLS calls this a second time
            self._smtp.connections += 1
        self._smtp.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._smtp.open.discard(self)
        super().connection_lost(error)
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        self._smtp.on_data(data)
        super().data_received(data)

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            status = await self._smtp.intervene(self, "greeting", None) or status
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: ARG002, N802 aiosmtpd's
        """Read the whole message at once; aiosmtpd reads by line, which costs a millisecond a mail."""
        assert self.envelope is not None
        recipients = self.envelope.rcpt_tos
        to = recipients[0] if recipients else None
        answer = await self._smtp.intervene(self, "data", to)
        if answer is None and to is None:
            answer = "503 Error: need RCPT command"
        if answer and not answer.startswith("354"):
            return await self.push(answer)
        await self.push(answer or "354 End data with <CR><LF>.<CR><LF>")
        text = b"\r\n" + await self._reader.readuntil(b"\r\n")
        await self._smtp.intervene(self, "before-dot", to)
        while not text.endswith(b"\r\n.\r\n"):
            text += await self._reader.readuntil(b".\r\n")
        lines = text[2:-3].split(b"\r\n")
        self.envelope.original_content = b"\r\n".join(line.removeprefix(b".") for line in lines)
        if max(map(len, lines)) > LONGEST_LINE:
            answer = "500 Line too long (see RFC5321 4.5.3.1.6)"
        elif len(text) > (self.data_size_limit or LARGEST):
            answer = "552 Error: Too much mail data"
        else:
            answer = await self._smtp.intervene(self, "dot", to)
            if answer is None:
                answer = self._smtp.take(self.envelope)
                await self._smtp.intervene(self, "after-dot", to)
        self.envelope = Envelope()  # for the next mail on this connection
        return await self.push(answer)

    async def break_off(self) -> None:
        """Drop the connection. Never returns."""
        self.abort()
        await self.stay_silent()

    async def stay_silent(self) -> None:
        """Keep the connection open without an answer. Never returns; aiosmtpd cancels it when the connection is lost."""
        await asyncio.get_running_loop().create_future()

    def abort(self) -> None:
        """Drop the connection."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def cut(self) -> None:
        """Drop the connection, and wait until its handler has ended."""
        self.abort()
        await self._gone.wait()
        assert self._handler_coroutine is not None
        await asyncio.wait([self._handler_coroutine])
