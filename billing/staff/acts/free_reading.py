"""What staff give free of charge: complimentary reading, another trial."""

from dataclasses import dataclass

from billing.access import grants
from billing.platform.context import TransactionContext
from billing.staff.acts.shape import Preview, day, days_in_words, format_zar
from billing.staff.roles import Permission
from billing.subscriptions.find import plan_on_offer
from billing.subscriptions.start import AlreadyAllowed, allow_trial, open_exception


@dataclass(frozen=True)
class ComplimentaryAct:
    """Let the reader read without a subscription for some days."""

    reader_id: str
    days: int
    what = Permission.COMPLIMENTARY

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """The last day. Raises NoGrantedDays, HasSubscription."""
        last_day = grants.last_day_of(ctx, self.reader_id, self.days)
        words = (
            f"Everything is open to this reader through {day(last_day)}, free of charge.",
            "No card is charged, and nothing has to be cancelled.",
        )
        return Preview(words, f"Give {days_in_words(self.days)}", days=self.days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Give the days; the id of the grant."""
        return grants.give(ctx, self.reader_id, self.days, reason=reason).id


@dataclass(frozen=True)
class AnotherTrialAct:
    """Allow one more trial with an address and a card that have had theirs."""

    reader_id: str
    what = Permission.ANOTHER_TRIAL

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What is allowed. Raises AlreadyAllowed."""
        if open_exception(ctx.session, self.reader_id) is not None:
            raise AlreadyAllowed
        plan, price = plan_on_offer(ctx.session, ctx.today)
        words = (
            f"The next time this reader starts, {plan.trial_days} days are free again, then {format_zar(price.amount)} a {plan.period_label}.",
            "It works once, for this reader, with any card.",
        )
        return Preview(words, "Allow another trial", days=plan.trial_days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Allow it; the id of the exception."""
        return allow_trial(ctx, self.reader_id, reason=reason).id
