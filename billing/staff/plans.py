"""Changes of plans that are kept with their reason in the audit."""

from billing.platform.context import TransactionContext
from billing.staff import audit
from billing.staff.audit import Change
from billing.subscriptions import plans


def set_trial(ctx: TransactionContext, plan_id: str, days: int, *, reason: str) -> None:
    """Set the free days of a plan, for who starts from now on. Raises NeedsReason, BadTrial, UnknownPlan, SameTrial."""

    def change() -> Change:
        before = plans.set_trial(ctx.session, plan_id, days)
        return {"trial_days": before}, {"trial_days": days}

    audit.reasoned(ctx, "plan_trial", reason, change, subject=plan_id)
