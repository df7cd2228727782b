"""What a plan opens besides reading."""

from collections.abc import Sequence

from sqlmodel import Session

from billing.platform.errors import Invalid
from billing.rules import features
from billing.subscriptions.models import Plan
from billing.subscriptions.price import UnknownPlan


class BadFeature(Invalid):
    """That is no feature."""

    code = "bad_feature"


def open_features(session: Session, plan_id: str, names: Sequence[str]) -> Plan:
    """Let the plan open these, from now on, for everybody who has it. Raises UnknownPlan, BadFeature."""
    plan = session.get(Plan, plan_id, with_for_update=True)
    if plan is None:
        raise UnknownPlan
    try:
        plan.features = features.features(names)
    except features.UnknownFeature as error:
        raise BadFeature(f"{error}.") from error
    session.add(plan)
    session.flush()
    return plan
