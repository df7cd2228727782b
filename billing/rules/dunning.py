"""After a refused charge: try again on a day, ask the reader, or give up (RET-1 to RET-6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.rules.instants import civil

GRACE_DAYS = 21
CHANCE_DAYS = 7
"""Days that a reader has to pay after a refusal that comes after the grace, because we could not charge before."""
LADDER = (0, 3, 7, 14)  # days after the first failure; rung 0 is the charge that failed
MAX_ATTEMPTS = 4
MAX_ATTEMPTS_UNKNOWN = 2
MAX_CARD_ATTEMPTS = 8
CARD_WINDOW_DAYS = 30
PAYDAY_REACH_DAYS = 2
_A_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a refusal means for the next attempt."""

    SOFT = "soft"
    HARD = "hard"
    STOP_ORDER = "stop_order"
    NEEDS_READER = "needs_reader"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why there is no further silent attempt. For staff and the history, never for the reader (RET-5)."""

    OTHER_CARD = "other_card"
    AUTHENTICATE = "authenticate"
    CARD_LIMIT = "card_limit"
    ATTEMPTS_USED = "attempts_used"
    UNKNOWN = "unknown"
    LADDER_OVER = "ladder_over"
    STOP_ORDER = "stop_order"
    GRACE_OVER = "grace_over"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gateway and the card network said about a refusal: the codes as they wrote them, and whether the card is gone."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    card_gone: bool = False
    """Whether the card has left the gateway's vault, so that no bank can be asked."""


@dataclass(frozen=True, slots=True)
class RetryOn:
    """Charge again on the civil day `day`."""

    day: date


@dataclass(frozen=True, slots=True)
class AskReader:
    """No silent attempt any more: mail the reader a way to pay; reading goes on until the grace is over."""

    why: Why


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The subscription ends."""

    why: Why


Next = RetryOn | AskReader | GiveUp


class NotADecline(ValueError):
    """Dunning starts with a refused charge: at least one attempt, and no day before it."""


def _all(kind: Kind, *codes: str) -> dict[str, Kind]:
    return dict.fromkeys(codes, kind)


# Mastercard's advice. 01 says that the card's details are out of date: the same ones would fail again,
# so it asks for a card as 03 and 21 do; where the network updates the card, the new one is tried at once.
_NETWORK_ADVICE = _all(Kind.HARD, "01", "03", "21") | _all(Kind.SOFT, "02")
_ADVICE = {
    "do_not_try_again": Kind.HARD,
    "confirm_card_data": Kind.HARD,
    "try_again_later": Kind.SOFT,
}
# Visa's category 1 (57 since 25 October 2026) and its stop orders. Other networks use the same numbers alike.
_NETWORK_DECLINE = _all(Kind.HARD, "04", "07", "12", "14", "15", "41", "43", "46", "57") | _all(
    Kind.STOP_ORDER, "R0", "R1", "R3"
)
_DECLINE = (
    _all(Kind.STOP_ORDER, "revocation_of_authorization", "revocation_of_all_authorizations")
    | _all(Kind.STOP_ORDER, "stop_payment_order")
    | _all(Kind.NEEDS_READER, "authentication_required", "authentication_not_handled")
    | _all(Kind.HARD, "lost_card", "stolen_card", "pickup_card", "expired_card", "fraudulent")
    | _all(Kind.HARD, "invalid_account", "account_closed", "incorrect_number", "invalid_number")
    | _all(Kind.HARD, "incorrect_cvc", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year")
    | _all(Kind.HARD, "restricted_card", "card_not_supported", "currency_not_supported")
    | _all(Kind.HARD, "new_account_information_available", "do_not_try_again", "merchant_blacklist")
    | _all(Kind.HARD, "previously_declined_do_not_retry")  # Stripe itself didn't ask the network again
    | _all(Kind.SOFT, "insufficient_funds", "generic_decline", "do_not_honor", "call_issuer")
    | _all(Kind.SOFT, "processing_error", "issuer_not_available", "try_again_later", "reenter_transaction")
    | _all(Kind.SOFT, "card_velocity_exceeded", "withdrawal_count_limit_exceeded", "approve_with_id")
)


def kind_of(evidence: Evidence) -> Kind:
    """What the evidence means, read from the network's advice down to the bare code (RET-4).

    A stop order anywhere is the reader's own word and wins (RET-2). Then the first field that forbids a
    silent attempt decides: no advice to try later makes a lost card or a network's "never" worth a
    second try (RET-1). Only then does SOFT count. UNKNOWN: no field says anything that we know.
    A card that is gone can only be replaced: HARD.
    """
    if evidence.card_gone:
        return Kind.HARD
    read = _readings(evidence)
    if Kind.STOP_ORDER in read:
        return Kind.STOP_ORDER
    forbidding = [kind for kind in read if kind is not Kind.SOFT]
    return (forbidding or read or [Kind.UNKNOWN])[0]


def _readings(evidence: Evidence) -> list[Kind]:
    ordered: list[tuple[str | None, Mapping[str, Kind]]] = [
        (evidence.network_advice_code, _NETWORK_ADVICE),
        (evidence.advice_code, _ADVICE),
        (evidence.network_decline_code, _NETWORK_DECLINE),
        (evidence.decline_code, _DECLINE),
        (evidence.code, _DECLINE),
    ]
    return [table[said] for said, table in ordered if said is not None and said in table]


def gives_up_on(first_failed_on: date) -> date:
    """The civil day on which the grace is over and the subscription ends; nothing is charged from then on."""
    return civil(first_failed_on) + timedelta(days=GRACE_DAYS)


def with_a_chance(today: date) -> date:
    """As which day's failure one of `today` counts, where the grace is over because we could not charge meanwhile: the reader
    has `CHANCE_DAYS` to pay from now on, and no rung of the ladder is left."""
    return civil(today) - timedelta(days=GRACE_DAYS - CHANCE_DAYS)


def after(
    *,
    attempts: int,
    first_failed_on: date,
    today: date,
    evidence: Evidence,
    card_attempts_30d: int,
    rung_used: bool = True,
) -> Next:
    """What to do after a refused charge; asked again later with the same facts it answers for `today`.

    `attempts`: refused attempts for this invoice, the last one included. `card_attempts_30d`: attempts
    on this card (by fingerprint, over all invoices) in the last 30 days that were refused or are unanswered, the last one
    included (RET-6).
    `rung_used` is False where today's attempt was the reader's own, or none was made: a rung that falls on
    today is then climbed tomorrow, for it is neither burned nor a second attempt of the day (RET-3).
    The first of these that applies decides:

    1. a stop order: GiveUp; 2. the grace is over: GiveUp; 3. the card is of no use or the reader is
    needed: AskReader; 4. eight such attempts on the card: AskReader; 5. four attempts for the invoice, or two
    that nobody explains: AskReader; 6. the next rung of the ladder: RetryOn; 7. none left: AskReader.

    Raises NotADecline for fewer than one attempt or a day before the first failure.
    """
    if attempts < 1 or civil(today) < civil(first_failed_on):
        raise NotADecline(
            f"{attempts} attempts since {first_failed_on} is no refusal to follow up on {today}"
        )
    kind = kind_of(evidence)
    if kind is Kind.STOP_ORDER:
        return GiveUp(Why.STOP_ORDER)
    if today >= gives_up_on(first_failed_on):
        return GiveUp(Why.GRACE_OVER)
    why = _no_more(kind, attempts, card_attempts_30d)
    if why is not None:
        return AskReader(why)
    day = _next_rung(attempts, first_failed_on, today if rung_used else today - _A_DAY)
    if day == today:
        day += _A_DAY
    return AskReader(Why.LADDER_OVER) if day is None else RetryOn(day)


def may_retry(
    *,
    attempts: int,
    first_failed_on: date,
    last_attempt_on: date,
    today: date,
    card_attempts_30d: int,
) -> bool:
    """Whether a retry decided earlier may still be made `today`: asked right before charging.

    A late tick or another invoice on the same card may have used up what there was. `last_attempt_on`
    is the last day on which this invoice or its card was charged: one attempt a day (RET-3).
    """
    return (
        attempts < MAX_ATTEMPTS
        and card_attempts_30d < MAX_CARD_ATTEMPTS
        and civil(last_attempt_on) < civil(today) < gives_up_on(first_failed_on)
    )


def is_rung(attempts: int, first_failed_on: date, today: date) -> bool:
    """Whether the ladder's own next attempt, after `attempts` refused ones, falls on `today`."""
    return _next_rung(attempts, first_failed_on, today - _A_DAY) == today


