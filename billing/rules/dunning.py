"""After a declined charge: try again on a day, ask the reader, or give up (RET-1 to RET-6)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

from billing.rules.dunning_steps import AskReader, DunningReason, GiveUp, MovedFor, Next, Retry
from billing.rules.periods import civil

GRACE_DAYS = 21
CHANCE_DAYS = 7
"""Days to pay after a decline that comes after the grace, because we couldn't charge earlier."""
LADDER = (0, 3, 7, 14)  # days after the first failure; the first rung is the charge that failed
MAX_ATTEMPTS = 4
MAX_ATTEMPTS_UNKNOWN = 2
MAX_CARD_ATTEMPTS = 8
CARD_WINDOW_DAYS = 30
PAYDAY_REACH_DAYS = 2
_A_DAY = timedelta(days=1)


class DeclineKind(StrEnum):
    """What a decline means for the next attempt."""

    SOFT = "soft"
    HARD = "hard"
    STOP_ORDER = "stop_order"
    NEEDS_READER = "needs_reader"
    UNKNOWN = "unknown"


class NotADecline(ValueError):
    """Dunning starts with a declined charge: at least one attempt, and no day before it."""


def strictest(readings: Iterable[DeclineKind]) -> DeclineKind:
    """What several codes of one decline mean together, given in the order of their weight (RET-4).

    A stop order anywhere is the reader's own word and wins (RET-2). Then the first code that forbids a
    silent attempt decides: no advice to try later makes a lost card or a network's "never" worth a
    second try (RET-1). Only then does SOFT count. UNKNOWN: no code says anything that we know.
    """
    read = list(readings)
    if DeclineKind.STOP_ORDER in read:
        return DeclineKind.STOP_ORDER
    forbidding = [kind for kind in read if kind is not DeclineKind.SOFT]
    return (forbidding or read or [DeclineKind.UNKNOWN])[0]


def gives_up_on(first_failed_on: date) -> date:
    """The civil day on which the grace is over and the subscription ends; nothing is charged from then on."""
    return civil(first_failed_on) + timedelta(days=GRACE_DAYS)


def with_a_chance(today: date) -> date:
    """The day that counts as the first failure of a decline of `today`, where we couldn't charge during the grace. The reader has
    `CHANCE_DAYS` to pay from today, and no rung of the ladder is left."""
    return civil(today) - timedelta(days=GRACE_DAYS - CHANCE_DAYS)


def after(
    *,
    attempts: int,
    first_failed_on: date,
    today: date,
    kind: DeclineKind,
    card_attempts_30d: int,
    rung_used: bool = True,
) -> Next:
    """What to do `today` after a declined charge. Raises NotADecline for no attempt, or a day before the first failure.

    `attempts`: declined attempts for this invoice. `card_attempts_30d`: attempts of the last 30 days on this card (by
    fingerprint, over all invoices) that were declined or are unanswered (RET-6). Both include the last attempt.
    `rung_used` is False where today's attempt was the reader's own, or none was made. A rung that falls on today is then
    tried tomorrow: it isn't lost, and no second attempt is made today (RET-3). The first of these that applies decides:

    1. a stop order: GiveUp; 2. the grace is over: GiveUp; 3. the card is of no use or the reader is needed: AskReader;
    4. eight such attempts on the card: AskReader; 5. four attempts for the invoice, or two unexplained: AskReader;
    6. the next rung of the ladder: Retry; 7. none left: AskReader.
    """
    if attempts < 1 or civil(today) < civil(first_failed_on):
        raise NotADecline(f"no decline to follow on {today}: {attempts} attempts since {first_failed_on}")
    if kind is DeclineKind.STOP_ORDER:
        return GiveUp(DunningReason.STOP_ORDER)
    if today >= gives_up_on(first_failed_on):
        return GiveUp(DunningReason.GRACE_OVER)
    reason = _no_more(kind, attempts, card_attempts_30d)
    if reason is not None:
        return AskReader(reason)
    step = _next_rung(attempts, first_failed_on, today if rung_used else today - _A_DAY)
    if step is None:
        return AskReader(DunningReason.LADDER_OVER)
    if step.day == today:
        return replace(step, day=today + _A_DAY, moved_for=MovedFor.ONE_A_DAY, moved_days=step.moved_days + 1)
    return step


