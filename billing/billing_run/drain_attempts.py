"""Bring open attempts to their end: claim them, call the gateway in threads with no transaction open, settle the answers.

A slow answer holds up no other: answers that come together are settled in one transaction, while other calls run."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Condition, Thread

from billing.acquirer.answers import Outcome
from billing.acquirer.gateway_health import HealthByName
from billing.billing_run.context import BATCH, STUCK_FOR, RunContext, RunReport, in_halves, unless_locked
from billing.billing_run.settle import settle_all
from billing.billing_run.skip_reason import Skip
from billing.payments import charge
from billing.payments.charge import ClaimedAttempt, NotSent
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from billing.platform.stop_points import stop_point

LINGER_SECONDS = 0.5
"""How long an answer waits for others, so that one transaction settles them together. Workers share the acquirer's answers: the more
workers, the fewer come to each in this time, and the more a charge costs."""
QUICK_SECONDS = 0.5
"""Answers within this time let the window grow; slower ones shrink it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftWhilePaused:
    """The attempt wasn't sent, because charging was paused meanwhile."""


@dataclass(frozen=True, slots=True)
class _Answered:
    claimed: ClaimedAttempt
    answer: Outcome | NotSent | LeftWhilePaused | BaseException
    waited: float
    """Seconds from the claim to the answer."""


