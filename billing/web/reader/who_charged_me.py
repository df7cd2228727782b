"""Somebody finds us on a bank statement and doesn't know us: what our charges look like, whose it may be, and how it ends."""

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
    """For everybody, signed in or not; a reader who is signed in sees their own charges beside it. Asks nothing, tells nothing
    about anybody else."""
    today = visit.services.site.today(visit.at)
    with visit.services.database.transaction() as session:
        prices = [
            (plan.period_label, Money(price.amount, price.currency))
            for plan, price in plans_on_offer(session, today)
        ]
        mine = receipts.paid_by(session, visit.reader.id) if visit.reader else []
    return visit.page(
        WhoChargedMePage(
            prices=tuple(prices),
            suffix=AFTER_TRIAL,
            receipts=tuple(receipt_row(paid) for paid in mine),
        )
    )
