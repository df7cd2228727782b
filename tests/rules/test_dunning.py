"""What a refusal means, and what comes after it, case by case."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.dunning import (
    GRACE_DAYS,
    AskReader,
    Evidence,
    GiveUp,
    Kind,
    Next,
    NotADecline,
    RetryOn,
    Why,
    after,
    gives_up_on,
    kind_of,
    may_retry,
)
from billing.rules.instants import NotACivilDate

SOFT = Evidence(code="card_declined", decline_code="insufficient_funds", advice_code="try_again_later")
HARD = Evidence(code="card_declined", decline_code="lost_card")
STOP = Evidence(network_decline_code="R1")
AUTHENTICATE = Evidence(code="authentication_required", decline_code="authentication_required")
UNKNOWN = Evidence(code="card_declined")
FAILED_ON = date(2026, 3, 5)  # no rung of this day is near a payday

said = st.none() | st.sampled_from(
    [
        *("01", "02", "03", "21", "24", "04", "41", "51", "57", "R0", "R1", "R3", "r0"),
        *("do_not_try_again", "confirm_card_data", "try_again_later", "lost_card", "insufficient_funds"),
        *("authentication_required", "revocation_of_authorization", "generic_decline", "card_declined"),
        *("", "something_new"),
    ]
)
evidences = st.builds(Evidence, said, said, said, said, said)


def follow_up(
    evidence: Evidence = SOFT, *, attempts: int = 1, day: int = 0, card: int = 1, failed_on: date = FAILED_ON
) -> Next:
    return after(
        attempts=attempts,
        first_failed_on=failed_on,
        today=failed_on + timedelta(days=day),
        evidence=evidence,
        card_attempts_30d=card,
    )


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        (
            "network_advice_code",
            {Kind.HARD: "01 03 21", Kind.SOFT: "02", Kind.UNKNOWN: "00 24 30 99 lost_card R0"},
        ),
        (
            "advice_code",
            {
                Kind.HARD: "do_not_try_again confirm_card_data",
                Kind.SOFT: "try_again_later",
                Kind.UNKNOWN: "03 lost_card something_new",
            },
        ),
        (
            "network_decline_code",
            {
                Kind.HARD: "04 07 12 14 15 41 43 46 57",
                Kind.STOP_ORDER: "R0 R1 R3",
                Kind.UNKNOWN: "00 01 02 03 05 21 51 R2 lost_card",
            },
        ),
        (
            "decline_code",
            {
                Kind.HARD: "lost_card stolen_card pickup_card expired_card invalid_account fraudulent",
                Kind.STOP_ORDER: "revocation_of_authorization revocation_of_all_authorizations"
                " stop_payment_order",
                Kind.NEEDS_READER: "authentication_required",
                Kind.SOFT: "insufficient_funds generic_decline do_not_honor processing_error",
                Kind.UNKNOWN: "something_new 41 R0 02",
            },
        ),
        (
            "code",
            {
                Kind.HARD: "expired_card incorrect_cvc",
                Kind.NEEDS_READER: "authentication_required",
                Kind.SOFT: "processing_error",
                Kind.UNKNOWN: "card_declined something_new",
            },
        ),
    ],
)
def test_each_field_alone(field: str, kinds: dict[Kind, str]) -> None:
    for kind, codes in kinds.items():
        for code in codes.split():
            given: dict[str, Any] = {field: code}
            assert kind_of(Evidence(**given)) is kind, (field, code)


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (Evidence(), Kind.UNKNOWN),
        (Evidence(card_gone=True), Kind.HARD),
        (Evidence(code="resource_missing", card_gone=True), Kind.HARD),
        (UNKNOWN, Kind.UNKNOWN),
        # The network's advice comes first, then Stripe's, then the network's reason, then Stripe's.
        (Evidence(network_advice_code="03", decline_code="insufficient_funds"), Kind.HARD),
        (Evidence(advice_code="do_not_try_again", decline_code="generic_decline"), Kind.HARD),
        (Evidence(network_advice_code="21", decline_code="authentication_required"), Kind.HARD),
        (Evidence(advice_code="confirm_card_data", code="authentication_required"), Kind.HARD),
        (Evidence(network_decline_code="14", decline_code="authentication_required"), Kind.HARD),
        (Evidence(decline_code="authentication_required", code="expired_card"), Kind.NEEDS_READER),
        (Evidence(advice_code="try_again_later", code="card_declined"), Kind.SOFT),
        (Evidence(network_advice_code="02", decline_code="something_new"), Kind.SOFT),
        # What is not known is passed over.
        (Evidence(network_advice_code="99", advice_code="do_not_try_again"), Kind.HARD),
        (Evidence(network_advice_code="24", decline_code="insufficient_funds"), Kind.SOFT),
        # Advice to try later never overrules what forbids it.
        (Evidence(advice_code="try_again_later", network_decline_code="41"), Kind.HARD),
        (Evidence(network_advice_code="02", advice_code="do_not_try_again"), Kind.HARD),
        (Evidence(advice_code="try_again_later", decline_code="stolen_card"), Kind.HARD),
        (Evidence(advice_code="try_again_later", code="authentication_required"), Kind.NEEDS_READER),
        # A stop order is the reader's own word, whatever comes with it.
        (Evidence(advice_code="do_not_try_again", network_decline_code="R0"), Kind.STOP_ORDER),
        (Evidence(network_advice_code="21", decline_code="revocation_of_authorization"), Kind.STOP_ORDER),
        (Evidence(network_advice_code="03", code="stop_payment_order"), Kind.STOP_ORDER),
        (Evidence(advice_code="try_again_later", network_decline_code="R3"), Kind.STOP_ORDER),
    ],
)
def test_the_order_of_evidence(evidence: Evidence, kind: Kind) -> None:
    assert kind_of(evidence) is kind


@given(evidences)
def test_what_forbids_is_never_lost(evidence: Evidence) -> None:
    alone = {
        kind_of(Evidence(**{field: getattr(evidence, field)}))
        for field in ("code", "decline_code", "advice_code", "network_advice_code", "network_decline_code")
    }
    together = kind_of(evidence)
    assert together in alone
    if Kind.STOP_ORDER in alone:
        assert together is Kind.STOP_ORDER
    elif alone & {Kind.HARD, Kind.NEEDS_READER}:
        assert together in {Kind.HARD, Kind.NEEDS_READER}
    else:
        assert together is (Kind.SOFT if Kind.SOFT in alone else Kind.UNKNOWN)


def test_the_ladder_on_time() -> None:
    """Days 3, 7 and 14 after the first failure, then the reader, then the end."""
    expected = [(1, 0, 3), (2, 3, 7), (3, 7, 14)]
    for attempts, day, retry in expected:
        assert follow_up(attempts=attempts, day=day) == RetryOn(FAILED_ON + timedelta(days=retry))
    assert follow_up(attempts=4, day=14) == AskReader(Why.ATTEMPTS_USED)
    assert follow_up(attempts=4, day=20) == AskReader(Why.ATTEMPTS_USED)
    assert follow_up(attempts=4, day=21) == GiveUp(Why.GRACE_OVER)


@pytest.mark.parametrize(
    ("attempts", "day", "expected"),
    [
        (1, 2, 3),
        (1, 3, 7),  # the third day was missed: not made up tomorrow, but on the seventh
        (1, 6, 7),
        (1, 7, 14),
        (1, 13, 14),
        (1, 14, None),
        (1, 20, None),
        (2, 1, 7),  # another card was tried in between: that was an attempt too
        (2, 6, 7),
        (2, 7, 14),
        (3, 3, 14),
        (3, 14, None),
    ],
)
def test_the_ladder_late(attempts: int, day: int, expected: int | None) -> None:
    following = (
        AskReader(Why.LADDER_OVER) if expected is None else RetryOn(FAILED_ON + timedelta(days=expected))
    )
    assert follow_up(attempts=attempts, day=day) == following


@pytest.mark.parametrize(
    ("failed_on", "attempts", "today", "retry"),
    [
        (date(2026, 3, 19), 1, date(2026, 3, 19), date(2026, 3, 22)),  # 25th three days off: stays
        (date(2026, 3, 20), 1, date(2026, 3, 20), date(2026, 3, 25)),  # 23rd
        (date(2026, 3, 21), 1, date(2026, 3, 21), date(2026, 3, 25)),  # 24th
        (date(2026, 3, 22), 1, date(2026, 3, 22), date(2026, 3, 25)),
        (date(2026, 3, 26), 1, date(2026, 3, 26), date(2026, 3, 29)),  # within: stays
        (date(2026, 3, 29), 1, date(2026, 3, 29), date(2026, 4, 1)),
        (date(2026, 3, 30), 1, date(2026, 3, 30), date(2026, 4, 1)),  # 2nd
        (date(2026, 3, 31), 1, date(2026, 3, 31), date(2026, 4, 1)),  # 3rd: back by two, still tomorrow
        (date(2026, 4, 1), 1, date(2026, 4, 1), date(2026, 4, 4)),  # 4th: stays
        (date(2026, 3, 16), 2, date(2026, 3, 19), date(2026, 3, 25)),
        (date(2026, 3, 16), 3, date(2026, 3, 25), date(2026, 3, 30)),
        (date(2026, 2, 24), 2, date(2026, 2, 27), date(2026, 3, 1)),  # 3 March
        (date(2026, 2, 24), 2, date(2026, 3, 1), date(2026, 3, 3)),  # the payday is today: the plain day
        (date(2026, 12, 30), 1, date(2026, 12, 30), date(2027, 1, 1)),
    ],
)
def test_a_day_near_payday_moves_to_it(failed_on: date, attempts: int, today: date, retry: date) -> None:
    day = (today - failed_on).days
    assert follow_up(attempts=attempts, day=day, failed_on=failed_on) == RetryOn(retry)


@pytest.mark.parametrize(
    ("evidence", "attempts", "day", "card", "expected"),
    [
        (STOP, 1, 0, 1, GiveUp(Why.STOP_ORDER)),
        (STOP, 4, 21, 8, GiveUp(Why.STOP_ORDER)),
        (HARD, 1, 0, 1, AskReader(Why.OTHER_CARD)),
        (HARD, 1, 20, 1, AskReader(Why.OTHER_CARD)),
        (HARD, 1, 21, 1, GiveUp(Why.GRACE_OVER)),
        (HARD, 4, 14, 8, AskReader(Why.OTHER_CARD)),
        (AUTHENTICATE, 1, 0, 1, AskReader(Why.AUTHENTICATE)),
        (AUTHENTICATE, 2, 20, 9, AskReader(Why.AUTHENTICATE)),
        (AUTHENTICATE, 2, 21, 1, GiveUp(Why.GRACE_OVER)),
        (UNKNOWN, 1, 0, 1, RetryOn(FAILED_ON + timedelta(days=3))),
        (UNKNOWN, 2, 3, 2, AskReader(Why.UNKNOWN)),
        (UNKNOWN, 2, 21, 2, GiveUp(Why.GRACE_OVER)),
        (SOFT, 1, 0, 7, RetryOn(FAILED_ON + timedelta(days=3))),
        (SOFT, 1, 0, 8, AskReader(Why.CARD_LIMIT)),
        (SOFT, 1, 0, 30, AskReader(Why.CARD_LIMIT)),
        (SOFT, 4, 14, 8, AskReader(Why.CARD_LIMIT)),
        (SOFT, 5, 2, 5, AskReader(Why.ATTEMPTS_USED)),
        (SOFT, 1, 21, 1, GiveUp(Why.GRACE_OVER)),
        (SOFT, 1, 400, 0, GiveUp(Why.GRACE_OVER)),
    ],
)
def test_what_comes_first(evidence: Evidence, attempts: int, day: int, card: int, expected: Next) -> None:
    assert follow_up(evidence, attempts=attempts, day=day, card=card) == expected


def test_the_grace_is_twenty_one_days() -> None:
    assert GRACE_DAYS == 21
    assert gives_up_on(date(2026, 3, 16)) == date(2026, 4, 6)


def test_dunning_starts_with_a_refusal() -> None:
    with pytest.raises(NotADecline):
        follow_up(attempts=0)
    with pytest.raises(NotADecline):
        follow_up(day=-1)


def test_days_are_civil() -> None:
    at = datetime(2026, 3, 5, 23, tzinfo=UTC)
    with pytest.raises(NotACivilDate):
        gives_up_on(at)
    with pytest.raises(NotACivilDate):
        after(attempts=1, first_failed_on=FAILED_ON, today=at, evidence=SOFT, card_attempts_30d=1)


@pytest.mark.parametrize(
    ("attempts", "last", "today", "card", "allowed"),
    [
        (1, 0, 3, 1, True),
        (1, 0, 1, 1, True),
        (1, 0, 0, 1, False),  # already once today
        (3, 7, 14, 7, True),
        (4, 7, 14, 7, False),
        (3, 7, 14, 8, False),
        (1, 0, 20, 1, True),
        (1, 0, 21, 1, False),
        (1, 0, 300, 1, False),
    ],
)
def test_a_retry_is_asked_for_again_before_it_is_made(
    attempts: int, last: int, today: int, card: int, allowed: bool
) -> None:
    answer = may_retry(
        attempts=attempts,
        first_failed_on=FAILED_ON,
        last_attempt_on=FAILED_ON + timedelta(days=last),
        today=FAILED_ON + timedelta(days=today),
        card_attempts_30d=card,
    )
    assert answer is allowed
