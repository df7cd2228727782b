"""The worker: APScheduler wakes it, the timetable does the work. Run as many as you like."""

import logging
import signal

import sqlalchemy as sa
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from billing.container import Services
from billing.platform import heartbeat
from billing.platform.counters import TICKS
from billing.platform.errors import RefusesToStart
from billing.platform.gc_tuning import freeze_gc
from billing.platform.installation import NotAdopted, is_home, is_home_in
from billing.platform.settings import Settings
from billing.timetable import Queue, tick

STOP = (signal.SIGTERM, signal.SIGINT)
HEARTBEAT = "heartbeat"
"""The heartbeat has a thread of its own: a long run must not silence it."""
CONNECTIONS_A_QUEUE = 4
"""For a job's claim, its slot of the rate limit, its transaction, and at most one within that."""
log = logging.getLogger(__name__)


def connections(settings: Settings) -> int:
    """How many database connections a worker may need at once, so that no queue waits for another's."""
    return CONNECTIONS_A_QUEUE * len(Queue) + settings.charge_concurrency + 1


def work(services: Services) -> None:
    """Tick until SIGTERM or SIGINT; the tick under way is finished first."""
    # Blocked in all threads and taken by `sigwait`: a handler could run at any line, also half-way through the start.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    freeze_gc()
    # It would warn at each tick that a long run is still under way.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    if not is_home(services.database):
        log.error(str(NotAdopted()))
    _serve_metrics(services)
    scheduler = _scheduler(services)
    _beat(services)  # the scheduler's first one comes only after EVERY_SECONDS
    scheduler.start()
    log.info("the worker looks every %s s", services.settings.tick_seconds)
    signal.sigwait(STOP)
    services.newsletter_sender.stopping.set()
    scheduler.shutdown()
    services.tracer.close()


def _serve_metrics(services: Services) -> None:
    """Serve what this worker counts, where a port is set. Raises RefusesToStart where it is taken. Its thread must begin after the
    signals are blocked, or it would take one of them."""
    host, port = services.settings.worker_metrics_host, services.settings.worker_metrics_port
    if not port:
        return
    # imported here: most workers never load it
    from prometheus_client import start_http_server

    from billing.platform.exposition import process_registry

    try:
        start_http_server(port, host, process_registry(services.database))
    except OSError as error:
        raise RefusesToStart(
            f"Can't serve metrics on {host}, port {port} ({error.strerror}). Set BILLING_WORKER_METRICS_HOST or"
            " BILLING_WORKER_METRICS_PORT to one that is free; each worker of a machine needs a port of its own."
        ) from None


def _scheduler(services: Services) -> BackgroundScheduler:
    """A thread for each queue, and one for the heartbeat: none of them waits for another."""
    scheduler = BackgroundScheduler(
        executors={name: ThreadPoolExecutor(1) for name in (*Queue, HEARTBEAT)},
        # several late ticks become one, and none is dropped for being late
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=services.settings.zone,
    )
    seconds = services.settings.tick_seconds
    # Moving a held clock runs the doctor too, after the other jobs. Here it could run between a leap and what that makes due.
    left_out = (Queue.DOCTOR, Queue.WATCH) if services.settings.held else ()
    for queue in Queue:
        if queue not in left_out:
            scheduler.add_job(_tick, "interval", args=[services, queue], seconds=seconds, executor=queue)
    scheduler.add_job(_beat, "interval", args=[services], seconds=heartbeat.EVERY_SECONDS, executor=HEARTBEAT)
    return scheduler


def _beat(services: Services) -> None:
    try:
        heartbeat.beat(services.database, services.clock.now_in, is_home_in)
    except sa.exc.SQLAlchemyError:
        log.exception("the heartbeat could not be written; it is tried again")


def _tick(services: Services, queue: Queue) -> None:
    """Run the queue's jobs; long ones again and again, while there is something to do and nothing stops us."""
    stopping = services.newsletter_sender.stopping
    try:
        while tick(services, queue=queue) and queue is Queue.LONG and not stopping.is_set():
            pass
    except Exception:  # must not end the worker: a database that is away for a minute is back in the next
        TICKS.add(queue, "failed")
        log.exception("this tick failed; the next one tries again")
    else:
        TICKS.add(queue, "done")
