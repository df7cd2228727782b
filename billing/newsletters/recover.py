"""Settle what a dead worker left in hand, by its journal (S2): sent where the relay had answered, to be sent where the
final dot had not gone out, and held where nobody knows."""

import logging
from datetime import datetime, timedelta

from sqlmodel import Session, select

from billing.newsletters import send_log
from billing.newsletters.claim import Mark, mark
from billing.newsletters.models import Delivery, DeliveryState, SendingRun
from billing.newsletters.sender import Press
from billing.platform.claims import LIVING, living
from billing.platform.stop_points import reached

PATIENCE = timedelta(minutes=15)
"""How long another machine may take to come back and read its own journal, before its rows are held."""
LOST = "the worker died, and its notes are lost"
OPEN = "the worker died between the last line and the answer"
log = logging.getLogger(__name__)


def recover(press: Press, at: datetime) -> int:
    """Settle the rows of runs whose workers are dead; how many rows."""
    with press.database.transaction() as session:
        # The runs first, the living after: a run seen here took its lock before it wrote its row.
        runs = session.exec(select(SendingRun).with_for_update(skip_locked=True)).all()
        alive = living(session)
        settled, forgotten = 0, []
        for run in runs:
            known = None if run.number in alive else _known(press, run, at)
            if known is None:
                continue
            settled += _settle(session, run.number, known, at)
            session.delete(run)
            forgotten.append(run.number)
    for number in forgotten:
        send_log.forget(press.journals, number)
    return settled


class _Lost(dict[int, int | None]):
    """Notes that can't be read: whatever was in hand may have gone out."""


def _known(press: Press, run: SendingRun, at: datetime) -> dict[int, int | None] | None:
    """The notes of a run; `_Lost` where they can't be trusted; None where more may be written, because its process lives and only
    its connection was cut, or where they may still turn up on another machine."""
    here = send_log.place(press.journals)
    if run.place == here:
        if send_log.is_open(press.journals, run.number):
            return None
        notes = send_log.read(press.journals, run.number)
        return _Lost() if notes is None else notes
    same_folder = run.place.partition("/")[0] == here.partition("/")[0]
    return _Lost() if same_folder or at - run.seen_at >= PATIENCE else None


def _settle(session: Session, run: int, known: dict[int, int | None], at: datetime) -> int:
    rows = session.exec(
        select(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, Delivery.claimed_by == run)
        .with_for_update()
    ).all()
    marks = [_mark(row, known, at) for row in rows]
    mark(session, run, marks)
    if marks:
        held = sum(each.state is DeliveryState.UNCERTAIN for each in marks)
        log.warning("a worker died with %s recipients in hand; %s are held", len(marks), held)
    return len(marks)


def _mark(row: Delivery, known: dict[int, int | None], at: datetime) -> Mark:
    lost = isinstance(known, _Lost)
    if lost:
        reached("recovery: a dead sender's notes are lost")
    if lost or (row.number in known and known[row.number] is None):
        reached("recovery: a mail may have gone out, and is held")
        return Mark(row.number, DeliveryState.UNCERTAIN, row.tries + 1, at, LOST if lost else OPEN, at)
    code = known.get(row.number)
    if code is not None and 200 <= code < 300:
        reached("recovery: a mail went out before its sender died")
        return Mark(
            row.number, DeliveryState.SENT, row.tries + 1, at, f"{code}, from the dead worker's notes", at
        )
    reached("recovery: a mail was never sent, and goes out now")
    return Mark(row.number, DeliveryState.FROZEN, row.tries, at, None, None)


NEXT_DUE = f"SELECT min(seen_at) FROM sending_run WHERE number NOT IN ({LIVING})"  # noqa: S608
"""When a dead worker's rows want settling: at once, from the moment of its run (see `timetable.Job`)."""
