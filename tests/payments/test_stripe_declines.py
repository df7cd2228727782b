"""How Stripe's and the networks' decline codes map to the port."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.acquirer.stripe.declines import GONE, decline
from billing.rules.dunning import DeclineKind

FIELDS = ("code", "decline_code", "advice_code", "network_advice_code", "network_decline_code")
said = st.none() | st.sampled_from(
    [
        *("01", "02", "03", "21", "24", "04", "41", "51", "57", "R0", "R1", "R3", "r0"),
        *("do_not_try_again", "confirm_card_data", "try_again_later", "lost_card", "insufficient_funds"),
        *("authentication_required", "revocation_of_authorization", "generic_decline", "card_declined"),
        *("", "something_new"),
    ]
)
errors = st.fixed_dictionaries(dict.fromkeys(FIELDS, said))


def kind_of(**error: Any) -> DeclineKind:
    return decline(error).kind


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        (
            "network_advice_code",
            {
                DeclineKind.HARD: "01 03 21",
                DeclineKind.SOFT: "02",
                DeclineKind.UNKNOWN: "00 24 30 99 lost_card R0",
            },
        ),
        (
            "advice_code",
            {
                DeclineKind.HARD: "do_not_try_again confirm_card_data",
                DeclineKind.SOFT: "try_again_later",
                DeclineKind.UNKNOWN: "03 lost_card something_new",
            },
        ),
        (
            "network_decline_code",
            {
                DeclineKind.HARD: "04 07 12 14 15 41 43 46 57",
                DeclineKind.STOP_ORDER: "R0 R1 R3",
                DeclineKind.UNKNOWN: "00 01 02 03 05 21 51 R2 lost_card",
            },
        ),
        (
            "decline_code",
            {
                DeclineKind.HARD: "lost_card stolen_card pickup_card expired_card invalid_account fraudulent",
                DeclineKind.STOP_ORDER: "revocation_of_authorization revocation_of_all_authorizations"
                " stop_payment_order",
                DeclineKind.NEEDS_READER: "authentication_required",
                DeclineKind.SOFT: "insufficient_funds generic_decline do_not_honor processing_error",
                DeclineKind.UNKNOWN: "something_new 41 R0 02",
            },
        ),
        (
            "code",
            {
                DeclineKind.HARD: "expired_card incorrect_cvc",
                DeclineKind.NEEDS_READER: "authentication_required",
                DeclineKind.SOFT: "processing_error",
                DeclineKind.UNKNOWN: "card_declined something_new",
            },
        ),
    ],
)
def test_each_field_alone(field: str, kinds: dict[DeclineKind, str]) -> None:
    for kind, codes in kinds.items():
        for code in codes.split():
            given: dict[str, Any] = {field: code}
            assert kind_of(**given) is kind, (field, code)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({}, DeclineKind.UNKNOWN),
        ({"code": "card_declined"}, DeclineKind.UNKNOWN),
        # The network's advice comes first, then Stripe's, then the network's reason, then Stripe's.
        ({"network_advice_code": "03", "decline_code": "insufficient_funds"}, DeclineKind.HARD),
        ({"advice_code": "do_not_try_again", "decline_code": "generic_decline"}, DeclineKind.HARD),
        ({"network_advice_code": "21", "decline_code": "authentication_required"}, DeclineKind.HARD),
        ({"advice_code": "confirm_card_data", "code": "authentication_required"}, DeclineKind.HARD),
        ({"network_decline_code": "14", "decline_code": "authentication_required"}, DeclineKind.HARD),
        ({"decline_code": "authentication_required", "code": "expired_card"}, DeclineKind.NEEDS_READER),
        ({"advice_code": "try_again_later", "code": "card_declined"}, DeclineKind.SOFT),
        ({"network_advice_code": "02", "decline_code": "something_new"}, DeclineKind.SOFT),
        # What is not known is passed over.
        ({"network_advice_code": "99", "advice_code": "do_not_try_again"}, DeclineKind.HARD),
        ({"network_advice_code": "24", "decline_code": "insufficient_funds"}, DeclineKind.SOFT),
        # Advice to try later never overrules what forbids it.
        ({"advice_code": "try_again_later", "network_decline_code": "41"}, DeclineKind.HARD),
        ({"network_advice_code": "02", "advice_code": "do_not_try_again"}, DeclineKind.HARD),
        ({"advice_code": "try_again_later", "decline_code": "stolen_card"}, DeclineKind.HARD),
        ({"advice_code": "try_again_later", "code": "authentication_required"}, DeclineKind.NEEDS_READER),
        # A stop order is the reader's own word, whatever comes with it.
        ({"advice_code": "do_not_try_again", "network_decline_code": "R0"}, DeclineKind.STOP_ORDER),
        (
            {"network_advice_code": "21", "decline_code": "revocation_of_authorization"},
            DeclineKind.STOP_ORDER,
        ),
        ({"network_advice_code": "03", "code": "stop_payment_order"}, DeclineKind.STOP_ORDER),
        ({"advice_code": "try_again_later", "network_decline_code": "R3"}, DeclineKind.STOP_ORDER),
    ],
)
def test_the_order_of_codes(error: dict[str, str], kind: DeclineKind) -> None:
    assert decline(error).kind is kind


@given(errors)
def test_what_forbids_is_never_lost(error: dict[str, str | None]) -> None:
    alone = {kind_of(**{field: error[field]}) for field in FIELDS}
    together = kind_of(**error)
    assert together in alone
    if DeclineKind.STOP_ORDER in alone:
        assert together is DeclineKind.STOP_ORDER
    elif alone & {DeclineKind.HARD, DeclineKind.NEEDS_READER}:
        assert together in {DeclineKind.HARD, DeclineKind.NEEDS_READER}
    else:
        assert together is (DeclineKind.SOFT if DeclineKind.SOFT in alone else DeclineKind.UNKNOWN)


def test_staff_see_the_codes_as_they_were_written() -> None:
    said = decline(
        {
            "code": "card_declined",
            "decline_code": "lost_card",
            "advice_code": "do_not_try_again",
            "network_decline_code": "41",
            "network_advice_code": "03",
        }
    )
    assert (said.code, said.advice) == ("lost_card", "do_not_try_again")
    assert (said.network_code, said.network_advice) == ("41", "03")
    assert decline({"code": "expired_card"}).code == "expired_card"


def test_a_card_that_is_gone_can_only_be_replaced() -> None:
    assert (GONE.decline.kind, GONE.decline.card_gone) == (DeclineKind.HARD, True)
