"""What an acquirer can do, as data. Callers read it and assume nothing of any acquirer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from billing.acquirer.answers import SentBefore
from billing.acquirer.balance_port import DisputeAnswer, DisputeState
from billing.acquirer.evidence_port import EvidenceLimits


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
    """Whether a card is saved without a charge or a hold. Trials begin so, hence new cards go only to such an acquirer."""
    closes_pages: bool
    """Whether a hosted page can be closed before its time."""
    idempotency: Idempotency
    key_holds: timedelta
    """For how long the same key is answered as before, where idempotency is by key."""
    refunds_repeatable: bool
    """Whether a refund sent again under its key is made once."""
    dispute_answer_within: timedelta
    """The shortest time in which a bank wants the answer to a dispute, where the dispute names no day."""
    evidence: EvidenceLimits
    """How much an answer to a dispute may hold."""
    descriptor_length: int
    """Characters of a name on the statement, the account's own prefix included; 0 where a charge can add nothing to it. Only what is
    added is measured against it: the prefix is the account's."""
    card_updates: bool
    """Whether a webhook says that a network has replaced a card. Else cards that end soon are fetched each morning."""

    def may_resend(self, before: SentBefore, at: datetime) -> bool:
        """Whether a request that may have been sent before is still done once when it is sent at `at`."""
        if self.idempotency is Idempotency.BY_REFERENCE:
            return True
        return not before.key_unusable and at - before.keyed_at < self.key_holds

    def answer_by(self, dispute: DisputeAnswer) -> datetime | None:
        """Until when a dispute is to be answered; None once it needs no answer and names no day."""
        if dispute.answer_by is not None or dispute.state is not DisputeState.NEEDS_ANSWER:
            return dispute.answer_by
        return dispute.opened_at + self.dispute_answer_within

    def descriptor(self, suffix: str | None) -> str | None:
        """What a charge adds to the name on the statement, where that fits."""
        return suffix if suffix is not None and len(suffix) <= self.descriptor_length else None
