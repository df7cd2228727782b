"""Circuit breaker: while an acquirer is away, or makes no charge for us, every worker pauses charging there. Intents stay
written, and no card counts as declined.

Closed: charges go out, and failures in a row are counted. Paused: nothing is sent until a probe is due. One worker at a time
probes: it sends or looks up one charge, or only asks whether the acquirer answers. An answer ends the pause."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from billing.acquirer.answers import Declined, NotTaken, Unknown
from billing.platform.db import lock_one, lock_row
from billing.rules.backoff import again_at

log = logging.getLogger(__name__)


class ChargingPause(SQLModel, table=True):
    """Whether charging at an acquirer is paused. Written only when something fails, and when that is over."""

    __tablename__ = "charging_pause"
    __table_args__ = (
        sa.CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name="a_pause_is_probed"),
    )

    acquirer: str = Field(primary_key=True)
    failures: int = Field(default=0)
    """In a row, over all attempts and workers, since the last answer."""
    paused_at: datetime | None = None
    probe_at: datetime | None = None
    probes: int = Field(default=0)
    reason: str | None = None
    """The last failure's."""


@dataclass(frozen=True, slots=True)
class ChargingPaused:
    """A pause: since when, when the acquirer is probed next, and why."""

    since: datetime
    probe_at: datetime
    reason: str


def paused(session: Session, acquirer: str | None = None) -> ChargingPaused | None:
    """The pause of an acquirer; without a name, the longest of any. None where charging goes on."""
    query = select(ChargingPause).where(col(ChargingPause.paused_at).is_not(None))
    if acquirer is not None:
        query = query.where(ChargingPause.acquirer == acquirer)
    row = session.exec(query.order_by(col(ChargingPause.paused_at))).first()
    if row is None or row.paused_at is None or row.probe_at is None:
        return None
    return ChargingPaused(row.paused_at, row.probe_at, row.reason or "")


def states(session: Session) -> Sequence[ChargingPause]:
    """All acquirers that ever failed, paused or not."""
    return session.exec(select(ChargingPause).order_by(col(ChargingPause.acquirer))).all()


PAUSED = "SELECT acquirer FROM charging_pause WHERE paused_at IS NOT NULL"
"""Acquirers at which charging is paused. Use NOT IN: NOT EXISTS becomes a join, which reads all waiting rows where an index has
the first."""


def goes_on(acquirer: Any) -> sa.ColumnElement[bool]:
    """The condition that charging isn't paused at a column's acquirer."""
    paused_at = col(ChargingPause.paused_at)
    return col(acquirer).not_in(select(ChargingPause.acquirer).where(paused_at.is_not(None)))


def note(session: Session, acquirer: str, outcome: object, at: datetime, *, pause_after: int) -> None:
    """Count an outcome: `pause_after` failures in a row begin a pause, any answer ends it.

    Too many requests at once (429) is neither. A charge that the acquirer itself refused is a failure."""
    reason = refused(outcome)
    if reason is not None:
        _failed(session, acquirer, reason, at, pause_after)
    elif isinstance(outcome, Unknown):
        if outcome.down:
            _failed(session, acquirer, outcome.reason, at, pause_after)
    else:
        _answered(session, acquirer)


def refused(outcome: object) -> str | None:
    """Why the acquirer refused a charge without asking a bank. One refusal is that charge's own, or its card's. Many in a row are
    the account's or our API key's, and must not be tried on every reader."""
    if isinstance(outcome, NotTaken):
        return outcome.reason
    return outcome.message if isinstance(outcome, Declined) and outcome.decline.card_gone else None


def _failed(session: Session, acquirer: str, reason: str, at: datetime, pause_after: int) -> None:
    first = insert(ChargingPause).values(acquirer=acquirer, failures=0, probes=0)
    session.execute(first.on_conflict_do_nothing())
    row = lock_one(session, ChargingPause, acquirer)
    row.failures += 1
    row.reason = reason[:300]
    if row.paused_at is None and row.failures >= pause_after:
        row.paused_at, row.probes, row.probe_at = at, 1, again_at(1, at)
        log.error(
            "charging at %s is paused after %d failures in a row: %s", acquirer, row.failures, row.reason
        )


def _answered(session: Session, acquirer: str) -> None:
    row = lock_row(session, ChargingPause, acquirer)
    if row is None or (row.failures == 0 and row.paused_at is None):
        return
    if row.paused_at is not None:
        log.warning(
            "%s answers again: charging goes on after a pause since %s", acquirer, row.paused_at.isoformat()
        )
    row.failures, row.paused_at, row.probe_at, row.probes, row.reason = 0, None, None, 0, None


def begin_probe(session: Session, acquirer: str, at: datetime) -> bool:
    """Try to claim the probe. The next one is scheduled first, so a crash here delays no other worker."""
    row = lock_row(session, ChargingPause, acquirer)
    if row is None or row.probe_at is None or row.probe_at > at:
        return False
    row.probes += 1
    row.probe_at = again_at(row.probes, at)
    return True


NEXT_DUE = "SELECT min(probe_at) FROM charging_pause WHERE paused_at IS NOT NULL"
"""When an acquirer is probed next; null while charging isn't paused (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """What that is, for people."""
    return "we ask the acquirer whether it is back" if paused(session) else "nothing"