def is_final(evidence: Evidence | None) -> bool:
    """Whether a card that said this is never asked again by us (RET-1, RET-2)."""
    return evidence is not None and kind_of(evidence) in (Kind.HARD, Kind.STOP_ORDER)


def may_pay_now(*, evidence: Evidence | None, attempts: int, card_attempts_30d: int) -> bool:
    """Whether the reader may have the card on record charged at once, `evidence` being what it said last about this invoice.

    Not where only another card or the reader's own confirmation can help. And a reader's tries leave the card the
    attempts that the ladder may still need under the card's limit, so that they never cost one of ours (RET-3, RET-6).
    """
    if evidence is not None and kind_of(evidence) not in (Kind.SOFT, Kind.UNKNOWN):
        return False
    return card_attempts_30d + (MAX_ATTEMPTS - min(attempts, MAX_ATTEMPTS)) < MAX_CARD_ATTEMPTS


def _no_more(kind: Kind, attempts: int, card_attempts_30d: int) -> Why | None:
    if kind is Kind.HARD:
        return Why.OTHER_CARD
    if kind is Kind.NEEDS_READER:
        return Why.AUTHENTICATE
    if card_attempts_30d >= MAX_CARD_ATTEMPTS:
        return Why.CARD_LIMIT
    if attempts >= MAX_ATTEMPTS:
        return Why.ATTEMPTS_USED
    if kind is Kind.UNKNOWN and attempts >= MAX_ATTEMPTS_UNKNOWN:
        return Why.UNKNOWN
    return None


def _next_rung(attempts: int, first_failed_on: date, today: date) -> date | None:
    """The first rung after `today` that no attempt has used: one missed by downtime is not made up."""
    for rung in LADDER[attempts:]:
        plain = first_failed_on + timedelta(days=rung)
        days = [day for day in (_toward_payday(plain), plain) if day > today]
        if days:
            return days[0]
    return None


def _toward_payday(day: date) -> date:
    """`day`, or the nearest payday (25th to the 1st) within two days of it, when salaries are in.

    There is no tie to break: from the 2nd to the 24th is too long for two paydays to be as near.
    """
    near = sorted(range(-PAYDAY_REACH_DAYS, PAYDAY_REACH_DAYS + 1), key=abs)
    paydays = (day + timedelta(days=step) for step in near)
    return next((candidate for candidate in paydays if candidate.day >= 25 or candidate.day == 1), day)
