"""What a reader may take today: made once a request, and carried through the start."""

from dataclasses import dataclass
from datetime import date

from billing.platform.context import TransactionContext
from billing.rules import periods, trial
from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.subscriptions.find import NothingOnSale, on_sale, plan_on_offer, plans_on_offer
from billing.subscriptions.models import Plan, Price


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan at its price, and the days that count for who takes it on one day."""

    plan: Plan
    price: Price
    then_price: Price | None
    """What a fixed term goes on at, by the month; None for a plan that goes on as it is."""
    dates: TrialDates
    renews_on: date
    """The day of the second charge, where the first is made at once."""

    @property
    def amount(self) -> Money:
        """The price of a period."""
        return Money(self.price.amount, self.price.currency)

    @property
    def then_amount(self) -> Money | None:
        """The price of a month after a fixed term."""
        return Money(self.then_price.amount, self.then_price.currency) if self.then_price else None


def offer_of(ctx: TransactionContext, terms: tuple[Plan, Price]) -> Offer:
    """These terms, for who takes them at that moment. Raises NothingOnSale where a fixed term has nothing to go on as."""
    plan, price = terms
    today = ctx.today
    return Offer(
        plan,
        price,
        on_sale(ctx.session, today, plan.then_plan_id)[1] if plan.then_plan_id else None,
        trial.dates(today, plan.trial_days, ctx.zone),
        periods.nth(today, 1, plan.months).end_on,
    )


def offer_today(ctx: TransactionContext, plan_id: str | None = None, *, by_staff: bool = False) -> Offer:
    """One plan, or the first that everyone is offered. Raises NothingOnSale, NotOffered."""
    return offer_of(ctx, plan_on_offer(ctx.session, ctx.today, plan_id, by_staff=by_staff))


def offers_today(ctx: TransactionContext) -> list[Offer]:
    """All that everyone is offered, in the order of the pages. Raises NothingOnSale without any."""
    found = [offer_of(ctx, terms) for terms in plans_on_offer(ctx.session, ctx.today)]
    if not found:
        raise NothingOnSale
    return found
