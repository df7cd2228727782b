"""What plans and newsletters are called, for tables that count by their ids."""

from sqlmodel import Session, select

from billing.newsletters.models import Newsletter
from billing.subscriptions.find import plans


def plan_names(session: Session) -> dict[str, str]:
    """By id: every plan, also one that is retired."""
    return {plan.id: plan.words for plan in plans(session)}


def newsletter_names(session: Session) -> dict[str, str]:
    """By id: every newsletter."""
    return dict(session.exec(select(Newsletter.id, Newsletter.name)).all())
