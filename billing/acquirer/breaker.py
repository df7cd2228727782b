"""Stripe is away, or makes no charge for us: charging pauses until it does again, for every worker alike. Intents stay written, nobody is declined.

Closed: charges go out; failures in a row are counted. Paused: nothing is sent, until a probe is due. A probe, by one
worker at a time, brings one charge to its end, or only asks whether anybody answers; an answer ends the pause."""

import logging
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel

from billing.acquirer.port import Declined, NotTaken, Unknown
from billing.rules.backoff import again_at

log = logging.getLogger(__name__)
THE_ROW = 1


class ChargingPause(SQLModel, table=True):
    """The one row that says whether charging is paused. Written only when something fails, and when that is over."""

    __tablename__ = "charging_pause"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name="a_pause_is_probed"),
    )

    id: int = Field(primary_key=True)
    failures: int = Field(default=0)
    """In a row, over all attempts and workers, since Stripe last answered."""
    paused_at: datetime | None = None
    probe_at: datetime | None = None
    probes: int = Field(default=0)
    why: str | None = None
    """What the last failure said."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Charging is paused."""

    since: datetime
    probe_at: datetime
    why: str


def paused(session: Session) -> Paused | None:
    """Whether charging is paused, since when, and when Stripe is asked next."""
    row = session.get(ChargingPause, THE_ROW)
    if row is None or row.paused_at is None or row.probe_at is None:
        return None
    return Paused(row.paused_at, row.probe_at, row.why or "")


def note(session: Session, outcome: object, at: datetime, *, pause_after: int) -> None:
    """Take an answer, or the lack of one, into account: `pause_after` failures in a row begin a pause, any answer ends it.

    Too many requests at once (429) is neither. A charge that Stripe refused itself is a failure."""
    why = refused(outcome)
    if why is not None:
        _failed(session, why, at, pause_after)
    elif isinstance(outcome, Unknown):
        if outcome.down:
            _failed(session, outcome.why, at, pause_after)
    else:
        _answered(session)


def refused(outcome: object) -> str | None:
    """Why Stripe refused a charge itself, without asking a bank. One such is that charge's own, or its card's; one after another
    they are the account's or our key's, and must not be tried on everybody."""
    if isinstance(outcome, NotTaken):
        return outcome.why
    return outcome.message if isinstance(outcome, Declined) and outcome.evidence.card_gone else None


def _failed(session: Session, why: str, at: datetime, pause_after: int) -> None:
    session.execute(insert(ChargingPause).values(id=THE_ROW, failures=0, probes=0).on_conflict_do_nothing())
    row = session.get_one(ChargingPause, THE_ROW, with_for_update=True, populate_existing=True)
    row.failures += 1
    row.why = why[:300]
    if row.paused_at is None and row.failures >= pause_after:
        row.paused_at, row.probes, row.probe_at = at, 1, again_at(1, at)
        log.error("charging is paused after %d failures in a row: %s", row.failures, row.why)
    session.add(row)


def _answered(session: Session) -> None:
    row = _locked(session)
    if row is None or (row.failures == 0 and row.paused_at is None):
        return
    if row.paused_at is not None:
        log.warning(
            "Stripe answers again: charging goes on after a pause since %s", row.paused_at.isoformat()
        )
    row.failures, row.paused_at, row.probe_at, row.probes, row.why = 0, None, None, 0, None
    session.add(row)


def begin_probe(session: Session, at: datetime) -> bool:
    """Whether it is for the caller to ask now. The next probe is set first: whoever dies while asking holds up nobody."""
    row = _locked(session)
    if row is None or row.probe_at is None or row.probe_at > at:
        return False
    row.probes += 1
    row.probe_at = again_at(row.probes, at)
    session.add(row)
    return True


def _locked(session: Session) -> ChargingPause | None:
    return session.get(ChargingPause, THE_ROW, with_for_update=True, populate_existing=True)


NEXT_DUE = "SELECT probe_at FROM charging_pause WHERE paused_at IS NOT NULL"
"""When Stripe is asked next whether it is back; null while charging isn't paused (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """For people who watch a held clock."""
    return "we ask Stripe whether it is back" if paused(session) else "nothing"
