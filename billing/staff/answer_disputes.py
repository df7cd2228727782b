"""Answer disputes: by staff with their words, and by the system where the deadline is near and nobody did."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer.balance_port import DisputeState
from billing.acquirer.evidence_port import EvidenceField, EvidenceFile, Texts
from billing.acquirer.registry import Acquirers
from billing.disputes import answer, draft
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.platform.actors import Worker
from billing.platform.context import TransactionContext
from billing.platform.db import Database, lock_one
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.refunds import refund
from billing.staff import audit
from billing.staff.evidence_documents import Documents, Files, collect, print_files
from emails import House, Pdf

log = logging.getLogger(__name__)
SYSTEM = Worker("answer disputes")
BATCH = 20
NEXT_DUE = "SELECT min(answer_at) FROM dispute WHERE answer_at IS NOT NULL"
"""See `timetable.Job`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The texts of an answer, as kept or as drafted, and what its documents are made of."""

    texts: Texts
    documents: Documents


def prepare(ctx: TransactionContext, acquirers: Acquirers, house: House, dispute: Dispute) -> Prepared:
    """Read all of an answer."""
    documents = collect(ctx, dispute, house)
    return Prepared(texts_of(ctx, acquirers, dispute, documents.policies), documents)


def texts_of(
    ctx: TransactionContext, acquirers: Acquirers, dispute: Dispute, policies: Mapping[str, str]
) -> Texts:
    """The texts, as kept or as drafted, cut to what the acquirer takes."""
    texts = draft.draft(dispute.evidence, policies, ctx.site.zone) | _kept(dispute)
    return draft.fit(texts, acquirers.named(dispute.acquirer).capabilities.evidence)


def _kept(dispute: Dispute) -> Texts:
    """What staff worded. No answer goes without words, so the draft's take the place of emptied ones."""
    kept = {EvidenceField(name): text for name, text in dispute.answer.items()}
    return {name: text for name, text in kept.items() if text or name is not EvidenceField.WORDS}


def intend(
    ctx: TransactionContext,
    acquirers: Acquirers,
    dispute: Dispute,
    texts: Texts,
    files: Sequence[tuple[EvidenceFile, Pdf]],
) -> answer.Intended:
    """Record and audit that an answer is sent. Raises what `answer.intend` does."""
    limits = acquirers.named(dispute.acquirer).capabilities.evidence
    intended = answer.intend(ctx, dispute.reader_id, dispute.id, texts, files, limits)
    words = " ".join(texts[EvidenceField.WORDS].split())
    audit.write(
        ctx,
        "answer_dispute",
        reader_id=dispute.reader_id,
        subject=dispute.id,
        reason=words[: audit.LONGEST_REASON],
        after={"documents": [name.value for name, _ in files]},
    )
    return intended


def answer_due(database: Database, acquirers: Acquirers, site: Site, house: House, at: datetime) -> int:
    """Send the evidence for each dispute whose deadline is near and that nobody of staff answered; how many were sent.

    Whoever sends is claimed by a later `answer_at`: another worker finds nothing, and a crash is made up for in an hour."""
    sent = 0
    for dispute_id in _claim(database, site, at):
        try:
            sent += _answer(database, acquirers, site, house, dispute_id, at)
        except (answer.NothingToAnswer, answer.AnswerUnderWay):
            continue  # somebody of staff came first
        except Unavailable as refusal:
            log.warning("the answer to dispute %s waits: %s", dispute_id, refusal.detail)
        except Exception:
            log.exception("the answer to dispute %s broke; it is tried again in an hour", dispute_id)
    return sent


def _claim(database: Database, site: Site, at: datetime) -> list[str]:
    with database.begin(site, at, SYSTEM) as ctx:
        due = ctx.session.exec(
            select(Dispute)
            .where(col(Dispute.answer_at) <= at, Dispute.state == DisputeState.NEEDS_ANSWER)
            .order_by(col(Dispute.answer_at))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for dispute in due:
            dispute.answer_at = at + answer.TRY_AGAIN_AFTER
        return [dispute.id for dispute in due]


def _answer(
    database: Database, acquirers: Acquirers, site: Site, house: House, dispute_id: str, at: datetime
) -> int:
    with database.begin(site, at, SYSTEM) as ctx:
        dispute = ctx.session.get_one(Dispute, dispute_id)
        if not _is_worth_it(ctx.session, dispute):
            lock_one(ctx.session, Dispute, dispute_id).answer_at = None
            return 0
        prepared = prepare(ctx, acquirers, house, dispute)
        was_sent, ref, acquirer = dispute.sent_at is not None, dispute.gateway_ref, dispute.acquirer
    gateway = acquirers.named(acquirer)
    if was_sent and answer.is_answered(database, gateway, site, ref, at):
        return 0
    files: Files = print_files(prepared.documents, house)
    with database.begin(site, at, SYSTEM) as ctx:
        dispute = ctx.session.get_one(Dispute, dispute_id)
        # staff may have worded it anew while the documents were printed
        intended = intend(ctx, acquirers, dispute, prepared.texts | _kept(dispute), files)
    answer.send(database, gateway, site, intended, at)
    return 1


def _is_worth_it(session: Session, dispute: Dispute) -> bool:
    """Not where all of it went back: the bank's question is answered by that."""
    return refund.not_given(session, session.get_one(Payment, dispute.payment_id)) > 0


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "a dispute is answered with its evidence"
