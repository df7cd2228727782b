"""Answer a bank with the stored evidence and a few words of ours, sent once with no transaction open."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from billing.acquirer.answers import Unknown
from billing.acquirer.balance_port import DisputeState
from billing.acquirer.registry import Acquirers
from billing.disputes.settle import settle_dispute
from billing.payments.dispute_models import Dispute
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Conflict, Invalid, NotFound, Unavailable
from billing.platform.site import Site
from billing.platform.stop_points import stop_point

LONGEST = 20_000
"""Characters that the acquirer takes in one field."""


class UnknownDispute(NotFound):
    """There is no such dispute."""

    code = "unknown_dispute"


class NothingToAnswer(Conflict):
    """The bank takes no answer to this dispute any more."""

    code = "nothing_to_answer"


class NeedsWords(Invalid):
    """Say in a few sentences why the charge was right; the evidence goes with them."""

    code = "needs_words"


class EvidenceNotSent(Unavailable):
    """The answer could not be sent. Nothing is lost: send it again in a moment."""

    code = "not_sent"


@dataclass(frozen=True, slots=True)
class Intended:
    """An answer to be sent. The same answer has the same key, so it reaches the bank once."""

    acquirer: str
    dispute_ref: str
    evidence: dict[str, str]
    key: str


def one(session: Session, reader_id: str, dispute_id: str, *, locked: bool = False) -> Dispute:
    """A dispute of this reader. Raises UnknownDispute, also for another reader's."""
    found = session.get(Dispute, dispute_id, with_for_update=locked)
    if found is None or found.reader_id != reader_id:
        raise UnknownDispute
    return found


def intend(ctx: TransactionContext, reader_id: str, dispute_id: str, words: str) -> Intended:
    """Record that an answer is sent. Raises UnknownDispute, NothingToAnswer, NeedsWords."""
    dispute = one(ctx.session, reader_id, dispute_id, locked=True)
    if dispute.state is not DisputeState.NEEDS_ANSWER:
        raise NothingToAnswer
    if not words.strip():
        raise NeedsWords
    evidence = in_the_acquirers_fields(dispute.evidence, words.strip())
    digest = hashlib.sha256(json.dumps(evidence, sort_keys=True).encode()).hexdigest()[:16]
    dispute.sent_at = ctx.at
    dispute.note_sent_by(ctx.actor)
    return Intended(dispute.acquirer, dispute.gateway_ref, evidence, f"dispute-{dispute.id}-{digest}")


def send(database: Database, acquirers: Acquirers, site: Site, intended: Intended, at: datetime) -> None:
    """Send the answer, then settle the dispute. Raises EvidenceNotSent."""
    stop_point("evidence.intended")
    gateway = acquirers.named(intended.acquirer)
    answer = gateway.books.send_evidence(intended.dispute_ref, intended.evidence, key=intended.key)
    stop_point("evidence.answered")
    if isinstance(answer, Unknown):
        raise EvidenceNotSent(f"The answer could not be sent: {answer.reason}")
    settle_dispute(database, gateway, site, intended.dispute_ref, at)


def in_the_acquirers_fields(evidence: dict[str, Any], words: str) -> dict[str, str]:
    """The evidence in the fields that a bank reads; empty fields are left out."""
    charge, consents = evidence["charge"], evidence["consents"]
    fields = {
        "customer_email_address": evidence["email"],
        "customer_purchase_ip": consents[0]["from"] if consents else "",
        "product_description": f"{charge['description']}, {charge['period']}. Digital, read online.",
        "service_date": str(charge["paid"])[:10],
        "access_activity_log": _lines(evidence["sign-ins"]) + _lines(evidence["reading"]),
        "cancellation_policy_disclosure": "Agreed to before the first charge:\n" + _lines(consents)
        + "\nMails with the amount, the date and a link that cancels:\n" + _lines(evidence["mails"]),
        "uncategorized_text": words,
    }  # fmt: skip
    return {name: text[:LONGEST] for name, text in fields.items() if text}


def _lines(rows: list[dict[str, Any]]) -> str:
    lines = ("; ".join(f"{name}: {value}" for name, value in row.items() if value) for row in rows)
    return "".join(f"{line}\n" for line in lines)
