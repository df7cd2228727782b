"""Change a reader's plan from the next charge on."""

from dataclasses import dataclass

from billing.changes import change_plan
from billing.platform.context import TransactionContext
from billing.staff.acts.shape import Preview, day, format_zar
from billing.staff.acts.subscription import running
from billing.staff.roles import Permission
from billing.subscriptions.models import Plan


@dataclass(frozen=True)
class ChangePlanAct:
    """Choose a plan for the reader. The reader gets the mail about it, and can undo it as if they had chosen it."""

    reader_id: str
    plan_id: str
    what = Permission.CHANGE_PLAN

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """The plan, its price and its day. Raises as `changes.change_plan.preview`, UnknownSubscription."""
        seen = change_plan.preview(ctx, running(ctx.session, self.reader_id), self.plan_id, by_staff=True)
        name = ctx.session.get_one(Plan, seen.plan.id).name
        words = (
            f"From {day(seen.on)} on the plan is {name}, {format_zar(seen.price.amount)} a {seen.plan.period_label}.",
            f"A mail says so. The reader can undo it until {day(seen.undo_until)}.",
        )
        return Preview(words, "Change the plan")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Choose it."""
        subscription = running(ctx.session, self.reader_id)
        return change_plan.choose_plan(ctx, subscription.id, self.plan_id, reason=reason, by_staff=True).id
