"""Answer a bank with texts and documents, sent once with no transaction open."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from billing.acquirer.answers import NoSuchObject, Unknown
from billing.acquirer.balance_port import DisputeState
from billing.acquirer.evidence_port import EvidenceField, EvidenceFile, EvidenceLimits, FileRefs, Texts
from billing.acquirer.port import Gateway
from billing.disputes.settle import settle_dispute
from billing.payments.dispute_models import Dispute
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database, lock_one
from billing.platform.errors import Conflict, Invalid, NotFound, Unavailable
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from emails import Pdf

SENDING = timedelta(minutes=1)
"""For so long nobody sends another answer: the first may still be under way."""
TRY_AGAIN_AFTER = timedelta(hours=1)
WITHOUT_FILES = timedelta(days=1)
"""So long before the deadline an answer goes without a document that could not be uploaded."""


class UnknownDispute(NotFound):
    """There is no such dispute."""

    code = "unknown_dispute"


class NothingToAnswer(Conflict):
    """The bank takes no answer to this dispute any more."""

    code = "nothing_to_answer"


class AnswerUnderWay(Conflict):
    """An answer is being sent just now. Look again in a minute."""

    code = "answer_under_way"


class NeedsWords(Invalid):
    """Say in a few sentences why the charge was right; the evidence goes with them."""

    code = "needs_words"


class AnswerTooLong(Invalid):
    """A part of the answer is longer than the bank takes."""

    code = "answer_too_long"


class EvidenceNotSent(Unavailable):
    """The answer could not be sent. Nothing is lost: send it again in a moment."""

    code = "not_sent"


@dataclass(frozen=True, slots=True)
class Intended:
    """An answer to be sent, with documents that are uploaded first. `stored`: those that were uploaded before."""

    dispute_id: str
    acquirer: str
    dispute_ref: str
    texts: Texts
    files: tuple[tuple[EvidenceFile, Pdf], ...]
    stored: FileRefs
    answer_by: datetime | None
    at: datetime

    def key(self, refs: FileRefs) -> str:
        """The key of this try, for the library's own repeats. Another try has another, as an acquirer may repeat its own errors under a
        key; the bank takes one answer all the same, and each try asks first whether it has one."""
        said = [self.texts, refs, self.at.isoformat()]
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        return f"dispute-{self.dispute_id}-{digest}"


def one(session: Session, reader_id: str, dispute_id: str) -> Dispute:
    """A dispute of this reader. Raises UnknownDispute, also for another reader's."""
    found = session.get(Dispute, dispute_id)
    if found is None or found.reader_id != reader_id:
        raise UnknownDispute
    return found


def check(texts: Texts, limits: EvidenceLimits) -> None:
    """Raises NeedsWords, AnswerTooLong."""
    if not texts.get(EvidenceField.WORDS, "").strip():
        raise NeedsWords
    for name, text in texts.items():
        if len(text) > limits.text:
            raise AnswerTooLong(
                f"“{name.words}” has {len(text)} characters, and the bank takes {limits.text}. Shorten it."
            )
    if (total := sum(map(len, texts.values()))) > limits.all_texts:
        raise AnswerTooLong(
            f"The answer has {total} characters in all, and the bank takes {limits.all_texts}. Shorten it."
        )


def save(ctx: TransactionContext, reader_id: str, dispute_id: str, texts: Texts) -> None:
    """Keep the texts for later; the system sends these, should nobody do. Raises UnknownDispute, NothingToAnswer."""
    dispute = _lock(ctx, reader_id, dispute_id)
    dispute.answer = {name.value: text for name, text in texts.items()}


