"""What a reader holds at a moment, from the facts in the database. Nothing grants access; it follows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, and_, col, select

from billing.access import grants
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.rules.access import Held, held_by
from billing.rules.lifecycle import State
from billing.rules.pause import resumes_at
from billing.subscriptions.models import Plan, Subscription


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is asking, and what opens articles to them."""

    reader_id: str | None
    held: tuple[Held, ...] = ()

    @property
    def registered(self) -> bool:
        """Whether the reader has an account."""
        return self.reader_id is not None


NOBODY = Standing(None)


def standing(session: Session, office: Office, reader_id: str | None, at: datetime) -> Standing:
    """The standing of a reader; of nobody when there is no such reader (anonymous is always a fair answer)."""
    if reader_id is None:
        return NOBODY
    return standings(session, office, {reader_id}, at).get(reader_id, NOBODY)


def standings(
    session: Session, office: Office, reader_ids: Collection[str], at: datetime
) -> dict[str, Standing]:
    """The standing of each of these readers; who is unknown isn't named. Two statements, however many there are."""
    rows = session.exec(
        select(Reader.id, Subscription, Plan)
        .join(
            Subscription,
            and_(col(Subscription.reader_id) == Reader.id, col(Subscription.state) != State.ENDED),
            isouter=True,
        )
        .join(Plan, col(Plan.id) == Subscription.plan_id, isouter=True)
        .where(col(Reader.id).in_(reader_ids))
    ).all()
    granted = grants.held(session, [reader_id for reader_id, _, _ in rows], at) if rows else {}
    found = {}
    for reader_id, subscription, plan in rows:
        own = _by_subscription(subscription, plan, office, at) if subscription is not None else None
        held = [own] if own is not None else []
        found[reader_id] = Standing(reader_id, (*held, *granted.get(reader_id, ())))
    return found


def _by_subscription(subscription: Subscription, plan: Plan, office: Office, at: datetime) -> Held | None:
    return held_by(
        subscription.state,
        cancels_at=subscription.cancels_at,
        access_until=subscription.access_until,
        resumes_at=resumes_at(subscription.resumes_on, office.zone),
        features=frozenset(plan.features),
        at=at,
    )
