"""What an acquirer can do decides when a charge may be sent again; nothing is assumed of any of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from billing.acquirer.answers import ChargeClaim, Charged, ChargeRequest, NeverArrived, Outcome, Unknown
from billing.acquirer.capabilities import Capabilities
from billing.acquirer.port import Gateway
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.payments.charge import ClaimedAttempt, NotSent, send_or_look_up

AT = datetime(2027, 3, 16, 7, tzinfo=UTC)
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


def sent_again(can: Capabilities, after: timedelta, *, missing_for: timedelta | None = None) -> Any:
    """What becomes of a charge that may have been sent before, and isn't listed."""
    at = AT + after
    since = None if missing_for is None else at - missing_for
    claimed = ClaimedAttempt("att_1", "stripe", REQUEST, perhaps_sent=True, wanted=True, unlisted_since=since)
    return send_or_look_up(cast(Gateway, Forgetful(can)), claimed, at)


@pytest.mark.parametrize(
    ("key_holds", "after", "sent"),
    [
        (timedelta(hours=20), timedelta(hours=19, minutes=59), True),
        (timedelta(hours=20), timedelta(hours=20), False),
        (timedelta(hours=1), timedelta(minutes=59), True),
        (timedelta(hours=1), timedelta(hours=1), False),
        (None, timedelta(hours=19), True),
        (
            None,
            timedelta(hours=20),
            False,
        ),  # its key holds, but what allowed the charge must be decided again
    ],
)
def test_a_charge_is_sent_again_while_its_key_holds(
    key_holds: timedelta | None, after: timedelta, sent: bool
) -> None:
    outcome = sent_again(replace(CAPABILITIES, key_holds=key_holds), after)
    if sent:
        assert outcome == CHARGED
    else:
        assert isinstance(outcome, Unknown)
        assert outcome.unlisted


def test_a_charge_whose_key_holds_no_more_is_given_up_once_it_is_absent_for_certain() -> None:
    can = replace(CAPABILITIES, key_holds=timedelta(hours=1))
    assert sent_again(can, timedelta(hours=2), missing_for=timedelta(minutes=5)) == NotSent()
