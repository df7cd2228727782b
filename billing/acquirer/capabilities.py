"""What an acquirer can do, as data: the house reads it, and assumes nothing of any acquirer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from billing.acquirer.answers import SentBefore


class Idempotency(StrEnum):
    """What keeps a request that is sent twice from being done twice."""

    BY_KEY = "by_key"
    """A key beside the request, which the acquirer forgets after a time."""
    BY_REFERENCE = "by_reference"
    """A name of ours on the thing itself, which it never forgets."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one acquirer can do."""

    zero_amount_setup: bool
    """Whether a card is saved without a charge or a hold."""
    closes_pages: bool
    """Whether a hosted page can be closed before its time."""
    idempotency: Idempotency
    key_holds: timedelta
    """For how long the same key is answered as before, where idempotency is by key."""
    refunds_repeatable: bool
    """Whether a refund sent again under its key is made once."""
    dispute_answer_within: timedelta
    """The shortest time in which a bank wants the answer to a dispute."""
    descriptor_length: int
    """Characters that a charge may add to the name on the statement, that name included; 0 where it can't."""
    card_updates: bool
    """Whether it says that a network has replaced a card."""

    def may_resend(self, before: SentBefore, at: datetime) -> bool:
        """Whether a request that may have been sent before is still done once when it is sent at `at`."""
        if self.idempotency is Idempotency.BY_REFERENCE:
            return True
        return not before.key_unusable and at - before.keyed_at < self.key_holds
