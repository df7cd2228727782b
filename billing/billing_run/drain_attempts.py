"""Bring open attempts to their end: claim them, ask the gateway in threads with nothing open, settle what has been answered.

Nobody waits for the slowest: while some are being asked, the others are settled, together as far as they come together."""

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
from billing.billing_run.context import BATCH, LOOK_AGAIN, RunContext, RunReport, in_halves, unless_locked
from billing.billing_run.settle import settle_all
from billing.billing_run.skip_reason import Skip
from billing.payments import charge
from billing.payments.charge import ClaimedAttempt, NotSent
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from billing.platform.stop_points import stop_point

LINGER_SECONDS = 0.1
"""How long an answer waits for others, to be settled with them in one transaction."""
QUICK_SECONDS = 0.5
"""An answer within so long is no reason to have fewer in hand."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """It wasn't sent, because charging was paused meanwhile."""


@dataclass(frozen=True, slots=True)
class _Answered:
    claimed: ClaimedAttempt
    said: Outcome | NotSent | Held | BaseException
    waited: float
    """Seconds in our hands, from the claim to the answer."""


def drain_attempts(
    run_context: RunContext,
    at: datetime,
    report: RunReport,
    *,
    subscription_id: str | None = None,
    meanwhile: Callable[[], int] = lambda: 0,
) -> None:
    """Bring open attempts to their end, several at once, each settled soon after its answer; none while charging is paused.

    `meanwhile` is other work, done while the gateway is asked; it says how much it did, and is over when that is nothing and
    all attempts have ended."""
    more = True
    with (
        worker_lock(run_context.database) as me,
        run_context.health(at) as health,
        closing(_Senders(run_context, health, at)) as senders,
    ):
        stride = _Stride(run_context.concurrency * 4)
        while True:
            more = more and meanwhile() > 0
            if senders.waiting <= stride.length // 2:
                most = stride.length - senders.waiting
                with run_context.database.begin(run_context.site, at, WORKER) as ctx:
                    claimed = charge.claim(ctx, me, limit=most, subscription_id=subscription_id)
                if claimed:
                    stop_point("charge.intended")
                senders.send(claimed)
            if not senders.waiting and not more:
                return
            answers = senders.answered(wait=not more)
            stride.adapt(answers)
            _note(run_context, me, answers, at, report)
            # an open page keeps everything else from being due: now that it has ended, there may be more to do
            more = more or bool(answers)


def charge_all(
    run_context: RunContext,
    health: HealthByName,
    me: int,
    claimed: Sequence[ClaimedAttempt],
    at: datetime,
    report: RunReport,
) -> None:
    """Bring these attempts, claimed by `me`, to their end."""
    with closing(_Senders(run_context, health, at)) as senders:
        senders.send(claimed)
        while senders.waiting:
            _note(run_context, me, senders.answered(), at, report)


class _Stride:
    """How many attempts are in our hands at most. Who cancels while one waits there is charged and refunded, so it is no more
    than is sent in a moment: few, and more while none of them waits long for its answer."""

    def __init__(self, least: int) -> None:
        self.length = self._least = least

    def adapt(self, answers: Sequence[_Answered]) -> None:
        """These have come."""
        if not answers:
            return
        quick = max(one.waited for one in answers) < QUICK_SECONDS
        most = max(2 * BATCH, self._least)
        self.length = min(self.length * 2, most) if quick else max(self.length // 2, self._least)


class _Senders:
    """Threads that ask the gateway, each at its turn; one queue of what is to be asked, and one of what was said."""

    def __init__(self, run_context: RunContext, health: HealthByName, at: datetime) -> None:
        self._run_context, self._health, self._at = run_context, health, at
        self._monotonic = run_context.monotonic
        self._jobs: SimpleQueue[tuple[ClaimedAttempt, float] | None] = SimpleQueue()
        self._answers: deque[_Answered] = deque()
        self._came = Condition()
        self._threads: list[Thread] = []
        self.waiting = 0

    def send(self, claimed: Sequence[ClaimedAttempt]) -> None:
        """Ask for these, as soon as there is a thread for each."""
        self.waiting += len(claimed)
        for one in claimed:
            self._jobs.put((one, self._monotonic.seconds()))
        while len(self._threads) < min(self.waiting, self._run_context.concurrency):
            # the log's request id goes along into the threads
            thread = Thread(target=copy_context().run, args=(self._work,), name="charge", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Let the threads end after what they are asking now. Where we can't settle any more, nothing more is sent."""
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
        for one in found:
            if isinstance(one.said, BaseException) and not isinstance(one.said, Exception):
                raise one.said
        return found

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            one, since = job
            said: Outcome | NotSent | Held | BaseException
            try:
                said = self._ask(one)
            except BaseException as problem:
                said = problem  # whatever it is: an answer that never came would be waited for without end
            answered = _Answered(one, said, self._monotonic.seconds() - since)
            with self._came:
                self._answers.append(answered)
                self._came.notify()

    def _ask(self, one: ClaimedAttempt) -> Outcome | NotSent | Held:
        acquirer = self._health[one.acquirer]
        acquirer.slot.wait()
        if acquirer.paused.is_set():  # begun by a charge of this very run: the rest of it isn't sent
            return Held()
        outcome = charge.send_or_look_up(acquirer.gateway, one, self._at)
        if not isinstance(outcome, NotSent):  # the acquirer may not have been asked at all
            acquirer.note(outcome)
        stop_point("charge.answered")
        return outcome


def _note(
    run_context: RunContext, me: int, answers: Sequence[_Answered], at: datetime, report: RunReport
) -> None:
    """Settle what was answered in one transaction, and put back what wasn't sent. What can't be settled holds up nobody."""
    held = [one.claimed for one in answers if isinstance(one.said, Held)]
    if held:
        with run_context.database.transaction() as session:
            charge.release(session, held, me)
        report.counts[Skip.HELD] += len(held)

    def settle(some: Sequence[tuple[str, Outcome | NotSent]]) -> None:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            words = settle_all(ctx, some)
        stop_point("charge.settled")
        report.counts.update(words)

    def put_off(one: tuple[str, Outcome | NotSent], problem: Exception) -> None:
        _put_off(run_context, one[0], problem, at, report)

    known = []
    for one in answers:
        if isinstance(one.said, BaseException):
            _put_off(run_context, one.claimed.attempt_id, one.said, at, report)
        elif not isinstance(one.said, Held):
            known.append((one.claimed.attempt_id, one.said))
    if known:
        in_halves(settle, known, put_off)


def _put_off(
    run_context: RunContext, attempt_id: str, problem: BaseException, at: datetime, report: RunReport
) -> None:
    log.error("attempt %s is stuck", attempt_id, exc_info=problem)
    report.stuck[attempt_id] = f"{type(problem).__name__}: {problem}"
    with unless_locked(), run_context.database.transaction() as session:
        charge.postpone(session, attempt_id, until=at + LOOK_AGAIN)
    report.counts["stuck"] += 1
