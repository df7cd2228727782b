"""Settle a dead worker's claimed deliveries by its send log (S2).

Sent if the relay had answered, to be sent if the final dot was not out, and otherwise held as uncertain."""

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
"""How long another machine has to return and read its own log, before its deliveries are held."""
LOST = "the worker died, and its notes are lost"
OPEN = "the worker died between the last line and the answer"
log = logging.getLogger(__name__)


def recover(sender: NewsletterSender, at: datetime) -> int:
    """Settle the deliveries of dead workers; how many."""
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        # Read runs before live workers: a run seen here took its lock before it wrote its row.
        runs = ctx.session.exec(select(SendingRun).with_for_update(skip_locked=True)).all()
        alive = live_workers(ctx.session)
        settled, settled_runs = 0, []
        for run in runs:
            known = None if run.number in alive else _log_of(sender, run, at)
            if known is None:
                continue
            settled += _settle(ctx, run.number, known)
            ctx.session.delete(run)
            settled_runs.append(run.number)
    for number in settled_runs:
        send_log.delete(sender.send_logs, number)
    return settled


class _Lost(dict[int, int | None]):
    """A lost log: any claimed mail may be out."""


def _log_of(sender: NewsletterSender, run: SendingRun, at: datetime) -> dict[int, int | None] | None:
    """A run's log, or `_Lost` if it can't be trusted. None while its process lives with its connection cut, or while another
    machine may still return with it."""
    here = send_log.place(sender.send_logs)
    if run.place == here:
        if send_log.is_open(sender.send_logs, run.number):
            return None
        notes = send_log.read(sender.send_logs, run.number)
        return _Lost() if notes is None else notes
    same_folder = run.place.partition("/")[0] == here.partition("/")[0]
    return _Lost() if same_folder or at - run.seen_at >= PATIENCE else None


def _settle(ctx: TransactionContext, run: int, known: dict[int, int | None]) -> int:
    rows = ctx.session.exec(
        select(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, Delivery.claimed_by == run)
        .with_for_update()
    ).all()
    marks = [_result(row, known, ctx.at) for row in rows]
    record_results(ctx.session, run, marks)
    if marks:
        held = sum(each.state is DeliveryState.UNCERTAIN for each in marks)
        log.warning("a worker died with %s recipients in hand; %s are held", len(marks), held)
    return len(marks)


def _result(row: Delivery, known: dict[int, int | None], at: datetime) -> DeliveryResult:
    lost = isinstance(known, _Lost)
    if lost:
        reached("recovery: a dead sender's notes are lost")
    if lost or (row.number in known and known[row.number] is None):
        reached("recovery: a mail may have gone out, and is held")
        return DeliveryResult(
            row.number, DeliveryState.UNCERTAIN, row.tries + 1, at, LOST if lost else OPEN, at
        )
    code = known.get(row.number)
    if code is not None and 200 <= code < 300:
        reached("recovery: a mail went out before its sender died")
        return DeliveryResult(
            row.number, DeliveryState.SENT, row.tries + 1, at, f"{code}, from the dead worker's notes", at
        )
    reached("recovery: a mail was never sent, and goes out now")
    return DeliveryResult(row.number, DeliveryState.FROZEN, row.tries, at, None, None)


NEXT_DUE = f"SELECT min(seen_at) FROM sending_run WHERE number NOT IN ({LIVE_WORKERS})"  # noqa: S608
"""When a dead worker's deliveries are due for settling: at once, since its run (see `timetable.Job`)."""
