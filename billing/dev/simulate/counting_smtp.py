"""A mail server for the simulation: it takes what is sent, counts it, and keeps nothing. A process of its own.

Some mails it puts off, and sometimes it takes one and hangs up without saying so, as relays do. On some days it greylists."""

import asyncio
import json
import random
import sys
from collections import Counter

DEAF = b"deaf-"
"""Addresses that begin like this don't exist."""
GREYLISTED = b"451 4.7.1 Greylisting in action, please come back later"
"""What milter-greylist answers to RCPT while sender and recipient are new to it; the same pair is let in minutes later (RFC 6647)."""


class SmtpConversation(asyncio.Protocol):
    """One connection. Knows what our own client says, in the order it says it."""

    def __init__(self, sink: "CountingSmtp") -> None:
        self.sink = sink
        self.unread = bytearray()
        self.in_text = False
        self.wanted = False
        """Whether there is a recipient for the text."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Whole lines, or a whole text, as far as they have come."""
        self.unread += data
        while True:
            mark = b"\r\n.\r\n" if self.in_text else b"\r\n"
            end = self.unread.find(mark)
            if end < 0 or self.transport.is_closing():
                return
            piece = bytes(self.unread[:end])
            del self.unread[: end + len(mark)]
            answer = self.took(piece) if self.in_text else self.said(piece)
            if answer:
                self.transport.write(answer + b"\r\n")
            else:
                self.transport.abort()

    def said(self, line: bytes) -> bytes:
        """The answer to a command."""
        verb = line[:4].upper()
        if verb == b"DATA":
            self.in_text, self.wanted = self.wanted, False
            return b"354 go on" if self.in_text else b"554 no recipient"
        if verb == b"RCPT":
            if DEAF in line:
                self.sink.counts["refused"] += 1
                return b"550 no such person"
            if self.sink.greylists(line):
                return GREYLISTED
            if self.sink.puts_off():
                return b"451 not now"
            self.wanted = True
        if verb == b"QUIT":
            return b"221 bye"
        return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME" if verb == b"EHLO" else b"250 ok"

    def took(self, text: bytes) -> bytes:
        """The answer to a mail; none, when we hang up on purpose after taking it."""
        self.in_text = False
        return b"250 taken" if self.sink.take(text) else b""


class CountingSmtp:
    """What all conversations share."""

    def __init__(self, seed: int, trouble: float) -> None:
        self.counts: Counter[str] = Counter()
        self._known: set[int] = set()
        self._dice = random.Random(f"{seed}/mail")  # noqa: S311 - to be drawn again
        self._trouble = trouble
        self._tries_of_strangers = 0
        self._tries: Counter[bytes] = Counter()

    def begin_day(self, tries_of_strangers: int) -> None:
        """All recipients are strangers from now on, and so many tries for each are put off."""
        self._tries_of_strangers = tries_of_strangers
        self._tries.clear()

    def greylists(self, recipient: bytes) -> bool:
        """Whether this try is one of a stranger's first."""
        if not self._tries_of_strangers:
            return False
        self._tries[recipient] += 1
        strange = self._tries[recipient] <= self._tries_of_strangers
        self.counts["greylisted"] += strange
        return strange

    def puts_off(self) -> bool:
        """Whether this mail is put off."""
        late = self._dice.random() < self._trouble
        self.counts["deferred"] += late
        return late

    def take(self, text: bytes) -> bool:
        """Count a mail; whether its sender is told."""
        name = hash(text[: text.find(b"\r\n\r\n")].lower().partition(b"message-id:")[2].split(None, 1)[0])
        self.counts["again"] += name in self._known
        self.counts["taken"] += 1
        self._known.add(name)
        told = self._dice.random() >= self._trouble / 4
        self.counts["untold"] += not told
        return told

    def calm(self) -> None:
        """No more trouble."""
        self._trouble = 0
        self.begin_day(0)


async def serve(seed: int, trouble: float) -> None:
    """Say on which port mail is taken, and take it until standard input ends. Each line there is answered with the counts;
    `greylist` with a number begins a day on which so many tries for each recipient are put off; after `calm` nothing goes
    wrong any more."""
    sink, loop = CountingSmtp(seed, trouble), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SmtpConversation(sink), "127.0.0.1", 0, backlog=64)
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    async with server:
        while word := await asked.readline():
            match word.split():
                case [b"calm"]:
                    sink.calm()
                case [b"greylist", tries]:
                    sink.begin_day(int(tries))
            _say(dict(sink.counts))


def _say(facts: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
