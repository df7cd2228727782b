"""Every scheduled job, one line each. A tick looks for due rows and does them; a tick lost or doubled changes nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

import sqlalchemy as sa
from sqlmodel import Session

from billing.access import retention as readings
from billing.acquirer import breaker
from billing.billing_run import run
from billing.cards import expire_card_setups
from billing.changes import announce_price, describe_next
from billing.container import Services
from billing.ledger import recognition
from billing.mail import deliver
from billing.newsletters import optin, send, start
from billing.platform import installation, retention
from billing.platform.db import is_away, is_pool_full
from billing.platform.installation import AsksAcquirer, NotAdopted
from billing.platform.time_limits import Work, doing
from billing.reconcile import recover, schedule
from billing.refunds import send as send_refunds
from billing.refunds import unexplained_charges
from billing.reports import doctor, watch
from billing.staff import key_cases
from billing.webhooks import inbox
from billing.webhooks import settle as events

log = logging.getLogger(__name__)
JOB_FAILED = "the job «%s» failed; it is tried again at the next tick"


class Queue(StrEnum):
    """The threads that a worker has for its jobs; what is in one queue never waits for what is in another (S15)."""

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
    """The doctor's night may take hours."""
    WATCH = "watch"
    """What looks whether the others do their work."""

    @property
    def work(self) -> Work:
        """The kind of work, which says how long a job in this queue may wait for a lock."""
        return Work.LONG if self in (Queue.LONG, Queue.DOCTOR, Queue.WATCH) else Work.RUN


@dataclass(frozen=True)
class Job:
    """Something done whenever there is something to do."""

    name: str
    do: Callable[[Services, datetime], int]
    """Does what is due at the instant; how much it did."""
    next_due: str
    """A query for when there will be something to do, from the rows themselves: one instant, or null. It takes no parameters,
    so that PostgreSQL plans the look at all jobs once a connection, and it asks an index, so that a look costs the same
    however many rows there are."""
    next_words: Callable[[Session], str]
    """What that will be, for people who watch a held clock."""
    queue: Queue
    stops: bool = True
    """Whether a held clock stops for it on its way. Not for what comes out the same whenever it is done."""


def _send_refunds(services: Services, at: datetime) -> int:
    with services.run_context.health(at) as health:
        return send_refunds.send_due(services.database, services.site, health, at)


Jobs = tuple[Job, ...]
JOBS: Jobs = (
    Job(
        "ask the acquirer what happened",
        lambda p, at: recover.recover_due(p.reconcile_context, at),
        installation.NEXT_DUE,
        recover.next_words,
        queue=Queue.BILLING,
    ),
    Job(
        "settle events",
        lambda p, at: events.settle_due(p.webhook_context, at),
        inbox.NEXT_DUE,
        inbox.next_words,
        queue=Queue.EVENTS,
    ),
    Job(
        "bill, and ask what became of charges in doubt",
        lambda p, at: run.run(p.run_context, at).done(),
        run.NEXT_DUE,
        describe_next.next_words,
        queue=Queue.BILLING,
    ),
    Job(
        "announce prices",
        lambda p, at: announce_price.announce_due(p.database, p.site, at),
        announce_price.NEXT_DUE,
        announce_price.next_words,
        queue=Queue.BILLING,
    ),
    Job(
        "see whether the acquirer is back",
        lambda p, at: run.probe(p.run_context, at),
        breaker.NEXT_DUE,
        breaker.next_words,
        queue=Queue.BILLING,
    ),
    Job(
        "refund",
        _send_refunds,
        send_refunds.NEXT_DUE,
        send_refunds.next_words,
        queue=Queue.REFUNDS,
    ),
    Job(
        "give back what nothing explains",
        lambda p, at: unexplained_charges.give_back_due(p.database, p.acquirers, p.site, at),
        unexplained_charges.NEXT_DUE,
        unexplained_charges.next_words,
        queue=Queue.REFUNDS,
    ),
    Job(
        "ask what became of card pages",
        lambda p, at: expire_card_setups.expire_setups(p.database, p.acquirers, p.site, at),
        expire_card_setups.NEXT_DUE,
        expire_card_setups.next_words,
        queue=Queue.EVENTS,
    ),
    Job(
        "recognise revenue",
        lambda p, at: recognition.recognise_due(p.database, p.site, at),
        recognition.NEXT_DUE,
        recognition.next_words,
        queue=Queue.LONG,
        stops=False,
    ),
    # Before the doctor, who asks whether it was done: a held clock may leap over several mornings.
    Job(
        "reconcile",
        lambda p, at: schedule.reconcile_due(p.reconcile_context, at),
        schedule.NEXT_DUE,
        schedule.next_words,
        queue=Queue.LONG,
        stops=False,
    ),
    Job(
        "doctor",
        lambda p, at: doctor.run_checks(p.database, p.site, at),
        doctor.NEXT_DUE,
        doctor.next_words,
        queue=Queue.DOCTOR,
        stops=False,
    ),
    # After the doctor, who is missed when he is late.
    Job(
        "see whether the others do their work",
        lambda p, at: watch.check_others(p.database, p.site, at),
        watch.NEXT_DUE,
        watch.next_words,
        queue=Queue.WATCH,
        stops=False,
    ),
    Job(
        "deliver mail",
        lambda p, _: deliver.deliver(p.database, p.sender, p.clock, p.newsletter_sender.stopping),
        deliver.NEXT_DUE,
        deliver.next_words,
        queue=Queue.MAIL,
    ),
    Job(
        "warn of keys that expire",
        lambda p, at: key_cases.warn_due(p.database, p.site, at),
        key_cases.NEXT_DUE,
        lambda _session: "an API key expires in two weeks",
        queue=Queue.LONG,
        stops=False,
    ),
    Job(
        "forget unconfirmed sign-ups",
        lambda p, at: optin.delete_unconfirmed(p.database, at),
        optin.NEXT_DUE,
        optin.next_words,
        queue=Queue.LONG,
    ),
    Job(
        "forget what was read",
        lambda p, at: readings.delete_old_readings(p.database, at),
        readings.NEXT_DUE,
        readings.next_words,
        queue=Queue.LONG,
    ),
    Job(
        "forget what is old",
        lambda p, at: retention.delete_expired(p.database, at),
        retention.NEXT_DUE,
        lambda _session: "what is old is thrown away",
        queue=Queue.LONG,
        stops=False,
    ),
    Job(
        "start newsletters",
        lambda p, at: start.start_due(p.newsletter_sender, at),
        start.NEXT_DUE,
        start.next_words,
        queue=Queue.LONG,
    ),
    Job(
        "send newsletters",
        lambda p, _: send.send(p.newsletter_sender, p.clock),
        send.NEXT_DUE,
        send.next_words,
        queue=Queue.LONG,
    ),
)


