"""What an acquirer can do decides when a charge may be sent again; nothing is assumed of any of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from billing.acquirer.answers import (
    ChargeClaim,
    Charged,
    ChargeRequest,
    NeverArrived,
    Outcome,
    SentBefore,
    Unknown,
)
from billing.acquirer.capabilities import Capabilities, Idempotency
from billing.acquirer.find_or_send import find_or_charge
from billing.acquirer.port import Gateway
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.payments.charge import ClaimedAttempt, NotSent, send_or_look_up

AT = datetime(2027, 3, 16, 7, tzinfo=UTC)
BY_KEY = replace(CAPABILITIES, idempotency=Idempotency.BY_KEY, key_holds=timedelta(hours=20))
BY_REFERENCE = replace(CAPABILITIES, idempotency=Idempotency.BY_REFERENCE, key_holds=timedelta())
CHARGED = Charged("one", "two", 7500, None, AT)
REQUEST = ChargeRequest(
    ChargeClaim("att_1", "inv_1"), "key", "customer", "card", 7500, "ZAR", None, intended_at=AT
)


class Forgetful:
    """An acquirer that lists nothing and charges whatever is asked of it."""

    def __init__(self, can: Capabilities) -> None:
        self.capabilities = can

    def find_charge(self, request: ChargeRequest) -> NeverArrived:
        return NeverArrived()

    def charge(self, request: ChargeRequest) -> Outcome:
        return CHARGED

    def find_or_charge(
        self, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
    ) -> Outcome | NeverArrived:
        return find_or_charge(cast(Gateway, self), request, before, at, may_send=may_send)


def sent_again(can: Capabilities, after: timedelta, *, missing_for: timedelta | None = None) -> Any:
    """What becomes of a charge that may have been sent before, and isn't listed."""
    at = AT + after
    since = None if missing_for is None else at - missing_for
    claimed = ClaimedAttempt("att_1", "stripe", REQUEST, SentBefore(AT, False, since), wanted=True)
    return send_or_look_up(cast(Gateway, Forgetful(can)), claimed, at)


@pytest.mark.parametrize(
    ("can", "after", "sent"),
    [
        (BY_KEY, timedelta(hours=19, minutes=59), True),
        (BY_KEY, timedelta(hours=20), False),
        (replace(BY_KEY, key_holds=timedelta(hours=1)), timedelta(minutes=59), True),
        (replace(BY_KEY, key_holds=timedelta(hours=1)), timedelta(hours=1), False),
        (BY_REFERENCE, timedelta(hours=19), True),
        (BY_REFERENCE, timedelta(hours=20), False),  # what allowed the charge must be decided again
    ],
)
def test_a_charge_is_sent_again_while_its_key_holds(can: Capabilities, after: timedelta, sent: bool) -> None:
    outcome = sent_again(can, after)
    if sent:
        assert outcome == CHARGED
    else:
        assert isinstance(outcome, Unknown)
        assert outcome.unlisted_since


def test_a_charge_whose_key_holds_no_more_is_given_up_once_it_is_absent_for_certain() -> None:
    can = replace(CAPABILITIES, key_holds=timedelta(hours=1))
    assert sent_again(can, timedelta(hours=2), missing_for=timedelta(minutes=5)) == NotSent()
