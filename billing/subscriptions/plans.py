"""Add plans, offer them, and set what they open. Readers keep a plan that is offered no more."""

import re
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules import features, trial
from billing.rules.lifecycle import State
from billing.subscriptions.models import OfferedTo, Plan, Price, Subscription

PLAN_ID = r"[a-z0-9-]{1,40}"
LONGEST_NAME = 100
TERM_MONTHS = 12


class UnknownPlan(NotFound):
    """There is no such plan."""

    code = "unknown_plan"


class BadPlan(Invalid):
    """A plan can't be like that."""

    code = "bad_plan"


class PlanExists(Conflict):
    """There is a plan with this name already."""

    code = "plan_exists"


class BadTrial(Invalid):
    """A trial has 1 to 90 free days."""

    code = "bad_trial"


class SameTrial(Conflict):
    """The plan has that many free days already."""

    code = "same_trial"


class NoPrice(Conflict):
    """This plan has no price yet. Give it one, then offer it."""

    code = "no_price"


class PastPrice(Invalid):
    """A price can begin today or later: what was on sale before is history."""

    code = "past_price"


class BadFeature(Invalid):
    """That is no feature."""

    code = "bad_feature"


def plan_of(session: Session, plan_id: str) -> Plan:
    """The plan, locked. Raises UnknownPlan."""
    plan = session.get(Plan, plan_id, with_for_update=True)
    if plan is None:
        raise UnknownPlan
    return plan


def add_plan(session: Session, plan: Plan) -> Plan:
    """Add a plan, behind the others and offered to nobody. Raises PlanExists, BadPlan, BadTrial, BadFeature, UnknownPlan."""
    if not re.fullmatch(PLAN_ID, plan.id):
        raise BadPlan("A plan's name has lower-case letters, digits and hyphens, 40 at most.")
    if not re.fullmatch(r"[a-z][a-z -]{0,29}", plan.period_label):
        raise BadPlan("A period is called by a word such as month, quarter or half-year, 30 letters at most.")
    _check_trial(plan.trial_days)
    if not 1 <= len(plan.name) <= LONGEST_NAME:
        raise BadPlan(f"A plan has a name of {LONGEST_NAME} characters at most; invoices call it by that.")
    if session.get(Plan, plan.id) is not None:
        raise PlanExists
    if plan.then_plan_id is not None:
        _check_term(session, plan)
    plan.offered_to = OfferedTo.NOBODY
    plan.features = _features(plan.features)
    plan.position = 1 + (session.exec(select(func.max(Plan.position))).one() or 0)
    session.add(plan)
    session.flush()
    return plan


def _check_trial(days: int) -> None:
    if not trial.SHORTEST <= days <= trial.LONGEST:
        raise BadTrial


def _check_term(session: Session, plan: Plan) -> None:
    """Mails and pages describe a fixed term as a year that goes on by the month (CPA-2): refuse any other. Raises BadPlan."""
    after = plan_of(session, str(plan.then_plan_id))
    if plan.months != TERM_MONTHS or after.months != 1 or after.then_plan_id is not None:
        raise BadPlan("A fixed term is 12 months, and goes on as a plan that is paid each month.")


def offer_plan(session: Session, plan_id: str, to: OfferedTo, position: int | None = None) -> Plan:
    """Offer it from now on, or to nobody any more; its readers keep it. Raises UnknownPlan, NoPrice."""
    plan = plan_of(session, plan_id)
    priced = sa.exists().where(col(Price.plan_id) == plan.id)
    if to is not OfferedTo.NOBODY and not session.scalar(sa.select(priced)):
        raise NoPrice
    plan.offered_to = to
    if position is not None:
        plan.position = position
    return plan


def set_trial(session: Session, plan_id: str, days: int) -> Plan:
    """Give who starts from now on so many free days; a running trial keeps its day of the first charge. Raises BadTrial,
    UnknownPlan, SameTrial."""
    _check_trial(days)
    plan = plan_of(session, plan_id)
    if days == plan.trial_days:
        raise SameTrial
    plan.trial_days = days
    return plan


def add_price(ctx: TransactionContext, plan_id: str, cents: int, first_day: date, *, today: date) -> Price:
    """Add the price of readers who start from `first_day` on, in cents, VAT included. Subscribers keep their agreed price.

    Raises UnknownPlan, PastPrice."""
    if ctx.session.get(Plan, plan_id) is None:
        raise UnknownPlan
    if first_day < today:
        raise PastPrice
    price = Price(id=ids.new("prc", ctx.at), plan_id=plan_id, amount=cents, valid_from=first_day)
    ctx.session.add(price)
    ctx.session.flush()
    return price


def live_holders(session: Session) -> dict[str, int]:
    """How many live subscriptions have each plan; a plan that nobody has is left out."""
    live = select(Subscription.plan_id, func.count()).where(Subscription.state != State.ENDED)
    return dict(session.exec(live.group_by(Subscription.plan_id)).all())


def open_features(session: Session, plan_id: str, names: Sequence[str]) -> Plan:
    """Let the plan open these features from now on, for all its readers. Raises UnknownPlan, BadFeature."""
    plan = plan_of(session, plan_id)
    plan.features = _features(names)
    session.flush()
    return plan


def _features(names: Sequence[str]) -> list[str]:
    try:
        return features.features(names)
    except features.UnknownFeature as error:
        raise BadFeature(f"{error}.") from error
