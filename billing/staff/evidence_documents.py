"""The documents behind an answer to a dispute: the terms as accepted, the tax invoice, and the correspondence, as text and PDF."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

import emails
from billing.acquirer.evidence_port import EvidenceFile, Texts
from billing.brand import legal
from billing.disputes import draft, evidence
from billing.mail.models import Message
from billing.payments import receipts
from billing.payments.dispute_models import Dispute
from billing.payments.document_text import copies
from billing.payments.models import Payment
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.staff import mails, threads
from billing.staff.models import RequestMessage
from emails import Document, House, Pdf, TextSection

MOST_MAILS = 12
MOST_LETTERS: dict[EvidenceFile, int] = {
    EvidenceFile.CORRESPONDENCE: 16_000,
    EvidenceFile.TERMS: 30_000,
    EvidenceFile.REFUND_POLICY: 12_000,
}
"""Characters of a document. With the tax invoice they make fewer pages than the strictest network takes."""
_LETTERS_A_LINE = 80
Files = tuple[tuple[EvidenceFile, Pdf], ...]


@dataclass(frozen=True, slots=True)
class Documents:
    """All that is printed, read in one transaction. `policies`: terms and refund policy as accepted, by kind."""

    policies: dict[str, str]
    invoice: tuple[Document, ...]
    correspondence: tuple[TextSection, ...]


def collect(ctx: TransactionContext, dispute: Dispute, house: House) -> Documents:
    """Read what the answer is made of: of the charge in dispute, and of what the reader was shown then."""
    session = ctx.session
    payment = session.get_one(Payment, dispute.payment_id)
    paid = receipts.one(session, payment.invoice_id, payment.reader_id) if not payment.duplicate else None
    return Documents(
        policies=policies(session, dispute),
        invoice=tuple(copies(ctx, paid)) if paid else (),
        correspondence=(*_mails(session, dispute, house, ctx.site), *_requests(session, dispute, ctx.site)),
    )


def policies(session: Session, dispute: Dispute) -> dict[str, str]:
    """The terms and the refund policy that the reader accepted before the charge, by kind."""
    agreed = draft.consent_before(dispute.evidence)
    if agreed is None:
        return {}
    shown = legal.in_force(session, draft.instant(agreed["at"]))
    return {
        row.kind: f"Version {row.number}, SHA-256 {row.text_hash}\n{row.words or row.url}" for row in shown
    }


def _mails(session: Session, dispute: Dispute, house: House, site: Site) -> list[TextSection]:
    """The mails about the subscription that were accepted by the reader's mail server before the bank asked, oldest first."""
    found = session.exec(
        select(Message)
        .where(
            Message.reader_id == dispute.reader_id,
            col(Message.kind).in_(evidence.MAIL_KINDS),
            col(Message.accepted_at) <= dispute.seen_at,
            Message.recipient != "",
        )
        .order_by(col(Message.id).desc())
        .limit(MOST_MAILS)
    ).all()
    sections = []
    for row in reversed(found):
        sent = mails.as_sent(row, house, site.languages)
        at = site.moment(row.accepted_at or row.created_at)
        sections.append(TextSection(f"Mail to {row.recipient}, {at}: {sent.subject}", sent.text))
    return sections


def _requests(session: Session, dispute: Dispute, site: Site) -> list[TextSection]:
    """The reader's requests with the answers, oldest first."""
    sections = []
    for request in reversed(threads.of_reader(session, dispute.reader_id, limit=MOST_MAILS)):
        if not request.email_verified:  # anybody may have typed the address
            continue
        lines = [request.words] + [
            f"{_author(message)}, {site.moment(message.at)}:\n{message.words}"
            for message in threads.messages(session, request.id)
        ]
        heading = f"Request of the reader, {site.moment(request.received_at)}"
        sections.append(TextSection(heading, "\n".join(lines)))
    return sections


def _author(message: RequestMessage) -> str:
    """Who wrote it, as the page of the request says."""
    if message.mail_from is not None and not message.mail_from_reader:  # somebody else may have written it
        return "By mail from another address"
    return "The reader" if message.by_reader else "We"


def print_files(documents: Documents, house: House) -> Files:
    """The documents as PDFs; none where the printer isn't installed. Slow: call it with no transaction open."""
    if not emails.can_print():
        return ()
    files: list[tuple[EvidenceFile, Pdf]] = []
    if documents.invoice:
        files.append((EvidenceFile.RECEIPT, emails.print_documents(documents.invoice, house)))
    if documents.correspondence:
        files.append(
            (
                EvidenceFile.CORRESPONDENCE,
                _print(EvidenceFile.CORRESPONDENCE, documents.correspondence, house),
            )
        )
    for name, kind in ((EvidenceFile.TERMS, "terms"), (EvidenceFile.REFUND_POLICY, "refunds")):
        if text := documents.policies.get(kind):
            files.append((name, _print(name, (TextSection("As accepted", text),), house)))
    return tuple(files)


def print_all(dispute: Dispute, texts: Texts, documents: Documents, house: House) -> Pdf:
    """The whole answer as one PDF, for acquirers and people who want a single file; the tax invoice comes last. Slow, as
    `print_files`."""
    sections = [TextSection(name.words, text) for name, text in texts.items() if text]
    return emails.print_text(
        f"dispute-{dispute.gateway_ref}",
        f"Evidence for {dispute.gateway_ref}",
        [*sections, *documents.correspondence],
        house,
        documents.invoice,
    )


def _print(name: EvidenceFile, sections: tuple[TextSection, ...], house: House) -> Pdf:
    return emails.print_text(name.value, name.words, _fit(sections, MOST_LETTERS[name]), house)


def _fit(sections: tuple[TextSection, ...], most: int) -> list[TextSection]:
    """The sections in so many characters, the last ones first; a line counts as a full one."""
    fitting: list[TextSection] = []
    for section in reversed(sections):
        lines, kept = section.text.split("\n"), list[str]()
        for line in lines:
            most -= max(len(line), _LETTERS_A_LINE)
            if most < 0:
                kept.append(draft.SHORTENED.strip())
                break
            kept.append(line)
        fitting.append(TextSection(section.heading, "\n".join(kept)))
        if most < 0:
            break
    return fitting[::-1]
