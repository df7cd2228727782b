"""The mail about another price."""

from dataclasses import dataclass
from datetime import timedelta

from billing.notices import true_while
from billing.notices.send import send
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.subscriptions.models import Plan, Price, PriceNotice, Subscription
from emails import Cents, Day, Mail, Url

PRICE_NOTICE_TEXT = "price-notice-2026-11"


@dataclass(frozen=True)
class PriceChangeMail(
    Mail,
    kind="price_notice",
    true_while=true_while.subscription(
        true_while.GOES_ON,
        "s.next_terms_because = 'price'",
        f"s.next_terms_on = {true_while.day('from_on')}",
    ),
):
    """A higher or lower price, at least 30 days before it holds (CARD-8, CPA-8)."""

    samples = {"": {"new_amount": 8000}}
    every: str
    old_amount: Cents
    new_amount: Cents
    from_on: Day
    cancel_url: Url
    account_url: Url


def price_notice_key(notice_id: str) -> str:
    """The key of the mail of a notice."""
    return f"price-notice:{notice_id}"


def price_changing(
    ctx: TransactionContext, subscription: Subscription, notice: PriceNotice, price: Price
) -> None:
    """Another price. Not sent once it would be too late (CARD-8)."""
    old = ctx.session.get_one(Price, subscription.price_id)
    mail = PriceChangeMail(
        every=ctx.session.get_one(Plan, price.plan_id).period_label,
        old_amount=old.amount,
        new_amount=price.amount,
        from_on=notice.starts_on.isoformat(),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    last = trial.charge_at(notice.starts_on, ctx.zone) - timedelta(days=30)
    send(ctx, subscription, mail, price_notice_key(notice.id), expires_at=last)
