"""Changes of what is sold, by staff and by commands, with their reason in the audit."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from billing.changes.announce_price import plan_change
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.rules.money import HIGHEST_PRICE
from billing.staff import audit
from billing.subscriptions import plans
from billing.subscriptions.find import prices
from billing.subscriptions.models import OfferedTo, Plan

PLAN, PRICE = "plan", "price"


class BadPrice(Invalid):
    """A price is from R0.01 to R999 999.99 a period, VAT included."""

    code = "bad_price"


class PriceMoved(Conflict):
    """Somebody else has given the plan a price meanwhile. Look at what would follow now."""

    code = "price_moved"


def add_plan(ctx: TransactionContext, plan: Plan, *, reason: str) -> None:
    """Add a plan, offered to nobody yet. Raises NeedsReason and as `plans.add_plan`."""

    def do() -> audit.Change:
        return {}, _words(plans.add_plan(ctx.session, plan))

    audit.reasoned(ctx, PLAN, reason, do, subject=plan.id)


def offer_plan(
    ctx: TransactionContext, plan_id: str, to: OfferedTo, position: int | None = None, *, reason: str
) -> None:
    """Offer it from now on, or to nobody any more; its readers keep it. Raises NeedsReason, UnknownPlan, NoPrice."""
    _change(ctx, plan_id, reason, lambda: plans.offer_plan(ctx.session, plan_id, to, position))


def set_trial(ctx: TransactionContext, plan_id: str, days: int, *, reason: str) -> None:
    """Set the free days of a plan, for who starts from now on. Raises NeedsReason, BadTrial, UnknownPlan, SameTrial."""
    _change(ctx, plan_id, reason, lambda: plans.set_trial(ctx.session, plan_id, days))


def open_features(ctx: TransactionContext, plan_id: str, names: Sequence[str], *, reason: str) -> list[str]:
    """Let the plan open these features from now on, for all its readers. Returns them. Raises NeedsReason, UnknownPlan, BadFeature."""
    return _change(ctx, plan_id, reason, lambda: plans.open_features(ctx.session, plan_id, names)).features


def _change(ctx: TransactionContext, plan_id: str, reason: str, do: Callable[[], Plan]) -> Plan:
    plan = plans.plan_of(ctx.session, plan_id)

    def change() -> audit.Change:
        before = _words(plan)
        return audit.differing(before, _words(do()))

    audit.reasoned(ctx, PLAN, reason, change, subject=plan_id)
    return plan


def _words(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "months": plan.months,
        "offered_to": plan.offered_to.value,
        "position": plan.position,
        "trial_days": plan.trial_days,
        "then": plan.then_plan_id,
        "opens": plan.features,
    }


def set_price(
    ctx: TransactionContext,
    plan_id: str,
    cents: int,
    first_day: date,
    *,
    for_everyone: bool,
    reason: str,
    seen: int | None = None,
) -> None:
    """Set the price of who starts from a day on, in cents, VAT included; `for_everyone` also that of subscribers, after a notice.

    `seen` is how many prices of the plan the caller looked at. Raises NeedsReason, BadPrice, UnknownPlan, PastPrice,
    YearKeepsPrice, PriceMoved."""
    if not 1 <= cents <= HIGHEST_PRICE:
        raise BadPrice
    plans.plan_of(ctx.session, plan_id)
    present = prices(ctx.session, plan_id)
    if seen not in (None, len(present)):
        raise PriceMoved

    def do() -> audit.Change:
        if for_everyone:
            plan_change(ctx, plan_id, cents, first_day, today=ctx.today)
        else:
            plans.add_price(ctx, plan_id, cents, first_day, today=ctx.today)
        before = {"cents": present[-1].amount, "from": present[-1].valid_from.isoformat()} if present else {}
        whom = "everyone" if for_everyone else "new readers"
        return before, {"cents": cents, "from": first_day.isoformat(), "for": whom}

    audit.reasoned(ctx, PRICE, reason, do, subject=plan_id)
