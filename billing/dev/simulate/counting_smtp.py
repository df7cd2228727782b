"""A mail server for the simulation: it takes what is sent, counts it, and keeps nothing. A process of its own.

Some mails it puts off, and sometimes it takes one and hangs up without saying so, as relays do. On some days it greylists."""

import asyncio
import json
import random
import sys
from collections import Counter

from aiosmtpd.smtp import Envelope

from billing.dev.fake_smtp import GREYLISTED, Conversation, FakeSmtp, Step

DEAF = "deaf-"
"""Addresses that begin like this don't exist."""


class CountingSmtp(FakeSmtp):
    """Counts mails and faults. `trouble` is the share of mails that it puts off."""

    pipelining = True

    def __init__(self, seed: int, trouble: float) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._known: set[int] = set()
        self._dice = random.Random(f"{seed}/mail")  # noqa: S311 - to be drawn again
        self._trouble = trouble
        self._tries_of_strangers = 0
        self._tries: Counter[str] = Counter()

    async def intervene(self, talk: Conversation, step: Step, recipient: str | None) -> str | None:
        """Refuse a recipient that doesn't exist, is new on a day of greylisting, or has bad luck; or take a mail and hang up."""
        if step == "after-dot" and self._dice.random() < self._trouble / 4:
            self.counts["untold"] += 1
            await talk.break_off()
        if step != "rcpt" or recipient is None:
            return None
        if recipient.startswith(DEAF):
            return self._count("refused", "550 no such person")
        if self._greylists(recipient):
            return self._count("greylisted", GREYLISTED)
        return self._count("deferred", "451 not now") if self._dice.random() < self._trouble else None

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
        if not self._tries_of_strangers:
            return False
        self._tries[recipient] += 1
        return self._tries[recipient] <= self._tries_of_strangers

    def begin_day(self, tries_of_strangers: int) -> None:
        """All recipients are strangers from now on, and so many tries for each are put off."""
        self._tries_of_strangers = tries_of_strangers
        self._tries.clear()

    def calm(self) -> None:
        """No more trouble."""
        self._trouble = 0
        self.begin_day(0)


async def serve(seed: int, trouble: float) -> None:
    """Say on which port mail is taken, and take it until standard input ends. Each line there is answered with the counts;
    `greylist` with a number begins a day on which so many tries for each recipient are put off; after `calm` nothing goes
    wrong any more."""
    smtp, loop = CountingSmtp(seed, trouble), asyncio.get_running_loop()
    server = await loop.create_server(smtp.conversation, "127.0.0.1", 0)
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    async with server:
        while word := await asked.readline():
            match word.split():
                case [b"calm"]:
                    smtp.calm()
                case [b"greylist", tries]:
                    smtp.begin_day(int(tries))
            _say(dict(smtp.counts))


def _say(facts: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
