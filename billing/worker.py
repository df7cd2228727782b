"""The worker: APScheduler rings the bell, the timetable does the work. Run as many as you like."""

import logging
import signal

import sqlalchemy as sa
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from billing.container import Parts
from billing.platform import heartbeat
from billing.platform.gc_tuning import keep_for_good
from billing.platform.installation import NotAdopted, is_home, is_home_in
from billing.platform.settings import Settings
from billing.timetable import Lane, tick

STOP = (signal.SIGTERM, signal.SIGINT)
BELL = "bell"
"""The heartbeat's own thread: a run of many charges is no silence."""
CONNECTIONS_A_LANE = 4
"""A job's claim, its place in the pace, its transaction, and one within that at most."""
log = logging.getLogger(__name__)


def connections(settings: Settings) -> int:
    """How many connections to the database a worker may need at once, so that no lane waits for another's."""
    return CONNECTIONS_A_LANE * len(Lane) + settings.charge_concurrency + 1


def work(parts: Parts) -> None:
    """Tick until SIGTERM or SIGINT; the tick under way is finished first."""
    # Held back from all threads and taken when we wait for it: a handler could come at any line, also half-way through the start.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    keep_for_good()
    # That a long run is still under way at the next bell is no news.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    if not is_home(parts.database):
        log.error(str(NotAdopted()))
    scheduler = _scheduler(parts)
    _ring(parts)
    scheduler.start()
    log.info("the worker looks every %s s", parts.settings.tick_seconds)
    signal.sigwait(STOP)
    parts.newsletter_sender.stopping.set()
    scheduler.shutdown()


def _scheduler(parts: Parts) -> BackgroundScheduler:
    """A thread for each lane, and one for the heartbeat: none of them waits for another."""
    scheduler = BackgroundScheduler(
        executors={name: ThreadPoolExecutor(1) for name in (*Lane, BELL)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=parts.settings.zone,
    )
    seconds = parts.settings.tick_seconds
    # who moves a held clock asks the doctor too, after the other jobs: here he would come between a leap and what it makes due
    lanes = [lane for lane in Lane if not (parts.settings.held and lane in (Lane.DOCTOR, Lane.WATCH))]
    for lane in lanes:
        scheduler.add_job(_tick, "interval", args=[parts, lane], seconds=seconds, executor=lane)
    scheduler.add_job(_ring, "interval", args=[parts], seconds=heartbeat.EVERY_SECONDS, executor=BELL)
    return scheduler


def _ring(parts: Parts) -> None:
    try:
        heartbeat.ring(parts.database, parts.clock.now_in, is_home_in)
    except sa.exc.SQLAlchemyError:
        log.exception("the bell could not be rung; it is tried again")


def _tick(parts: Parts, lane: Lane) -> None:
    """A tick must never end the worker: a database that is away for a minute is back in the next. The long jobs are done
    again and again while there is something to do and nobody asks us to stop."""
    try:
        while tick(parts, lane=lane) and lane is Lane.LONG and not parts.newsletter_sender.stopping.is_set():
            pass
    except Exception:
        log.exception("this tick failed; the next one tries again")
