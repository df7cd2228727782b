"""Days that staff give to a subscription: its trial, or its paid period, ends later."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from billing.changes import extend
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.rules.term import Announced
from billing.staff.acts.shape import Preview, day, days_in_words, format_zar
from billing.staff.acts.subscription import running
from billing.staff.roles import Permission
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge, pause_is_ahead

_NOTICES = {
    Announced.STANDS: "The year's end was announced, and that holds; both reminders are sent for the new day.",
    Announced.AFRESH: "The notice of the year's end, and both reminders, are sent for the new day.",
    Announced.CORRECTED: "A corrected notice of the year's end goes out now; both reminders are sent for the new day.",
}


@dataclass(frozen=True)
class ExtendAct:
    """End the trial, or the paid period, some days later."""

    reader_id: str
    days: int
    subscription_id: str | None = None
    """None: the subscription that runs."""
    what = Permission.EXTEND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """How the next charge moves. Raises as `changes.extend.preview`."""
        subscription = self._subscription(ctx.session)
        seen = extend.preview(ctx, subscription, self.days)
        due, later = next_charge(subscription, ctx.zone), seen.after - seen.before
        charge_on, ahead = due.on if due else seen.before, pause_is_ahead(subscription)
        # A planned pause moves too. A postponed charge comes no sooner than the reader was told.
        moved_to = charge_on + later if ahead else max(seen.after, charge_on)
        price = terms_on(ctx.session, subscription, moved_to)[1]
        in_trial = subscription.state is State.TRIALING
        what = "trial" if in_trial else "paid period"
        words = [
            f"The {what} runs through {day(seen.after - timedelta(days=1))}"
            f" instead of {day(seen.before - timedelta(days=1))}.",
            f"The next charge, {format_zar(price.amount)}, moves from {day(charge_on)} to {day(moved_to)}.",
        ]
        if in_trial:
            words.append("Both notices before the first charge are sent for the new day.")
        if ahead:
            words.append("The pause begins so much later, and is as long as before.")
        if seen.announced is not None:
            words.append(_NOTICES[seen.announced])
        if later.days > self.days:
            words.append(
                "That is later than asked for: a notice must go out a week before the first charge."
                if in_trial
                else "That is later than asked for: what ends a year must be announced in time."
            )
        return Preview(tuple(words), f"Extend by {days_in_words(later.days)}", days=later.days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Give the days."""
        subscription = self._subscription(ctx.session)
        extend.extend(ctx, subscription.id, self.days, reason=reason)
        return subscription.id

    def _subscription(self, session: Session) -> Subscription:
        if self.subscription_id is None:
            return running(
                session,
                self.reader_id,
                "There is no running subscription to extend. Give complimentary days instead.",
            )
        named = session.get(Subscription, self.subscription_id)
        if named is None or named.reader_id != self.reader_id:
            raise UnknownSubscription
        return named
