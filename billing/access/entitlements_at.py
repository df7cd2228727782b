"""How a reader stood at a past moment, as it was known then: today's rows with everything that happened since taken back."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from billing.access.entitlements import NOBODY, Standing, standing
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.rules.access import Held, Reason, held_by
from billing.rules.lifecycle import State
from billing.rules.pause import resumes_at
from billing.subscriptions.models import Plan, Subscription, SubscriptionChange

_TOLD = {"cancels_at": datetime, "access_until": datetime, "resumes_on": date}
"""The dates that decide about reading. They change only through the one door, which keeps their old values."""


def standing_at(session: Session, office: Office, reader_id: str, at: datetime) -> Standing:
    """The standing at the instant; of nobody before the reader was registered. Features are those the plan has now."""
    reader = session.get(Reader, reader_id)
    if reader is None or reader.created_at > at:
        return NOBODY
    rows = session.exec(
        select(Subscription).where(Subscription.reader_id == reader_id, Subscription.started_at <= at)
    )
    held = [_held_at(session, office, row, at) for row in rows]
    now = standing(
        session, office, reader_id, at
    ).held  # grants never change, so today's rows tell the past too
    given = (one for one in now if one.reason is Reason.COMPLIMENTARY)
    return Standing(reader_id, (*(one for one in held if one is not None), *given))


def _held_at(session: Session, office: Office, row: Subscription, at: datetime) -> Held | None:
    was: dict[str, Any] = {"state": row.state, **{name: getattr(row, name) for name in _TOLD}}
    since = session.exec(
        select(SubscriptionChange)
        .where(SubscriptionChange.subscription_id == row.id, SubscriptionChange.at > at)
        .order_by(col(SubscriptionChange.id).desc())
    )
    for change in since:
        if change.from_state is not None:
            was["state"] = State(change.from_state)
        for name, kind in _TOLD.items():
            if name in change.facts:
                before = change.facts[name][0]
                was[name] = kind.fromisoformat(before) if before else None
    plan = session.get_one(Plan, row.plan_id)
    return held_by(
        was["state"],
        cancels_at=was["cancels_at"],
        access_until=was["access_until"],
        resumes_at=resumes_at(was["resumes_on"], office.zone),
        features=frozenset(plan.features),
        at=at,
    )
