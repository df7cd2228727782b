"""What editors decide about who may read, audited: opening to everyone in the public interest, and sections' policies."""

from datetime import datetime
from typing import Any

from billing.access import articles, policies, public_windows
from billing.access.models import Article, PublicWindow, Scope, SectionPolicy
from billing.access.policies import AccessTerms
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.staff import audit


class SayWhy(Invalid):
    """Say why it is changed: the audit keeps it."""

    code = "say_why"


def open_to_all(
    ctx: TransactionContext, scope: Scope, subject: str, *, until: datetime, reason: str
) -> PublicWindow:
    """Open a subject to everyone, in the public interest. Raises UnknownArticle, UnknownSection, PastMoment, NoReason."""
    if scope is Scope.ARTICLE:
        articles.article(ctx.session, subject)
    row = public_windows.open_to_all(ctx, scope, subject, until=until, reason=reason)
    after = {"until": until.isoformat(), "opening": row.id}
    audit.write(ctx, "open_to_all", subject=named(scope, subject), reason=row.reason, after=after)
    return row


def close(ctx: TransactionContext, opening_id: str) -> PublicWindow:
    """Close a public window before its time. Raises UnknownPublicWindow, IsClosed."""
    row = public_windows.close(ctx, opening_id)
    audit.write(
        ctx,
        "close_to_all",
        subject=named(row.scope, row.subject),
        before={"until": row.until.isoformat(), "opening": row.id},
        after={"until": ctx.at.isoformat(), "opening": row.id},
    )
    return row


def set_section(ctx: TransactionContext, section: str, terms: AccessTerms) -> SectionPolicy:
    """Set the access terms of a section, for articles without terms of their own. Raises as `policies.set_section`."""
    before = policies.of_section(ctx.session, section)
    row = policies.set_section(ctx, section, terms)
    subject = named(Scope.SECTION, section)
    audit.write(ctx, "section_policy", subject=subject, before=_plain(before), after=_plain(terms))
    return row


def set_article(ctx: TransactionContext, article_id: str, terms: AccessTerms, reason: str) -> Article:
    """Set the access terms of one article, with the reason for the audit. Raises SayWhy, as `articles.set_terms`."""
    if not reason.strip():
        raise SayWhy
    row, before = articles.set_terms(ctx, article_id, terms)
    subject = named(Scope.ARTICLE, article_id)
    audit.write(
        ctx,
        "article_policy",
        subject=subject,
        reason=reason.strip(),
        before=_plain(before),
        after=_plain(terms),
    )
    return row


def named(scope: Scope, subject: str) -> str:
    """A subject in words."""
    return "the whole site" if scope is Scope.SITE else f"{scope.value} {subject}"


def _plain(terms: AccessTerms) -> dict[str, Any]:
    return {
        "access": terms.access.value if terms.access else "nothing said",
        "free_hours": terms.free_hours,
        "open_after_days": terms.open_after_days,
    }
