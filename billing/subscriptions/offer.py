"""What a reader may start today: made once for each request, and carried through the start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules import periods, trial
from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.subscriptions.find import (
    AnyPlan,
    AnyPrice,
    NothingOnSale,
    OnOffer,
    on_sale,
    one_on_offer,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan at its price, with the dates of a start today."""

    plan: AnyPlan
    price: AnyPrice
    then_price: AnyPrice | None
    """The monthly price after a fixed term; None for a plan that goes on as it is."""
    dates: TrialDates
    renews_on: date
    """The day of the second charge, where the first is made at once."""

    @property
    def amount(self) -> Money:
        """The price of a period."""
        return self.price.money

    @property
    def then_amount(self) -> Money | None:
        """The price of a month after a fixed term."""
        return self.then_price.money if self.then_price else None


def offer_of(ctx: TransactionContext, terms: tuple[AnyPlan, AnyPrice]) -> Offer:
    """The offer of these terms now. Raises NothingOnSale where no price follows a fixed term."""
    plan, price = terms
    then_price = on_sale(ctx.session, ctx.today, plan.then_plan_id)[1] if plan.then_plan_id else None
    return _offer(ctx.site, ctx.today, plan, price, then_price)


def _offer(site: Site, today: date, plan: AnyPlan, price: AnyPrice, then_price: AnyPrice | None) -> Offer:
    if plan.then_plan_id and then_price is None:
        raise NothingOnSale
    dates = trial.dates(today, plan.trial_days, site.zone)
    return Offer(plan, price, then_price, dates, periods.nth(today, 1, plan.months).end_on)


def offer_today(ctx: TransactionContext, plan_id: str | None = None, *, by_staff: bool = False) -> Offer:
    """The offer of one plan, or of the first that everyone is offered. Raises NothingOnSale, NotOffered."""
    return _offer(ctx.site, ctx.today, *one_on_offer(ctx.session, ctx.today, plan_id, by_staff=by_staff))


def offers_of(site: Site, today: date, found: Sequence[OnOffer]) -> list[Offer]:
    """The offers of what may be started today. Raises NothingOnSale without any."""
    if not found:
        raise NothingOnSale
    return [_offer(site, today, *on_offer) for on_offer in found]
