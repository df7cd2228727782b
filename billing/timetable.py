"""Every scheduled job, one line each. A tick does what is due; a tick lost or doubled changes nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from billing.access import retention as readings
from billing.acquirer import breaker
from billing.acquirer.registry import Acquirers
from billing.address_changes import customers
from billing.billing_run import run
from billing.cards import expire_card_setups
from billing.cards.expire_card_setups import expire_setups
from billing.changes import announce_price, describe_next
from billing.container import Services
from billing.ledger import recognition
from billing.ledger.recognition import recognise_due
from billing.mail import deliver
from billing.newsletters import count_past, optin, send, start
from billing.personal_data import data_requests, erase
from billing.platform import installation, partitions, retention
from billing.platform.counters import JOB_ITEMS, JOB_RUNS, JOB_SECONDS
from billing.platform.db import Database
from billing.platform.db_errors import is_away, is_pool_full
from billing.platform.installation import AsksAcquirer, NotAdopted
from billing.platform.site import Site
from billing.platform.time_limits import Work, doing
from billing.platform.tracing import Facts
from billing.reconcile import recover, schedule
from billing.reconcile.schedule import reconcile_due
from billing.refunds import send as send_refunds
from billing.refunds import unexplained_charges
from billing.refunds.unexplained_charges import give_back_due
from billing.reports import doctor, watch
from billing.reports.numbers import days as numbers
from billing.reports.watch import check_others
from billing.staff import alerts, answer_disputes, key_cases
from billing.staff.bulk import run as bulk_actions
from billing.webhooks import inbox
from billing.webhooks.settle import settle_due

log = logging.getLogger(__name__)
JOB_FAILED = "the job «%s» failed; it is tried again at the next tick"


class Queue(StrEnum):
    """A worker has a thread for each queue: no queue waits for another (S15)."""

    EVENTS = "events"
    """What the acquirer tells us."""
    BILLING = "billing"
    """A run may take as long as the acquirer likes."""
    REFUNDS = "refunds"
    MAIL = "mail"
    """A sign-in link lives for ten minutes."""
    LONG = "long"
    """What may take minutes and holds up no reader."""
    DOCTOR = "doctor"
    """The nightly checks may take hours."""
    WATCH = "watch"
    """Checks that the other queues do their work."""

    @property
    def work(self) -> Work:
        """The kind of work, which says how long a job in this queue may wait for a lock."""
        return Work.LONG if self in (Queue.LONG, Queue.DOCTOR, Queue.WATCH) else Work.RUN


Do = Callable[[Services, datetime], int]
"""Does what is due at the instant; how much it did."""


@dataclass(frozen=True)
class Job:
    """Scheduled work.

    `next_due`: a query for when there will be something to do, from the rows themselves: one instant, or null. It takes no
    parameters, so that PostgreSQL plans the query of all jobs once a connection. It uses an index, so that it costs the same
    however many rows there are. `next_words`: what that will be, for people who watch a held clock. `stops`: whether a held
    clock stops for it on its way. Not for work whose result doesn't depend on when it is done."""

    name: str
    queue: Queue
    do: Do
    next_due: str
    next_words: Callable[[Session], str]
    stops: bool = True


class _Scheduled(Protocol):
    """A module whose work is scheduled."""

    NEXT_DUE: str

    def next_words(self, session: Session, /) -> str: ...


def _job(name: str, queue: Queue, do: Do, module: _Scheduled, *, stops: bool = True) -> Job:
    return Job(name, queue, do, module.NEXT_DUE, module.next_words, stops)


def _on_site(do: Callable[[Database, Site, datetime], int]) -> Do:
    return lambda services, at: do(services.database, services.site, at)


def _on_acquirers(do: Callable[[Database, Acquirers, Site, datetime], int]) -> Do:
    return lambda services, at: do(services.database, services.acquirers, services.site, at)


