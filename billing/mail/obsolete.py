"""When a mail that waits to be sent becomes untrue: one line a kind, as SQL over what the mail is about.

It is asked in the transaction that changes what a mail says (`take_back`), once more right before the mail is sent (`deliver`),
and each night by the doctor. Tables of other rooms stand here as text, as in `reports/promises`; no code of theirs is called."""

# ruff: noqa: S608 - the queries are put together from the constants of this file alone

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

ALWAYS = "true"
"""Documents, and facts that nothing changes afterwards."""
_GOES_ON = "s.state <> 'ended' AND s.cancel_asked_at IS NULL"
_CARD = """EXISTS (SELECT FROM payment_method c WHERE c.id = s.payment_method_id
                   AND c.brand = m.fields->>'card_brand' AND c.last4 = m.fields->>'card_last4')"""
_NEXT_CHARGE_ON = """CASE WHEN s.state = 'trialing' THEN s.charge_on
                          WHEN s.state = 'paused' OR s.state = 'active' AND s.resumes_on > s.period_end_on THEN s.resumes_on
                          WHEN s.state = 'active' THEN greatest(coalesce(s.period_end_on, s.charge_on), s.held_until)
                          ELSE s.retry_on END"""
"""As `subscriptions/schedule.next_charge`."""


def _subscription(*conditions: str) -> str:
    """While the subscription is so."""
    return f"EXISTS (SELECT FROM subscription s WHERE s.id = m.about AND {' AND '.join(conditions)})"


def _day(field: str) -> str:
    return f"CAST(m.fields->>'{field}' AS date)"


def _charge(day: str, *more: str) -> str:
    """While the charge that the mail announces is the next one: its day stands in the field `day`, its amount in `amount`. What
    follows a paid year before anything is announced is known by the price list alone, so any amount holds there."""
    amount = f"""CASE WHEN s.next_terms_on <= {_day(day)} THEN (SELECT p.amount FROM price p WHERE p.id = s.next_price_id)
                      WHEN s.term AND s.period_end_on IS NOT NULL THEN CAST(m.fields->>'amount' AS integer)
                      ELSE (SELECT p.amount FROM price p WHERE p.id = s.price_id) END"""
    announced = f"{_NEXT_CHARGE_ON} = {_day(day)} AND {amount} = CAST(m.fields->>'amount' AS integer)"
    return _subscription(_GOES_ON, announced, *more)