def may_retry(
    *,
    attempts: int,
    first_failed_on: date,
    last_attempt_on: date,
    today: date,
    card_attempts_30d: int,
) -> bool:
    """Whether a retry planned earlier may still be made `today`: checked right before charging.

    A late run, or another invoice on the same card, may have used the attempts. `last_attempt_on` is the last day on which
    this invoice or its card was charged: one attempt a day (RET-3).
    """
    return (
        attempts < MAX_ATTEMPTS
        and card_attempts_30d < MAX_CARD_ATTEMPTS
        and civil(last_attempt_on) < civil(today) < gives_up_on(first_failed_on)
    )


def is_rung(attempts: int, first_failed_on: date, today: date) -> bool:
    """Whether the ladder's own next attempt, after `attempts` declined ones, falls on `today`."""
    step = _next_rung(attempts, first_failed_on, today - _A_DAY)
    return step is not None and step.day == today


def is_final(kind: DeclineKind | None) -> bool:
    """Whether we never charge a card again after this decline (RET-1, RET-2)."""
    return kind in (DeclineKind.HARD, DeclineKind.STOP_ORDER)


def may_pay_now(*, said: DeclineKind | None, attempts: int, card_attempts_30d: int) -> bool:
    """Whether the reader may have the card on record charged at once. `said` is its last decline for this invoice.

    Not where only another card, or the reader's own confirmation, can help. And the reader's tries leave the attempts that
    the ladder may still need under the card's limit (RET-3, RET-6).
    """
    if said not in (None, DeclineKind.SOFT, DeclineKind.UNKNOWN):
        return False
    return card_attempts_30d + (MAX_ATTEMPTS - min(attempts, MAX_ATTEMPTS)) < MAX_CARD_ATTEMPTS


def _no_more(kind: DeclineKind, attempts: int, card_attempts_30d: int) -> DunningReason | None:
    if kind is DeclineKind.HARD:
        return DunningReason.OTHER_CARD
    if kind is DeclineKind.NEEDS_READER:
        return DunningReason.AUTHENTICATE
    if card_attempts_30d >= MAX_CARD_ATTEMPTS:
        return DunningReason.CARD_LIMIT
    if attempts >= MAX_ATTEMPTS:
        return DunningReason.ATTEMPTS_USED
    if kind is DeclineKind.UNKNOWN and attempts >= MAX_ATTEMPTS_UNKNOWN:
        return DunningReason.UNKNOWN
    return None


def _next_rung(attempts: int, first_failed_on: date, today: date) -> Retry | None:
    """The first rung after `today` that no attempt has used. A rung missed by downtime isn't made up."""
    for rung, after_days in list(enumerate(LADDER, start=1))[attempts:]:
        plain = first_failed_on + timedelta(days=after_days)
        paid = _toward_payday(plain)
        if paid > today and paid != plain:
            return Retry(paid, rung=rung, moved_for=MovedFor.PAYDAY, moved_days=(paid - plain).days)
        if plain > today:  # also where its payday is past: the rung isn't lost for that
            return Retry(plain, rung=rung)
    return None


def _toward_payday(day: date) -> date:
    """`day`, or the nearest payday (25th to the 1st) within two days of it, when salaries are in."""
    # no tie to break: the gap from the 2nd to the 24th is too long for two paydays at one distance
    near = sorted(range(-PAYDAY_REACH_DAYS, PAYDAY_REACH_DAYS + 1), key=abs)
    paydays = (day + timedelta(days=step) for step in near)
    return next((candidate for candidate in paydays if candidate.day >= 25 or candidate.day == 1), day)
