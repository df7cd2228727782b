"""An early fraud warning: charge nothing more, and let staff decide whether to refund before a dispute takes the money."""

from datetime import datetime
from enum import StrEnum

from billing.access import gifts
from billing.acquirer.answers import NoSuchObject, Unknown
from billing.acquirer.port import Gateway
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.disputes import evidence, stop
from billing.disputes.settle import write_down_charge
from billing.payments.record_payment import payment_of
from billing.platform.actors import WORKER, Acquirer
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.refunds import refund
from billing.rules.money import Money


class WarningOutcome(StrEnum):
    """What a fraud warning led to."""

    ABSENT = "no such warning"
    NOT_OURS = "not our charge"
    NOTHING_LEFT = "nothing left to decide"
    CASE_OPENED = "case opened"


def settle_warning(
    database: Database, gateway: Gateway, site: Site, warning_ref: str, at: datetime
) -> WarningOutcome:
    """Stop renewals, keep evidence, open a case that proposes the refund (DIS-1). Safe to repeat. Raises Unavailable."""
    warning = gateway.books.warning(warning_ref)
    if isinstance(warning, NoSuchObject):
        return WarningOutcome.ABSENT
    if isinstance(warning, Unknown):
        raise Unavailable(warning.reason)
    write_down_charge(database, gateway, site, warning.charge_ref, warning.intent_ref, at)
    with database.begin(site, at, WORKER) as ctx:
        payment = payment_of(ctx.session, gateway.name, warning.charge_ref)
        if payment is None:
            return WarningOutcome.NOT_OURS
        reason = f"the card's issuer warns of fraud: payment {payment.id}"
        if not stop.has_stopped(ctx.session, payment.reader_id, reason):
            stop.stop_renewals(ctx, payment.reader_id, by=Acquirer(payment.acquirer), reason=reason)
        gifts.revoke_all(ctx, payment.reader_id, reason="the card's issuer warns of fraud")
        left = refund.left_of(ctx.session, payment)
        if not warning.actionable or left == 0:
            return WarningOutcome.NOTHING_LEFT
        open_case(
            ctx,
            CaseKind.FRAUD_WARNING,
            warning_ref,
            f"The card's issuer calls a charge fraudulent ({warning.kind.replace('_', ' ')})."
            f" Giving back {Money(left).with_vat_words()} now costs less than the dispute that follows.",
            reader_id=payment.reader_id,
            ours=payment.amount,
            facts={
                "payment": payment.id,
                "charge": warning.charge_ref,
                "evidence": evidence.gather(ctx, payment),
            },
            link=f"/staff/readers/{payment.reader_id}/refund?payment={payment.id}",
        )
    return WarningOutcome.CASE_OPENED
