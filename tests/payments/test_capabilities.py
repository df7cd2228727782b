"""An acquirer's capabilities decide what it is asked for; none is assumed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from billing.acquirer.answers import (
    ChargeClaim,
    Charged,
    ChargeRequest,
    NeverArrived,
    NoSuchObject,
    Outcome,
    PageClosed,
    PageOpen,
    PayPageAnswer,
    SentBefore,
    Unknown,
)
from billing.acquirer.balance_port import DisputeAnswer, DisputeState
from billing.acquirer.capabilities import Capabilities, Idempotency
from billing.acquirer.find_or_send import find_or_charge
from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.payments.charge import ClaimedAttempt, NotSent, send_or_look_up
from billing.payments.payment_page import close_or_look_up
from billing.platform.errors import RefusesToStart
from billing.platform.monotonic import SystemMonotonic

AT = datetime(2027, 3, 16, 7, tzinfo=UTC)
BY_KEY = replace(CAPABILITIES, idempotency=Idempotency.BY_KEY, key_holds=timedelta(hours=20))
BY_REFERENCE = replace(CAPABILITIES, idempotency=Idempotency.BY_REFERENCE, key_holds=timedelta())
CHARGED = Charged("one", "two", 7500, None, AT)
REQUEST = ChargeRequest(
    ChargeClaim("att_1", "inv_1"), "key", "customer", "card", 7500, "ZAR", None, intended_at=AT
)


class Forgetful:
    """An acquirer that lists nothing and makes every charge requested."""

    display_name = "Forgetful"

    def __init__(self, can: Capabilities) -> None:
        self.capabilities, self.name = can, str(id(self))
        self.charged: list[ChargeRequest] = []

    def find_charge(self, request: ChargeRequest) -> NeverArrived:
        return NeverArrived()

    def charge(self, request: ChargeRequest) -> Outcome:
        self.charged.append(request)
        return CHARGED

    def find_or_charge(
        self, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
    ) -> Outcome | NeverArrived:
        return find_or_charge(cast(Gateway, self), request, before, at, may_send=may_send)


def sent_again(can: Capabilities, after: timedelta, *, missing_for: timedelta | None = None) -> Any:
    """The result of a charge that may have been sent before and isn't listed."""
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


def test_trials_need_an_acquirer_that_saves_a_card_for_nothing() -> None:
    able = cast(Gateway, Forgetful(CAPABILITIES))
    unable = cast(Gateway, Forgetful(replace(CAPABILITIES, zero_amount_setup=False)))
    assert Acquirers([able, unable], 0, SystemMonotonic()).default is able
    with pytest.raises(RefusesToStart, match="Forgetful can't save cards"):
        Acquirers([unable, able], 0, SystemMonotonic())


class WithPage(Forgetful):
    """An acquirer with a hosted page."""

    found: PayPageAnswer | NoSuchObject = PageOpen("https://example.com")

    def close_pay_page(self, session_ref: str) -> PayPageAnswer:
        return PageClosed()

    def fetch_pay_page(self, session_ref: str) -> PayPageAnswer | NoSuchObject:
        return self.found


@pytest.mark.parametrize(
    ("closes", "found", "ends"),
    [
        (True, PageOpen("https://example.com"), True),
        (False, PageOpen("https://example.com"), False),
        (False, PageClosed(), True),
        (False, NoSuchObject("no such page"), True),
    ],
)
def test_a_page_that_cannot_be_closed_keeps_its_attempt_until_it_has_run_out(
    closes: bool, found: PayPageAnswer | NoSuchObject, ends: bool
) -> None:
    gateway = WithPage(replace(CAPABILITIES, closes_pages=closes))
    gateway.found = found
    outcome = close_or_look_up(cast(Gateway, gateway), REQUEST, "page")
    assert outcome == PageClosed() if ends else isinstance(outcome, Unknown)


@pytest.mark.parametrize(("length", "shown"), [(22, "TRIAL OVER"), (9, None), (0, None)])
def test_a_charge_adds_to_the_statement_what_fits(length: int, shown: str | None) -> None:
    gateway = Forgetful(replace(CAPABILITIES, descriptor_length=length))
    request = replace(REQUEST, descriptor_suffix="TRIAL OVER")
    send_or_look_up(cast(Gateway, gateway), ClaimedAttempt("att_1", "stripe", request, None, wanted=True), AT)
    assert gateway.charged == [replace(request, descriptor_suffix=shown)]


def test_a_dispute_without_a_day_is_to_be_answered_in_the_shortest_time() -> None:
    can = replace(CAPABILITIES, dispute_answer_within=timedelta(hours=48))
    asked = DisputeAnswer(
        "one", "two", None, 7500, "ZAR", None, "general", DisputeState.NEEDS_ANSWER, False, AT, None
    )
    assert can.answer_by(asked) == AT + timedelta(hours=48)
    assert can.answer_by(replace(asked, answer_by=AT)) == AT
    assert can.answer_by(replace(asked, state=DisputeState.LOST)) is None
