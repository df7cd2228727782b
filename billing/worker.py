"""The worker: APScheduler wakes it, the timetable does the work. Run as many as you like."""

import logging
import signal

import sqlalchemy as sa
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from billing.container import Services
from billing.platform import heartbeat
from billing.platform.gc_tuning import freeze_gc
from billing.platform.installation import NotAdopted, is_home, is_home_in
from billing.platform.settings import Settings
from billing.timetable import Queue, tick

STOP = (signal.SIGTERM, signal.SIGINT)
HEARTBEAT = "heartbeat"
"""The heartbeat's own thread: a run of many charges is no silence."""
CONNECTIONS_A_LANE = 4
"""A job's claim, its place in the pace, its transaction, and one within that at most."""
log = logging.getLogger(__name__)


def connections(settings: Settings) -> int:
    """How many connections to the database a worker may need at once, so that no queue waits for another's."""
    return CONNECTIONS_A_LANE * len(Queue) + settings.charge_concurrency + 1


def work(services: Services) -> None:
    """Tick until SIGTERM or SIGINT; the tick under way is finished first."""
    # Held back from all threads and taken when we wait for it: a handler could come at any line, also half-way through the start.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    freeze_gc()
    # That a long run is still under way at the next tick is no news.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    if not is_home(services.database):
        log.error(str(NotAdopted()))
    scheduler = _scheduler(services)
    _beat(services)
    scheduler.start()
    log.info("the worker looks every %s s", services.settings.tick_seconds)
    signal.sigwait(STOP)
    services.newsletter_sender.stopping.set()
    scheduler.shutdown()


def _scheduler(services: Services) -> BackgroundScheduler:
    """A thread for each queue, and one for the heartbeat: none of them waits for another."""
    scheduler = BackgroundScheduler(
        executors={name: ThreadPoolExecutor(1) for name in (*Queue, HEARTBEAT)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=services.settings.zone,
    )
    seconds = services.settings.tick_seconds
    # who moves a held clock asks the doctor too, after the other jobs: here he would come between a leap and what it makes due
    queues = [
        queue for queue in Queue if not (services.settings.held and queue in (Queue.DOCTOR, Queue.WATCH))
    ]
    for queue in queues:
        scheduler.add_job(_tick, "interval", args=[services, queue], seconds=seconds, executor=queue)
    scheduler.add_job(_beat, "interval", args=[services], seconds=heartbeat.EVERY_SECONDS, executor=HEARTBEAT)
    return scheduler


def _beat(services: Services) -> None:
    try:
        heartbeat.beat(services.database, services.clock.now_in, is_home_in)
    except sa.exc.SQLAlchemyError:
        log.exception("the heartbeat could not be written; it is tried again")


def _tick(services: Services, queue: Queue) -> None:
    """A tick must never end the worker: a database that is away for a minute is back in the next. The long jobs are done
    again and again while there is something to do and nobody asks us to stop."""
    try:
        while (
            tick(services, queue=queue)
            and queue is Queue.LONG
            and not services.newsletter_sender.stopping.is_set()
        ):
            pass
    except Exception:
        log.exception("this tick failed; the next one tries again")
