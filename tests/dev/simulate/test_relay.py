"""The simulation's mail server greylists on given days and accepts retries."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from billing.dev.fake_smtp import GREYLISTED
from billing.dev.simulate.dates import Slot, moment
from billing.dev.simulate.faults import LEVELS, FaultPlan
from billing.mail.smtp import Accepted, Deferred, Outcome, SmtpTransport
from tests.support.sandbox import Sandbox

PUT_OFF = Deferred(451, GREYLISTED.removeprefix("451 "))
TAKEN = Accepted("taken")


class Relay:
    """The mail server as a process, and the line to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._transport = SmtpTransport(f"smtp://127.0.0.1:{self._says()['port']}", timeout=10)

    def order(self, word: str) -> dict[str, int]:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._says()

    def offer(self, to: str) -> Outcome:
        content = f"Message-ID: <{to}>\r\n\r\nGood morning.\r\n".encode()
        return self._transport.send(content, sender="paper@example.com", recipient=to)

    def _says(self) -> dict[str, int]:
        assert self._process.stdout
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def relay() -> Iterator[Relay]:
    command = [sys.executable, "-m", "billing.dev.simulate.counting_smtp", "7", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Relay(process)
        finally:
            process.kill()


def test_a_stranger_is_put_off_as_often_as_it_was_told_and_again_each_day() -> None:
    with relay() as one:
        assert one.offer("a@example.com") == TAKEN
        one.order("greylist 2")
        assert [one.offer("a@example.com") for _ in range(4)] == [PUT_OFF, PUT_OFF, TAKEN, TAKEN]
        assert one.offer("b@example.com") == PUT_OFF
        one.order("greylist 1")
        assert [one.offer("a@example.com") for _ in range(2)] == [PUT_OFF, TAKEN]
        assert one.order("calm")["greylisted"] == 4
        assert one.offer("c@example.com") == TAKEN


def test_many_faults_have_days_of_greylisting_among_them_and_no_faults_have_none() -> None:
    days = [date(2027, 1, 1) + timedelta(days=n) for n in range(60)]
    with Sandbox() as sandbox:
        sent: dict[str, list[str]] = {}
        for name in ("none", "many"):
            faults = FaultPlan(sandbox.http, sent.setdefault(name, []).append, LEVELS[name], seed=7)
            for day in days:
                faults.morning(day, moment(day, Slot.ROUNDS))
    assert set(sent["none"]) == {"greylist 0"}
    assert set(sent["many"]) == {f"greylist {tries}" for tries in range(4)}