def tick(services: Services, *, queue: Queue | None = None, seen: dict[str, datetime] | None = None) -> int:
    """One look at everything, or only at the jobs of one queue; how much was done.

    `seen` is filled with the instants at which the jobs were found to be due next, before they were done: those for which a
    held clock stops. A job may last, so the clock is read for each. One that fails is logged and doesn't keep the others from
    running."""
    at = services.clock.now()
    waiting = tuple(job for job in JOBS if queue in (None, job.queue))
    done = 0
    while due := _first_due(services, waiting, at, {} if seen is None else seen):
        waiting = waiting[waiting.index(due) + 1 :]
        try:
            with doing(due.queue.work):
                done += due.do(services, at)
        except (NotAdopted, AsksAcquirer) as refusal:
            services.throttle.error(log, f"the job «{due.name}» stands still: {refusal}")
        except Exception:
            log.exception(JOB_FAILED, due.name)
        at = services.clock.now()
    return done


def _first_due(services: Services, jobs: Jobs, at: datetime, seen: dict[str, datetime]) -> Job | None:
    """The first of the jobs that is due."""
    times = _times(services, jobs)
    seen.update((job.name, due_at) for job, due_at in times.items() if job.stops)
    return next((job for job in jobs if job in times and times[job] <= at), None)


def _times(services: Services, jobs: Jobs) -> dict[Job, datetime]:
    """When each of the jobs is due, of those that ever are. A look that breaks is made in halves, so that it keeps no other
    job from being done; not where the database is away or no connection comes free, which is so for all of them."""
    if not jobs:
        return {}
    try:
        with doing(Work.RUN), services.database.transaction() as session:
            return _look(session, jobs)
    except Exception as error:
        if is_away(error) or is_pool_full(error):
            raise
        if len(jobs) == 1:
            log.exception(JOB_FAILED, jobs[0].name)
            return {}
    half = len(jobs) // 2
    return _times(services, jobs[:half]) | _times(services, jobs[half:])


def _look(session: Session, jobs: Jobs) -> dict[Job, datetime]:
    """All of them in one statement: an idle tick costs next to nothing."""
    found = session.connection().execute(_question(jobs)).one()
    return {job: due_at for job, due_at in zip(jobs, found, strict=True) if due_at is not None}


@cache
def _question(jobs: Jobs) -> sa.TextClause:
    return sa.text("SELECT " + ", ".join(f"({job.next_due})" for job in jobs))


def next_due(session: Session) -> tuple[datetime, Job] | None:
    """The next instant at which something is due for which a held clock stops, and the job that does it."""
    times = _look(session, tuple(job for job in JOBS if job.stops))
    return min(((at, job) for job, at in times.items()), key=lambda due: due[0], default=None)


def upcoming(services: Services) -> tuple[datetime, str] | None:
    """The same, with what happens then in words."""
    with services.database.transaction() as session:
        due = next_due(session)
        return (due[0], due[1].next_words(session)) if due else None
