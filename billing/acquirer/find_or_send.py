"""What became of a request that may have been sent before, for acquirers that do a request once for its key.

The list comes first. What it lacks is sent again under its own key. Where the key protects no more, the list's word counts only
after `LISTED_WITHIN` with nothing sent."""

from datetime import datetime

from billing.acquirer.answers import (
    ChargeRequest,
    NeverArrived,
    Outcome,
    RefundOutcome,
    RefundRequest,
    SentBefore,
    Unknown,
)
from billing.acquirer.port import Gateway
from billing.platform.stop_points import reached
from billing.rules.absence import LISTED_WITHIN, is_absent


def find_or_charge(
    gateway: Gateway, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
) -> Outcome | NeverArrived:
    """As the port's."""
    found = gateway.find_charge(request)
    if not isinstance(found, NeverArrived):
        reached("recovery: a charge that was sent before is found")
        return found
    if may_send and gateway.capabilities.may_resend(before, at):
        reached("recovery: a charge that never arrived is sent under its own key")
        return gateway.charge(request)
    if not is_absent(before.unlisted_since, at):
        reached("recovery: a charge that isn't listed is asked for again")
        return _unlisted(before, at)
    return found


def find_or_refund(
    gateway: Gateway, request: RefundRequest, before: SentBefore, at: datetime
) -> RefundOutcome | NeverArrived:
    """As the port's."""
    found = gateway.find_refund(refund_id=request.refund_id, intent_ref=request.intent_ref)
    if not isinstance(found, NeverArrived):
        reached("recovery: a refund that was sent before is found")
        return found
    if gateway.capabilities.refunds_repeatable and gateway.capabilities.may_resend(before, at):
        return gateway.refund(request)
    if not is_absent(before.unlisted_since, at):
        reached("recovery: a refund that isn't listed is asked for again")
        return _unlisted(before, at)
    return found


def _unlisted(before: SentBefore, at: datetime) -> Unknown:
    return Unknown(
        "the acquirer doesn't list it, and may yet",
        unlisted_since=before.unlisted_since or at,
        wait=LISTED_WITHIN,
    )