def _on_database(do: Callable[[Database, datetime], int]) -> Do:
    return lambda services, at: do(services.database, at)


def _send_refunds(services: Services, at: datetime) -> int:
    with services.run_context.health(at) as health:
        return send_refunds.send_due(services.database, services.site, health, at)


def _deliver(services: Services, _: datetime) -> int:
    stopping = services.newsletter_sender.stopping
    return deliver.deliver(services.database, services.sender, services.clock, stopping)


Jobs = tuple[Job, ...]
BILLING, EVENTS, REFUNDS, LONG = Queue.BILLING, Queue.EVENTS, Queue.REFUNDS, Queue.LONG
JOBS: Jobs = (
    Job(
        "ask the acquirer what happened",
        BILLING,
        lambda s, at: recover.recover_due(s.reconcile_context, at),
        installation.NEXT_DUE,
        recover.next_words,
    ),
    _job("settle events", EVENTS, lambda s, at: settle_due(s.webhook_context, at), inbox),
    Job(
        "bill, and ask what became of charges in doubt",
        BILLING,
        lambda s, at: run.run(s.run_context, at, most_seconds=run.SCHEDULED_SECONDS).done(),
        run.NEXT_DUE,
        describe_next.next_words,
    ),
    _job("announce prices", BILLING, _on_site(announce_price.announce_due), announce_price),
    _job("see whether the acquirer is back", BILLING, lambda s, at: run.probe(s.run_context, at), breaker),
    _job("refund", REFUNDS, _send_refunds, send_refunds),
    _job("give back what nothing explains", REFUNDS, _on_acquirers(give_back_due), unexplained_charges),
    _job("ask what became of card pages", EVENTS, _on_acquirers(expire_setups), expire_card_setups),
    _job("recognise revenue", LONG, _on_site(recognise_due), recognition, stops=False),
    _job("keep the numbers of closed days", LONG, _on_site(numbers.keep_due), numbers, stops=False),
    # Both before the doctor, which checks that they were done: a held clock may leap over several mornings.
    _job("reconcile", LONG, lambda s, at: reconcile_due(s.reconcile_context, at), schedule, stops=False),
    _job("forget what is old", LONG, _on_database(retention.delete_expired), retention, stops=False),
    _job("doctor", Queue.DOCTOR, _on_site(doctor.run_checks), doctor, stops=False),
    # After the doctor: it reports a doctor who is late.
    _job("see whether the others do their work", Queue.WATCH, _on_site(check_others), watch, stops=False),
    _job("deliver mail", Queue.MAIL, _deliver, deliver),
    _job("mail staff about what waits", LONG, _on_site(alerts.alert_due), alerts, stops=False),
    _job("warn of keys that expire", LONG, _on_site(key_cases.warn_due), key_cases, stops=False),
    _job("act on many", LONG, _on_site(bulk_actions.run_due), bulk_actions),
    Job(
        "answer disputes",
        LONG,
        lambda s, at: answer_disputes.answer_due(s.database, s.acquirers, s.site, s.sender.house, at),
        answer_disputes.NEXT_DUE,
        answer_disputes.next_words,
    ),
    _job("forget unconfirmed sign-ups", LONG, _on_database(optin.delete_unconfirmed), optin),
    # Before partitions are dropped, and before old issues are sent: a worker may have been away for months.
    _job("count past newsletters", LONG, _on_site(count_past.count_past), count_past, stops=False),
    _job("make and drop partitions", LONG, _on_database(partitions.keep_up), partitions, stops=False),
    _job("forget what was read", LONG, _on_database(readings.delete_old_readings), readings),
    _job("give the acquirer new addresses", LONG, _on_acquirers(customers.update_due), customers),
    _job("erase readers", LONG, _on_acquirers(erase.erase_due), erase),
    Job(
        "make archives of readers' data",
        LONG,
        lambda s, at: data_requests.make_due(s.database, s.site, s.sender.house, at),
        data_requests.NEXT_DUE,
        data_requests.next_words,
    ),
    _job("start newsletters", LONG, lambda s, at: start.start_due(s.newsletter_sender, at), start),
    _job("send newsletters", LONG, lambda s, _: send.send(s.newsletter_sender, s.clock), send),
)


