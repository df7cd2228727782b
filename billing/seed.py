"""What a new installation begins with: the plan and its price; and, for the demo, articles and a key."""

from datetime import UTC, date, datetime, time

from sqlmodel import Session

from billing.access.articles import register
from billing.office import Office
from billing.rules.access import LISTEN, AccessLevel
from billing.subscriptions.models import Plan, Price
from billing.web.keys import SCOPES, create, revoke
from billing.web.sample_articles import sample_articles

MONTHLY = "monthly"
CENTS_A_MONTH = 7500
TRIAL_DAYS = 14


def plans(session: Session) -> None:
    """The plan readers are promised: R75.00 a month including VAT, 14 days free. Changed later by rows, not here."""
    if session.get(Plan, MONTHLY) is None:
        session.add(
            Plan(id=MONTHLY, name="Full access", months=1, trial_days=TRIAL_DAYS, features=[str(LISTEN)])
        )
        session.flush()
        session.add(
            Price(id="monthly-75", plan_id=MONTHLY, amount=CENTS_A_MONTH, valid_from=date(2020, 1, 1))
        )
        session.flush()


def articles(session: Session, office: Office) -> dict[str, list[str]]:
    """Register the sample articles; their ids by access level."""
    found: dict[str, list[str]] = {level.value: [] for level in AccessLevel}
    for sample in sample_articles():
        teaser = sample.teaser
        register(
            session,
            teaser.id,
            title=teaser.title,
            url=office.page(f"/articles/{teaser.id}"),
            section=teaser.section,
            access=AccessLevel(teaser.access),
            published_at=datetime.combine(teaser.published_on, time(6), UTC),
        )
        found[teaser.access].append(teaser.id)
    return found


def api_key(session: Session, office: Office, at: datetime) -> str:
    """A key with every scope, for trying things; the one of the last start stops working."""
    revoke(session, "demo", at)
    return create(session, office.tokens, "demo", SCOPES, at)
