"""A reader's entitlements at a past moment, as known then: today's rows without the changes since."""

from datetime import date, datetime
from typing import Any

from sqlmodel import col, select

from billing.access.entitlements import ANONYMOUS, Entitlements, entitlements_of
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.access import Entitlement, Reason, entitlement_of
from billing.rules.lifecycle import State
from billing.rules.pause import resumes_at
from billing.subscriptions.models import Plan, Subscription, SubscriptionChange

_DATES = {"cancels_at": datetime, "access_until": datetime, "resumes_on": date}
"""The dates that decide about reading. They change only through `subscriptions.change`, which keeps old values."""


def entitlements_at(ctx: TransactionContext, reader_id: str) -> Entitlements:
    """The entitlements at the context's instant, which may lie in the past; ANONYMOUS before registration.

    Features are those that the plan has now."""
    reader = ctx.session.get(Reader, reader_id)
    if reader is None or reader.created_at > ctx.at:
        return ANONYMOUS
    rows = ctx.session.exec(
        select(Subscription).where(Subscription.reader_id == reader_id, Subscription.started_at <= ctx.at)
    )
    held = [entitlement for row in rows if (entitlement := _held_at(ctx, row)) is not None]
    # Grants never change, so the rows of today hold for the past too.
    now = entitlements_of(ctx, reader_id).held
    held += [entitlement for entitlement in now if entitlement.reason is Reason.COMPLIMENTARY]
    return Entitlements(reader_id, tuple(held))


def _held_at(ctx: TransactionContext, row: Subscription) -> Entitlement | None:
    was: dict[str, Any] = {"state": row.state, **{name: getattr(row, name) for name in _DATES}}
    since = ctx.session.exec(
        select(SubscriptionChange)
        .where(SubscriptionChange.subscription_id == row.id, SubscriptionChange.at > ctx.at)
        .order_by(col(SubscriptionChange.id).desc())
    )
    for change in since:
        if change.from_state is not None:
            was["state"] = State(change.from_state)
        for name, kind in _DATES.items():
            if name in change.facts:
                before = change.facts[name][0]
                was[name] = kind.fromisoformat(before) if before else None
    plan = ctx.session.get_one(Plan, row.plan_id)
    return entitlement_of(
        was["state"],
        cancels_at=was["cancels_at"],
        access_until=was["access_until"],
        resumes_at=resumes_at(was["resumes_on"], ctx.zone),
        features=frozenset(plan.features),
        at=ctx.at,
    )