def tick(services: Services, *, queue: Queue | None = None, seen: dict[str, datetime] | None = None) -> int:
    """Do what is due, in all queues or in one; how much was done. A job that fails is logged, and the others run.

    `seen` is filled with the instants at which jobs were due next before they ran, as far as a held clock stops for them."""
    at = services.clock.now()
    jobs = left = _jobs_of(queue)
    done = 0
    while left:
        # All jobs, also those that had their turn: PostgreSQL keeps its plan for the same words (see Job).
        times = _due_times(services, jobs)
        if seen is not None:
            seen.update((job.name, due_at) for job, due_at in times.items() if job.stops)
        due = next((job for job in left if job in times and times[job] <= at), None)
        if due is None:
            break
        left = left[left.index(due) + 1 :]
        done += _do(services, due, at)
        at = services.clock.now()  # a job may take long
    return done


@cache
def _jobs_of(queue: Queue | None) -> Jobs:
    return tuple(job for job in JOBS if queue in (None, job.queue))


def _do(services: Services, job: Job, at: datetime) -> int:
    """Run a job, count and trace it. One that fails is logged."""
    began, done, result = services.monotonic.seconds(), 0, "done"
    span = services.tracer.begin_job()
    try:
        with doing(job.queue.work):
            done = job.do(services, at)
    except (NotAdopted, AsksAcquirer) as refusal:
        result = "held"
        services.throttle.error(log, f"the job «{job.name}» stands still: {refusal}")
    except Exception:
        result = "failed"
        log.exception(JOB_FAILED, job.name)
    JOB_RUNS.add(job.name, result)
    JOB_ITEMS.add(job.name, by=done)
    JOB_SECONDS.add(job.name, seconds=services.monotonic.seconds() - began)
    facts: Facts = {"masthead.queue": job.queue, "masthead.items": done, "masthead.result": result}
    span.end(job.name, facts, error=result if result == "failed" else "")
    return done


def _due_times(services: Services, jobs: Jobs) -> dict[Job, datetime]:
    """When each of the jobs is due, of those that ever are.

    A query that fails is asked again in halves, so that one broken job stops no other. Not where the database is away or no
    connection comes free: that stops all of them."""
    try:
        with doing(Work.RUN), services.database.autocommit() as connection:
            return _query_due(connection, jobs)
    except Exception as error:
        if is_away(error) or is_pool_full(error):
            raise
        if len(jobs) == 1:
            log.exception(JOB_FAILED, jobs[0].name)
            return {}
    half = len(jobs) // 2
    return _due_times(services, jobs[:half]) | _due_times(services, jobs[half:])


def _query_due(connection: sa.Connection, jobs: Jobs) -> dict[Job, datetime]:
    # One statement for all, and one array in place of many columns: an idle tick costs next to nothing.
    found = connection.execute(_query(jobs)).scalar_one()
    return {job: due_at for job, due_at in zip(jobs, found, strict=True) if due_at is not None}


@cache
def _query(jobs: Jobs) -> sa.TextClause:
    return sa.text("SELECT ARRAY[" + ", ".join(f"({job.next_due})" for job in jobs) + "]")


def next_due(session: Session) -> tuple[datetime, Job] | None:
    """The next instant for which a held clock stops, and the job that is due then."""
    times = _query_due(session.connection(), tuple(job for job in JOBS if job.stops))
    return min(((at, job) for job, at in times.items()), key=lambda due: due[0], default=None)


def upcoming(services: Services) -> tuple[datetime, str] | None:
    """The same, with what happens then in words."""
    with services.database.transaction() as session:
        due = next_due(session)
        return (due[0], due[1].next_words(session)) if due else None
