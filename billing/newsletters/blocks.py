"""Newsletters that an address isn't sent because it is suppressed: since when, why, and whether a confirmation mail lifts it (B6)."""

from collections.abc import Iterable

from sqlmodel import Session

from billing.mail import suppressions
from billing.mail.suppression_models import Suppression, SuppressionReason
from billing.newsletters.lists import scopes
from billing.platform.tokens import Tokens
from emails.languages import say

WHY = {
    SuppressionReason.COMPLAINT: say("a mail of ours to this address was reported as unwanted"),
    SuppressionReason.HARD_BOUNCE: say("our mail to this address came back"),
    SuppressionReason.SOFT_BOUNCES: say("our mail to this address came back several times"),
    SuppressionReason.REGISTER: say("this address is on the national opt-out list"),
    SuppressionReason.DECEASED: say("our staff recorded that its reader has died"),
    SuppressionReason.STAFF: say("our staff stopped mail to this address"),
}
"""Each reason in words, to follow "because"."""


def blocks(
    session: Session, tokens: Tokens, address: str, newsletter_ids: Iterable[str]
) -> dict[str, Suppression]:
    """The suppression that blocks each of these newsletters to the address, by newsletter; the oldest, but first of all staff's."""
    standing = suppressions.standing(session, tokens, address)
    standing.sort(key=lambda row: not is_final(row))
    found = {}
    for newsletter_id in newsletter_ids if standing else ():
        block = next((row for row in standing if row.scope in scopes(newsletter_id)), None)
        if block is not None:
            found[newsletter_id] = block
    return found


def is_final(block: Suppression) -> bool:
    """Whether only staff can lift it: no mail goes out that could ask."""
    return block.scope == suppressions.ALL