TRUE_WHILE = {
    # documents: what they say was so on their day, and the reader is owed them
    "receipt": ALWAYS,
    "refunded": ALWAYS,
    "cancelled": ALWAYS,
    "withdrawn": ALWAYS,
    "term_left": ALWAYS,
    # answers, and what happened once
    "request_answered": ALWAYS,
    "signed_in_elsewhere": ALWAYS,
    "codes_locked": ALWAYS,
    "address_changed": ALWAYS,
    "card_changed": ALWAYS,
    "admin_added": ALWAYS,
    "money_key_made": ALWAYS,
    "approval_asked": "EXISTS (SELECT FROM approval a WHERE a.id = m.about AND a.state = 'waiting')",
    "paid_back": ALWAYS,
    "complimentary": ALWAYS,
    # links, until they are used; a newer one of the same browser spends the older (`readers/links`)
    "sign_in_link": """EXISTS (SELECT FROM sign_in_link l WHERE l.id = m.about AND l.used_at IS NULL)
                       OR EXISTS (SELECT FROM staff_link l JOIN staff_member w ON w.id = l.staff_id
                                  WHERE l.id = m.about AND l.used_at IS NULL AND w.disabled_at IS NULL)""",
    "confirm_signup": "EXISTS (SELECT FROM signup u WHERE u.ask_id = m.about)",
    # a charge to come: its day, its amount, its card
    "trial_started": _charge("first_charge_on", "s.state = 'trialing'"),
    "trial_notice": _charge("charge_on", "s.state = 'trialing'", _CARD),
    "term_reminder": _charge("charge_on", "s.term", _CARD),
    "pause_ends": _charge("charge_on", "s.state = 'paused'", _CARD),
    "card_removed": _charge("charge_on", _CARD),
    "charge_held": _charge("charge_on"),
    "card_expiring": _charge("charge_on", f"s.card_expires_on = {_day('expires_on')}", _CARD),
    "resumed": _charge("next_charge_on"),
    "more_days": _charge("next_charge_on"),
    "goes_on": _charge("next_charge_on"),
    "paused": _charge("resumes_on"),
    "plan_switched": _charge("from_on", "s.next_terms_because = 'switch'"),
    # what begins with a day to come
    "price_notice": _subscription(
        _GOES_ON, "s.next_terms_because = 'price'", f"s.next_terms_on = {_day('from_on')}"
    ),
    "term_notice": _subscription(_GOES_ON, "s.term", f"s.period_end_on = {_day('next_on')}"),
    # what waits for an answer
    "cancel_requested": _subscription(_GOES_ON, "s.cancel_request_at IS NOT NULL"),
    "confirm_request": "EXISTS (SELECT FROM reader_request q WHERE q.id = m.about AND q.closed_at IS NULL AND NOT q.proved)",
    "refund_failed": "EXISTS (SELECT FROM refund r WHERE r.id = m.about AND r.state = 'failed' AND r.paid_back_at IS NULL)",
    # what went wrong, while it isn't right again
    "payment_failed": _subscription(_GOES_ON, "s.state = 'past_due'", _CARD),
    "disputed": _subscription("(s.cancel_asked_at IS NOT NULL OR s.state = 'ended')"),
    "ended": """NOT EXISTS (SELECT FROM subscription s JOIN subscription o ON o.reader_id = s.reader_id
                            WHERE s.id = m.about AND o.state <> 'ended')""",
}
"""Each kind of mail, with the condition under which the mail `m` is true."""
ONLY_NEWEST = ("payment_failed", "disputed", "complimentary")
"""Kinds of which a newer one about the same takes the place of those that still wait."""
HOLDS = f"""(m.about IS NULL OR CASE m.kind
             {" ".join(f"WHEN '{kind}' THEN ({condition})" for kind, condition in TRUE_WHILE.items())} END)"""
"""Whether the mail `m` is still true. One from before `about` was written is taken for true."""

_TAKE_BACK = sa.text(
    f"""UPDATE message m SET state = 'obsolete', claimed_by = NULL
        WHERE m.state = 'queued' AND m.about = ANY(CAST(:about AS text[])) AND NOT {HOLDS}
        RETURNING m.about, m.kind, m.fields->>'which'"""
)
_REPLACE = sa.text(
    """UPDATE message m SET state = 'obsolete', claimed_by = NULL FROM message n
       WHERE n.id = ANY(CAST(:newer AS text[])) AND m.state = 'queued' AND m.about = n.about AND m.kind = n.kind AND m.id <> n.id"""
)
_FREE_KEYS = sa.text(
    "UPDATE message SET key = key || '~' || id WHERE key = ANY(CAST(:keys AS text[])) AND state = 'obsolete'"
)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A mail that isn't sent: what it was about, its kind, and which notice of two it was."""

    about: str
    kind: str
    which: str | None


def take_back(session: Session, about: Collection[str]) -> list[TakenBack]:
    """Send none of the waiting mails about these any more that what the session has changed makes untrue. One in a worker's
    hands may be on the wire already: if the relay takes it, it counts as accepted."""
    if not about:
        return []
    session.flush()
    return [TakenBack(*row) for row in session.execute(_TAKE_BACK, {"about": list(about)})]


def replace_older(session: Session, newer: Collection[str]) -> None:
    """Let these mails, just written and `ONLY_NEWEST`, take the place of those that wait."""
    if newer:
        session.execute(_REPLACE, {"newer": list(newer)})


def free_keys(session: Session, keys: Collection[str]) -> None:
    """Let a fact whose mail was taken back be told again under its own key."""
    if keys:
        session.execute(_FREE_KEYS, {"keys": list(keys)})