def intend(
    ctx: TransactionContext,
    reader_id: str,
    dispute_id: str,
    texts: Texts,
    files: Sequence[tuple[EvidenceFile, Pdf]],
    limits: EvidenceLimits,
) -> Intended:
    """Record that an answer is sent, and when it is tried again should we fail. Raises UnknownDispute, NothingToAnswer,
    AnswerUnderWay, NeedsWords, AnswerTooLong."""
    dispute = _lock(ctx, reader_id, dispute_id)
    if dispute.sent_at is not None and ctx.at - dispute.sent_at < SENDING:
        raise AnswerUnderWay
    check(texts, limits)
    dispute.answer = {name.value: text for name, text in texts.items()}
    dispute.sent_at, dispute.answer_at = ctx.at, ctx.at + TRY_AGAIN_AFTER
    dispute.note_sent_by(ctx.actor)
    fitting = _fitting(files, limits)
    wanted = {name for name, _ in fitting}
    stored = {EvidenceFile(name): ref for name, ref in dispute.answer_files.items()}
    return Intended(
        dispute_id=dispute.id,
        acquirer=dispute.acquirer,
        dispute_ref=dispute.gateway_ref,
        texts=texts,
        files=fitting,
        stored={name: ref for name, ref in stored.items() if name in wanted},
        answer_by=dispute.answer_by,
        at=ctx.at,
    )


def _fitting(
    files: Sequence[tuple[EvidenceFile, Pdf]], limits: EvidenceLimits
) -> tuple[tuple[EvidenceFile, Pdf], ...]:
    """The documents that fit together, the first ones first: one too many would make the acquirer refuse the whole answer."""
    left, fitting = limits.file_bytes, list[tuple[EvidenceFile, Pdf]]()
    for name, pdf in files:
        if len(pdf.content) <= left:
            fitting.append((name, pdf))
            left -= len(pdf.content)
    return tuple(fitting)


def _lock(ctx: TransactionContext, reader_id: str, dispute_id: str) -> Dispute:
    """Lock a dispute of this reader that waits for our answer. Raises UnknownDispute, NothingToAnswer."""
    one(ctx.session, reader_id, dispute_id)
    dispute = lock_one(ctx.session, Dispute, dispute_id)
    if dispute.state is not DisputeState.NEEDS_ANSWER:
        raise NothingToAnswer
    return dispute


def send(database: Database, gateway: Gateway, site: Site, intended: Intended, at: datetime) -> None:
    """Upload the documents, send the answer, then settle the dispute. Raises EvidenceNotSent.

    Where the acquirer refuses, the bank may have an answer already: then there is nothing to raise."""
    stop_point("evidence.intended")
    refs = _upload(database, gateway, site, intended, at)
    answer = gateway.books.send_evidence(intended.dispute_ref, intended.texts, refs, key=intended.key(refs))
    stop_point("evidence.answered")
    if isinstance(answer, Unknown | NoSuchObject):
        if is_answered(database, gateway, site, intended.dispute_ref, at):
            return
        raise EvidenceNotSent(f"The answer could not be sent: {answer.reason}")
    settle_dispute(database, gateway, site, intended.dispute_ref, at)


def is_answered(database: Database, gateway: Gateway, site: Site, dispute_ref: str, at: datetime) -> bool:
    """Whether the bank has an answer, by the acquirer's books now; False where they can't be asked."""
    with suppress(Unavailable):
        state = settle_dispute(database, gateway, site, dispute_ref, at)
        return isinstance(state, DisputeState) and state is not DisputeState.NEEDS_ANSWER
    return False


def _upload(database: Database, gateway: Gateway, site: Site, intended: Intended, at: datetime) -> FileRefs:
    """The references of all documents. They are stored before the answer goes, so that a second try sends the same ones."""
    refs: FileRefs = dict(intended.stored)
    for name, pdf in intended.files:
        if name in refs:
            continue
        ref = gateway.books.upload_evidence(name, pdf.content)
        if not isinstance(ref, Unknown):
            refs[name] = ref
        elif intended.answer_by is None or intended.answer_by - at > WITHOUT_FILES:
            raise EvidenceNotSent(f"“{name.words}” could not be uploaded: {ref.reason}")
    if refs != intended.stored:
        with database.begin(site, at, WORKER) as ctx:
            dispute = lock_one(ctx.session, Dispute, intended.dispute_id)
            dispute.answer_files = {name.value: ref for name, ref in refs.items()}
    return refs
