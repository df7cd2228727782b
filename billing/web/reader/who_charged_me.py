"""For readers who find an unknown charge on a bank statement: what our charges look like, whose it may be, how to end it."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.payments import receipts
from billing.payments.charge import AFTER_TRIAL
from billing.rules.money import Money
from billing.subscriptions.find import plans_on_offer
from billing.web.kit.view_rows import receipt_row
from billing.web.kit.visit import Visiting
from billing.web.views.account import WhoChargedMePage

router = APIRouter(include_in_schema=False)


@router.get("/who-charged-me")
def who_charged_me(visit: Visiting) -> Response:
    """A signed-in reader sees their own charges as well. It reveals nothing about other readers."""
    with visit.read() as ctx:
        prices = tuple(
            (plan.period_label, Money(price.amount, price.currency))
            for plan, price, _ in plans_on_offer(ctx.session, ctx.today)
        )
        mine = receipts.paid_by(ctx.session, visit.reader.id) if visit.reader else []
    rows = tuple(receipt_row(paid) for paid in mine)
    return visit.page(WhoChargedMePage(prices=prices, suffix=AFTER_TRIAL, receipts=rows))
