"""What operators learn from the database, for `/readyz` and `/metrics`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.cases import find
from billing.payments import charge
from billing.platform.errors import Unavailable
from billing.platform.heartbeat import Heartbeat, last_heartbeat
from billing.platform.installation import NotAdopted, held_by, held_too_long
from billing.reconcile import schedule
from billing.reports import doctor
from billing.reports.doctor_models import DoctorVisit
from billing.reports.numbers.kept_figures import KeptFigures
from billing.reports.numbers.shape import Figure
from billing.reports.queues import QueueLength, queue_lengths
from billing.webhooks import inbox

WITH_MONEY = {"charges": "charges", "refunds": "refunds", "mail": "mail except sign-in links"}
WITH_COPIES = {"newsletters": "newsletters"}
"""What is stopped while money is held, and what else in a copy of an installation; each in words."""


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """What operators learn from the database, at an instant. The moments are None where there is no alarm."""

    at: datetime
    held: Unavailable | None
    """Why money and mail are stopped."""
    pause: breaker.ChargingPaused | None
    waiting: int
    set_aside: int
    last_heartbeat: Heartbeat | None
    overdue: datetime | None
    """When a billing run last finished."""
    compared: schedule.ComparisonProgress
    unexamined: datetime | None
    """When the doctor was due."""
    held_since: datetime | None
    cases: dict[str, int]
    """Open cases by kind."""

    @property
    def stopped(self) -> dict[str, str]:
        """What stands still here, with its words."""
        if self.held is None:
            return {}
        return WITH_MONEY | WITH_COPIES if isinstance(self.held, NotAdopted) else WITH_MONEY

    def alarms(self) -> dict[str, bool]:
        """Each alarm by its name in the metrics."""
        return {
            "workers_silent": self.last_heartbeat is not None and self.last_heartbeat.silent,
            "billing_runs_overdue": self.overdue is not None,
            "books_late": self.compared.is_late(self.at),
            "doctor_late": self.unexamined is not None,
            "money_held": self.held_since is not None,
            "charging_paused": self.pause is not None,
        }


def operator_facts(session: Session, at: datetime) -> OperatorFacts:
    """All of it, from the database."""
    return OperatorFacts(
        at,
        held_by(session),
        breaker.paused(session),
        charge.waiting(session),
        inbox.count_set_aside(session),
        last_heartbeat(session, at),
        overdue_since(session, at),
        schedule.comparison_progress(session),
        doctor.overdue_since(session, at),
        held_too_long(session, at),
        find.count_by_kind(session),
    )


@dataclass(frozen=True, slots=True)
class MeasuredFacts:
    """The same, with what only `/metrics` says."""

    facts: OperatorFacts
    queues: dict[str, QueueLength]
    doctor: DoctorVisit | None
    """The last nightly check."""
    compared_at: datetime | None
    """When the books were last compared."""
    acquirers: Sequence[breaker.ChargingPause]
    """Acquirers that ever failed."""
    figures: Sequence[Figure]
    """The publisher's, of the last thirty kept days."""

    def last_done(self) -> dict[str, datetime]:
        """When each of these was last done; none that never was."""
        heartbeat = self.facts.last_heartbeat
        moments = {
            "heartbeat": heartbeat.at if heartbeat else None,
            "billing_run": heartbeat.run_at if heartbeat else None,
            "doctor": self.doctor.at if self.doctor else None,
            "reconciliation": self.compared_at,
        }
        return {what: at for what, at in moments.items() if at is not None}


def measured_facts(session: Session, at: datetime, kept: KeptFigures) -> MeasuredFacts:
    """All of it, from the database."""
    return MeasuredFacts(
        operator_facts(session, at),
        queue_lengths(session, at),
        doctor.last_visit(session),
        schedule.last_compared_at(session),
        breaker.states(session),
        kept.figures(session, at),
    )
