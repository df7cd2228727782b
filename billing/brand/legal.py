"""Terms, privacy notice and refund policy (ECT-1): each version stays, and the newest is in force."""

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from billing.brand.models import LegalDocument
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid, RefusesToStart
from billing.platform.setting_types import WebAddress
from emails import LegalLink
from emails.languages import Text, say

MOST_CHARACTERS = 60_000
WEB_ADDRESS: TypeAdapter[str] = TypeAdapter(WebAddress)


class DocumentKind(StrEnum):
    """The documents that a shop must show, in the order in which they are shown."""

    TERMS = "terms"
    PRIVACY = "privacy"
    REFUNDS = "refunds"

    @property
    def label(self) -> Text:
        """Its name for readers."""
        return LABELS[self]


LABELS = {
    DocumentKind.TERMS: say("Terms"),
    DocumentKind.PRIVACY: say("Privacy notice"),
    DocumentKind.REFUNDS: say("Refund policy"),
}
ORDER = tuple(DocumentKind)


class BadDocument(Invalid):
    """The document can't be shown like that."""

    code = "bad_document"


class DocumentUnchanged(Invalid):
    """That is the version in force already; nothing was changed."""

    code = "document_unchanged"


def publish(
    ctx: TransactionContext, kind: DocumentKind, *, words: str = "", url: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put a text in Markdown, or the publisher's own page, in force from now on. Returns what was and what is, as JSON values.

    Raises BadDocument, DocumentUnchanged."""
    words, url = _checked_words(words), _checked_url(url)
    if bool(words) == bool(url):
        raise BadDocument("Give a text, or the address of a page.")
    # two versions at once would take one number
    ctx.session.execute(sa.text("LOCK TABLE legal_document IN SHARE ROW EXCLUSIVE MODE"))
    present = next((row for row in in_force(ctx.session) if row.kind == kind), None)
    row = LegalDocument(
        kind=kind.value,
        number=present.number + 1 if present else 1,
        published_at=ctx.at,
        text_hash=hashlib.sha256((words or url).encode()).hexdigest(),
        words=words,
        url=url,
    )
    if present is not None and present.text_hash == row.text_hash:
        raise DocumentUnchanged
    ctx.session.add(row)
    ctx.session.flush()
    return _plain(present) if present else {}, _plain(row)


def in_force(session: Session, at: datetime | None = None) -> list[LegalDocument]:
    """The newest version of each kind, in the order of `DocumentKind`; `at`: the newest at that instant. A kind that was not
    published is missing."""
    newest = (
        select(LegalDocument)
        .ext(distinct_on(col(LegalDocument.kind)))
        .order_by(col(LegalDocument.kind), col(LegalDocument.number).desc())
    )
    if at is not None:
        newest = newest.where(col(LegalDocument.published_at) <= at)
    return sorted(session.exec(newest), key=lambda row: ORDER.index(DocumentKind(row.kind)))


def versions(session: Session, kind: DocumentKind) -> list[LegalDocument]:
    """All versions of a document, the newest first."""
    found = select(LegalDocument).where(LegalDocument.kind == kind.value)
    return list(session.exec(found.order_by(col(LegalDocument.number).desc())))


def missing(session: Session) -> list[DocumentKind]:
    """The documents that were never published."""
    present = {row.kind for row in in_force(session)}
    return [kind for kind in ORDER if kind not in present]


def refuse_missing(session: Session) -> None:
    """Nothing is sold without its terms. Raises RefusesToStart."""
    if lacking := missing(session):
        raise RefusesToStart("; ".join(map(lacks, lacking)))


def lacks(kind: DocumentKind) -> str:
    """What to do about a document that was never published, in words."""
    return (
        f"Not published yet: {kind.label.lower()}, which readers must be given before they order (ECT Act, s43). Use"
        f" `billing legal text {kind} FILE`, or `billing legal page {kind} ADDRESS`"
    )


def shown(documents: Sequence[LegalDocument | LegalLink]) -> str:
    """The versions that a page shows, as its form sends them back: `terms-3.privacy-2.refunds-1`."""
    return ".".join(f"{row.kind}-{row.number}" for row in documents)


def agreed_words(documents: Sequence[LegalDocument]) -> str:
    """What stands beside a consent about these versions, as it is recorded; empty without documents."""
    if not documents:
        return ""
    versions = "; ".join(
        f"{DocumentKind(row.kind).label} version {row.number}, SHA-256 {row.text_hash}" for row in documents
    )
    return f"By agreeing I accept the terms and the refund policy, and was shown the privacy notice. ({versions}.)"


def _checked_words(typed: str) -> str:
    words = typed.replace("\r\n", "\n").strip().removeprefix("\ufeff")
    if len(words) > MOST_CHARACTERS:
        raise BadDocument(f"The text has {len(words)} characters, and may have {MOST_CHARACTERS}.")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Co") for letter in words if letter not in "\n\t"):
        raise BadDocument("The text holds a control character.")
    return words


def _checked_url(typed: str) -> str:
    if not typed:
        return ""
    try:
        url = WEB_ADDRESS.validate_python(typed)
    except ValidationError:
        url = ""
    if not url.startswith("https://"):
        raise BadDocument("The page's address must begin with https:// and be whole.")
    return url


def _plain(row: LegalDocument) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "number": row.number,
        "text_hash": row.text_hash,
        **({"url": row.url} if row.url else {}),
    }
