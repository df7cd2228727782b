"""Readers who ask web processes again and again who may read, while a failure is under way."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import httpx

from billing.platform.monotonic import SystemMonotonic
from tests.support.polling import until

SECONDS = SystemMonotonic().seconds
BETWEEN_SECONDS = 0.05
"""A reader's pause, which leaves the machine to the processes that are asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """A check of an article, and whether it may be read."""

    path: str
    headers: Mapping[str, str]
    allowed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said. `allowed`: None where it couldn't say. Seconds are those of SECONDS."""

    process: int
    question: Question
    asked: float
    answered: float
    status: int
    allowed: bool | None
    retry_after: str | None

    @property
    def is_true(self) -> bool:
        """Whether it said what is so."""
        return self.allowed is self.question.allowed


@dataclass
class AskingReaders:
    """All answers so far."""

    processes: Sequence[httpx.Client]
    questions: Sequence[Question]
    answers: list[Answer] = field(default_factory=list)

    def all_answered(self) -> float:
        """Return when each process has answered each question truly that was asked from now on; the seconds it took."""
        since = SECONDS()
        expected = len(self.processes) * len(self.questions)

        def first() -> dict[tuple[int, int], float]:
            true = [one for one in self.answers if one.asked >= since and one.is_true]
            return {(one.process, id(one.question)): one.answered for one in reversed(true)}

        until(lambda: len(first()) == expected, "true answers of all web processes")
        return max(first().values()) - since

    def assert_no_lie(self) -> None:
        """Each answer is true, or a 503 that says when to ask again."""
        false = [one for one in self.answers if not one.is_true]
        assert [one for one in false if one.status != 503 or not one.retry_after] == []

    def ask(self, process: int) -> None:
        """Ask each question once."""
        for question in self.questions:
            asked = SECONDS()
            reply = self.processes[process].get(question.path, headers=question.headers)
            allowed = bool(reply.json()["allowed"]) if reply.status_code == 200 else None
            again = reply.headers.get("retry-after")
            self.answers.append(
                Answer(process, question, asked, SECONDS(), reply.status_code, allowed, again)
            )


@contextmanager
def asking(processes: Sequence[httpx.Client], questions: Sequence[Question]) -> Iterator[AskingReaders]:
    """For the length of the block, readers ask each process. It begins when all have answered truly once."""
    stop, readers = Event(), AskingReaders(processes, questions)

    def one_reader(process: int) -> None:
        while not stop.wait(BETWEEN_SECONDS):
            readers.ask(process)

    with ThreadPoolExecutor(len(processes)) as threads:
        running = [threads.submit(one_reader, process) for process in range(len(processes))]
        try:
            readers.all_answered()
            yield readers
        finally:
            stop.set()
        for each in running:
            each.result()