def drain_attempts(
    run_context: RunContext,
    at: datetime,
    report: RunReport,
    *,
    subscription_id: str | None = None,
    meanwhile: Callable[[], int] = lambda: 0,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Bring open attempts to their end, several at once, each settled soon after its answer; none while charging is paused.

    `meanwhile` is other work, done while the gateway answers. It returns how much it did. Draining is over when that is 0 and
    all attempts have ended; or, once `is_over`, when those that are under way have."""
    more = True
    with (
        # first in, last out: no other run may take over an attempt that a sender is still calling for
        worker_lock(run_context.database) as worker,
        run_context.health(at) as health,
        closing(_Senders(run_context, health, at)) as senders,
    ):
        window = _Window(run_context.concurrency * 4)
        while True:
            over = is_over()
            more = more and not over and meanwhile() > 0
            if not over and senders.waiting <= window.size // 2:
                free = window.size - senders.waiting
                with run_context.database.begin(run_context.site, at, WORKER) as ctx:
                    claimed = charge.claim(ctx, worker, limit=free, subscription_id=subscription_id)
                if claimed:
                    stop_point("charge.intended")
                senders.send(claimed)
            if not senders.waiting and not more:
                return
            answers = senders.answered(wait=not more)
            window.adapt(answers)
            _settle_answers(run_context, worker, answers, at, report)
            # an open page keeps its subscription from being due: after its end there may be more to do
            more = more or bool(answers)


def charge_all(
    run_context: RunContext,
    health: HealthByName,
    worker: int,
    claimed: Sequence[ClaimedAttempt],
    at: datetime,
    report: RunReport,
) -> None:
    """Bring these attempts, claimed by `worker`, to their end."""
    with closing(_Senders(run_context, health, at)) as senders:
        senders.send(claimed)
        while senders.waiting:
            _settle_answers(run_context, worker, senders.answered(), at, report)


class _Window:
    """The most attempts that are claimed and unanswered. A reader who cancels while theirs waits here is charged and refunded.
    So the window is small, and grows only while answers are quick."""

    def __init__(self, least: int) -> None:
        self.size = self._least = least

    def adapt(self, answers: Sequence[_Answered]) -> None:
        """Resize it by how long the slowest of these answers took."""
        if not answers:
            return
        quick = max(answered.waited for answered in answers) < QUICK_SECONDS
        most = max(2 * BATCH, self._least)
        self.size = min(self.size * 2, most) if quick else max(self.size // 2, self._least)


class _Senders:
    """Threads that call the gateway at its rate; a queue of attempts to send, and one of answers."""

    def __init__(self, run_context: RunContext, health: HealthByName, at: datetime) -> None:
        self._run_context, self._health, self._at = run_context, health, at
        self._monotonic = run_context.acquirers.monotonic
        self._jobs: SimpleQueue[tuple[ClaimedAttempt, float] | None] = SimpleQueue()
        self._answers: deque[_Answered] = deque()
        self._came = Condition()
        self._threads: list[Thread] = []
        self.waiting = 0

    def send(self, claimed: Sequence[ClaimedAttempt]) -> None:
        """Queue these, and start threads for them."""
        self.waiting += len(claimed)
        for attempt in claimed:
            self._jobs.put((attempt, self._monotonic.seconds()))
        while len(self._threads) < min(self.waiting, self._run_context.concurrency):
            # a copied context carries the log's request id into the thread
            thread = Thread(target=copy_context().run, args=(self._work,), name="charge", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """End the threads after their current call. Attempts still queued aren't sent: nothing would settle them."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def answered(self, *, wait: bool = True) -> list[_Answered]:
        """What has been answered: at least one, and those that come within a moment; or, without `wait`, what is there."""
        most = min(self.waiting, BATCH)
        with self._came:
            if wait:
                self._came.wait_for(lambda: bool(self._answers))
                self._monotonic.wait_for(self._came, lambda: len(self._answers) >= most, LINGER_SECONDS)
            found = [self._answers.popleft() for _ in range(min(most, len(self._answers)))]
        self.waiting -= len(found)
        for answered in found:
            if isinstance(answered.answer, BaseException) and not isinstance(answered.answer, Exception):
                raise answered.answer
        return found

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            attempt, since = job
            answer: Outcome | NotSent | LeftWhilePaused | BaseException
            try:
                answer = self._call(attempt)
            except BaseException as problem:
                answer = (
                    problem  # even a KeyboardInterrupt: the main thread would wait for this answer for ever
                )
            answered = _Answered(attempt, answer, self._monotonic.seconds() - since)
            with self._came:
                self._answers.append(answered)
                self._came.notify()

    def _call(self, attempt: ClaimedAttempt) -> Outcome | NotSent | LeftWhilePaused:
        acquirer = self._health[attempt.acquirer]
        acquirer.slot.wait()
        if acquirer.paused.is_set():  # an answer of this very run paused charging: send no more
            return LeftWhilePaused()
        outcome = charge.send_or_look_up(acquirer.gateway, attempt, self._at)
        if not isinstance(outcome, NotSent):  # else it says nothing of the acquirer's health
            acquirer.note(outcome)
        stop_point("charge.answered")
        return outcome


def _settle_answers(
    run_context: RunContext, worker: int, answers: Sequence[_Answered], at: datetime, report: RunReport
) -> None:
    """Settle the answers in one transaction, and release what wasn't sent. What fails to settle holds up no other."""
    held = [answered.claimed for answered in answers if isinstance(answered.answer, LeftWhilePaused)]
    if held:
        with run_context.database.transaction() as session:
            charge.release(session, held, worker)
        report.counts[Skip.HELD] += len(held)

    def settle(some: Sequence[tuple[str, Outcome | NotSent]]) -> None:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            words = settle_all(ctx, some)
        stop_point("charge.settled")
        report.counts.update(words)

    def postpone(attempt_id: str, problem: BaseException) -> None:
        log.error("attempt %s is stuck", attempt_id, exc_info=problem)
        report.stuck[attempt_id] = f"{type(problem).__name__}: {problem}"
        with unless_locked(), run_context.database.transaction() as session:
            charge.postpone(session, attempt_id, until=at + STUCK_FOR)
        report.counts["stuck"] += 1

    known = []
    for answered in answers:
        if isinstance(answered.answer, BaseException):
            postpone(answered.claimed.attempt_id, answered.answer)
        elif not isinstance(answered.answer, LeftWhilePaused):
            known.append((answered.claimed.attempt_id, answered.answer))
    if known:
        in_halves(settle, known, lambda answer, problem: postpone(answer[0], problem))
