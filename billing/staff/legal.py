"""New versions of legal documents, with their reason in the audit."""

from typing import Any

from billing.brand import legal
from billing.brand.legal import DocumentKind
from billing.platform.context import TransactionContext
from billing.staff import audit

ACT = "legal"


def publish(
    ctx: TransactionContext, kind: DocumentKind, *, reason: str, words: str = "", url: str = ""
) -> dict[str, Any]:
    """Put a text, or the publisher's own page, in force from now on. Returns it. Raises NeedsReason, BadDocument, DocumentUnchanged."""
    return audit.reasoned(
        ctx, ACT, reason, lambda: legal.publish(ctx, kind, words=words, url=url), subject=kind.value
    )
