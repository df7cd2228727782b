"""A trial whose first charge can't be made on its day is longer, and both notices are sent again (CARD-4)."""

from datetime import date, datetime

from sqlmodel import Session

from billing.changes.outcome import ActionOutcome
from billing.notices.trial import trial_started
from billing.platform.actors import WORKER
from billing.platform.site import Office
from billing.rules import trial
from billing.rules.lifecycle import Event
from billing.subscriptions.change import change
from billing.subscriptions.models import Subscription


def extend_trial(
    session: Session,
    office: Office,
    subscription: Subscription,
    at: datetime,
    why: str,
    *,
    held_until: date | None = None,
) -> ActionOutcome:
    """Move the first charge of a locked trial to the first day that both notices can still announce."""
    charge_on = trial.extended_charge_on(office.today(at))
    change(
        session,
        subscription,
        Event.TRIAL_EXTENDED,
        at=at,
        by=WORKER,
        why=why,
        zone=office.zone,
        charge_on=charge_on,
        first_notice_at=None,
        second_notice_at=None,
        access_until=trial.free_until(charge_on, office.zone),
        held_until=held_until or subscription.held_until,
    )
    trial_started(session, office, subscription, at)
    return ActionOutcome.EXTENDED
