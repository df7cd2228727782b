"""Settles a dead worker's claimed deliveries by its send log (S2).

A delivery counts as sent if the relay had answered. It is sent again if the final dot was not out. Otherwise it is held."""

import logging
from datetime import datetime, timedelta

from sqlmodel import select

from billing.newsletters import send_log
from billing.newsletters.claim import DeliveryResult, record_results
from billing.newsletters.models import Delivery, DeliveryState, SendingRun
from billing.newsletters.sender import NewsletterSender
from billing.platform.actors import WORKER
from billing.platform.claims import LIVE_WORKERS, live_workers
from billing.platform.context import TransactionContext
from billing.platform.stop_points import reached

PATIENCE = timedelta(minutes=15)
"""How long another machine may take to return and read its own log, before its deliveries are held."""
LOST = "the worker died, and its notes are lost"
OPEN = "the worker died between the last line and the answer"
log = logging.getLogger(__name__)


def recover(sender: NewsletterSender, at: datetime) -> int:
    """Settle the deliveries of dead workers. Returns how many."""
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        # Read runs before live workers: a run seen here took its lock before it wrote its row.
        runs = ctx.session.exec(select(SendingRun).with_for_update(skip_locked=True)).all()
        alive = live_workers(ctx.session)
        settled, settled_runs = 0, []
        for run in runs:
            notes = None if run.number in alive else _log_of(sender, run, at)
            if notes is None:
                continue
            settled += _settle(ctx, run.number, notes)
            ctx.session.delete(run)
            settled_runs.append(run.number)
    # After the commit: if that fails, the next recovery needs the logs.
    for number in settled_runs:
        send_log.delete(sender.send_logs, number)
    return settled


class _Lost(dict[int, int | None]):
    """A lost log: any claimed mail may have been sent."""


def _log_of(sender: NewsletterSender, run: SendingRun, at: datetime) -> dict[int, int | None] | None:
    """A run's log, or `_Lost` if it can't be trusted. None while its process lives without its connection, or while another
    machine may still return with the log."""
    here = send_log.place(sender.send_logs)
    if run.place == here:
        if send_log.is_open(sender.send_logs, run.number):
            return None
        notes = send_log.read(sender.send_logs, run.number)
        return _Lost() if notes is None else notes
    same_folder = run.place.partition("/")[0] == here.partition("/")[0]
    return _Lost() if same_folder or at - run.seen_at >= PATIENCE else None


def _settle(ctx: TransactionContext, run: int, notes: dict[int, int | None]) -> int:
    rows = ctx.session.exec(
        select(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, Delivery.claimed_by == run)
        .with_for_update()
    ).all()
    results = [_result(row, notes, ctx.at) for row in rows]
    for started_at in {row.started_at for row in rows}:
        of_issue = [result for row, result in zip(rows, results, strict=True) if row.started_at == started_at]
        record_results(ctx, run, started_at, of_issue)
    if results:
        held = sum(result.state is DeliveryState.UNCERTAIN for result in results)
        log.warning("a worker died with %s recipients in hand; %s are held", len(results), held)
    return len(results)


def _result(row: Delivery, notes: dict[int, int | None], at: datetime) -> DeliveryResult:
    is_lost = isinstance(notes, _Lost)
    if is_lost:
        reached("recovery: a dead sender's notes are lost")
    if is_lost or (row.number in notes and notes[row.number] is None):
        reached("recovery: a mail may have gone out, and is held")
        reason = LOST if is_lost else OPEN
        return DeliveryResult(row.number, DeliveryState.UNCERTAIN, row.tries + 1, at, reason, at)
    code = notes.get(row.number)
    if code is not None and 200 <= code < 300:
        reached("recovery: a mail went out before its sender died")
        answer = f"{code}, from the dead worker's notes"
        return DeliveryResult(row.number, DeliveryState.SENT, row.tries + 1, at, answer, at)
    reached("recovery: a mail was never sent, and goes out now")
    return DeliveryResult(row.number, DeliveryState.FROZEN, row.tries, at, None, None)


NEXT_DUE = f"SELECT min(seen_at) FROM sending_run WHERE number NOT IN ({LIVE_WORKERS})"  # noqa: S608
"""When a dead worker's deliveries are due for settling: at once, since its run (see `timetable.Job`)."""
