"""Days that staff give: a longer trial or period, complimentary reading, another trial."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from billing.access import grants
from billing.changes import extend
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.rules.term import Announced
from billing.staff.acts.shape import Preview, day, days_in_words, format_zar
from billing.staff.roles import Permission
from billing.subscriptions import exceptions
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import live_of, plan_on_offer, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge, pause_is_ahead

_NOTICES = {
    Announced.STANDS: "The year's end was announced, and that holds; both reminders are sent for the new day.",
    Announced.AFRESH: "The notice of the year's end, and both reminders, are sent for the new day.",
    Announced.CORRECTED: "A corrected notice of the year's end goes out now; both reminders are sent for the new day.",
}


@dataclass(frozen=True)
class ExtendAct:
    """The trial, or the paid period, ends so many days later."""

    reader_id: str
    days: int
    subscription_id: str | None = None
    """The very subscription; None: the one that runs."""
    what = Permission.EXTEND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """How the next charge moves. Raises as `changes.extend.foresee`."""
        subscription = _running(ctx.session, self.reader_id, self.subscription_id)
        seen = extend.preview(ctx, subscription, self.days)
        due, later = next_charge(subscription, ctx.zone), seen.after - seen.before
        charge_on, ahead = due.on if due else seen.before, pause_is_ahead(subscription)
        # a pause that is ahead moves as well; a charge that was put off comes no sooner than was told
        moved_to = charge_on + later if ahead else max(seen.after, charge_on)
        price = terms_on(ctx.session, subscription, moved_to)[1]
        what = "trial" if subscription.state is State.TRIALING else "paid period"
        words = [
            f"The {what} runs through {day(seen.after - timedelta(days=1))}"
            f" instead of {day(seen.before - timedelta(days=1))}.",
            f"The next charge, {format_zar(price.amount)}, moves from {day(charge_on)} to {day(moved_to)}.",
        ]
        if subscription.state is State.TRIALING:
            words.append("Both notices before the first charge are sent for the new day.")
        if ahead:
            words.append("The pause begins so much later, and is as long as before.")
        if seen.announced is not None:
            words.append(_NOTICES[seen.announced])
        if later.days > self.days:
            words.append(
                "That is later than asked for: a notice must go out a week before the first charge."
                if subscription.state is State.TRIALING
                else "That is later than asked for: what ends a year must be announced in time."
            )
        return Preview(tuple(words), f"Extend by {days_in_words(later.days)}", days=later.days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Give the days."""
        subscription = _running(ctx.session, self.reader_id, self.subscription_id)
        extend.extend(ctx, subscription.id, self.days, reason=reason)
        return subscription.id


@dataclass(frozen=True)
class ComplimentaryAct:
    """Reading without a subscription, for so many days."""

    reader_id: str
    days: int
    what = Permission.COMPLIMENTARY

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """Until when. Raises NoDays, HasSubscription."""
        last_day = grants.last_day_of(ctx, self.reader_id, self.days)
        words = (
            f"Everything is open to this reader through {day(last_day)}, free of charge.",
            "No card is charged, and nothing has to be cancelled.",
        )
        return Preview(words, f"Give {days_in_words(self.days)}", days=self.days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Give them."""
        given = grants.give(ctx, self.reader_id, self.days, reason=reason)
        return given.id


@dataclass(frozen=True)
class AnotherTrialAct:
    """Leave to start one more trial, with an address and a card that have had theirs."""

    reader_id: str
    what = Permission.ANOTHER_TRIAL

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What the leave allows. Raises AlreadyAllowed."""
        if exceptions.open_for(ctx.session, self.reader_id) is not None:
            raise exceptions.AlreadyAllowed
        plan, price = plan_on_offer(ctx.session, ctx.today)
        words = (
            f"The next time this reader starts, {plan.trial_days} days are free again, then {format_zar(price.amount)} a {plan.period_label}.",
            "It works once, for this reader, with any card.",
        )
        return Preview(words, "Allow another trial", days=plan.trial_days)

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Allow it."""
        return exceptions.allow(ctx, self.reader_id, reason=reason).id


def _running(session: Session, reader_id: str, subscription_id: str | None) -> Subscription:
    if subscription_id is not None:
        named = session.get(Subscription, subscription_id)
        if named is None or named.reader_id != reader_id:
            raise UnknownSubscription
        return named
    found = live_of(session, reader_id)
    if found is None:
        raise UnknownSubscription(
            "There is no running subscription to extend. Give complimentary days instead."
        )
    return found
