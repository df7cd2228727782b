"""The simulation's mail server, a separate process. It counts mails and keeps none.

It defers some mails. Sometimes it accepts one and drops the connection before it answers, as relays do. On some days it greylists."""

import asyncio
import json
import random
import sys
from collections import Counter

from aiosmtpd.smtp import Envelope

from billing.dev.fake_smtp import GREYLISTED, Conversation, FakeSmtp, Step

UNREACHABLE = "unreachable-"
"""Prefix of addresses that don't exist."""


class CountingSmtp(FakeSmtp):
    """Counts mails and faults. `fault_rate` is the share of mails that it defers."""

    pipelining = True

    def __init__(self, seed: int, fault_rate: float) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._known: set[int] = set()
        self._random = random.Random(f"{seed}/mail")  # noqa: S311 - repeatable, not secret
        self._fault_rate = fault_rate
        self._greylisted_tries = 0
        self._tries: Counter[str] = Counter()

    async def intervene(self, talk: Conversation, step: Step, recipient: str | None) -> str | None:
        """Refuse unknown recipients, greylist, defer at random, or accept a mail and drop the connection."""
        if step == "after-dot" and self._random.random() < self._fault_rate / 4:
            self.counts["untold"] += 1
            await talk.break_off()
        if step != "rcpt" or recipient is None:
            return None
        if recipient.startswith(UNREACHABLE):
            return self._count("refused", "550 no such person")
        if self._greylists(recipient):
            return self._count("greylisted", GREYLISTED)
        return self._count("deferred", "451 not now") if self._random.random() < self._fault_rate else None

    def take(self, envelope: Envelope) -> str:
        """Count a mail."""
        text = bytes(envelope.original_content or b"")
        name = hash(text[: text.find(b"\r\n\r\n")].lower().partition(b"message-id:")[2].split(None, 1)[0])
        self.counts["again"] += name in self._known
        self.counts["taken"] += 1
        self._known.add(name)
        return "250 taken"

    def _count(self, what: str, answer: str) -> str:
        self.counts[what] += 1
        return answer

    def _greylists(self, recipient: str) -> bool:
        if not self._greylisted_tries:
            return False
        self._tries[recipient] += 1
        return self._tries[recipient] <= self._greylisted_tries

    def begin_day(self, greylisted_tries: int) -> None:
        """Greylist the first tries for each recipient from now on, so many of them."""
        self._greylisted_tries = greylisted_tries
        self._tries.clear()

    def calm(self) -> None:
        """Stop all faults."""
        self._fault_rate = 0
        self.begin_day(0)


async def serve(seed: int, fault_rate: float) -> None:
    """Print the port, and take mail until stdin ends. Each line on stdin is answered with the counts.

    `greylist N` begins a day on which the first N tries for each recipient are greylisted; `calm` stops all faults."""
    smtp, loop = CountingSmtp(seed, fault_rate), asyncio.get_running_loop()
    server = await loop.create_server(smtp.conversation, "127.0.0.1", 0)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _print({"port": server.sockets[0].getsockname()[1]})
    async with server:
        while line := await lines.readline():
            match line.split():
                case [b"calm"]:
                    smtp.calm()
                case [b"greylist", tries]:
                    smtp.begin_day(int(tries))
            _print(dict(smtp.counts))


def _print(facts: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
