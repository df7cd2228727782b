"""What editors decide about who may read, audited: opening to everyone in the public interest, and the terms of sections and
articles. What concerns all readers is changed with a reason; the publisher's own programs give none."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from billing.access import articles, policies, public_windows
from billing.access.models import PublicWindow, Scope
from billing.access.policies import AccessTerms
from billing.platform.context import TransactionContext
from billing.staff import audit
from billing.staff.audit import Change

ACT = "section_policy"
"""The act of both ways to change a section's terms."""


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


def set_section(ctx: TransactionContext, section: str, terms: AccessTerms, *, reason: str) -> None:
    """Set the access terms of a section, for articles without terms of their own. Raises NeedsReason, UnknownSection, and as
    `policies.set_section`."""

    def do() -> Change:
        if section not in section_names(ctx.session):
            raise public_windows.UnknownSection
        return _change_section(ctx, section, terms)

    audit.reasoned(ctx, ACT, reason, do, subject=named(Scope.SECTION, section))


def set_section_by_program(ctx: TransactionContext, section: str, terms: AccessTerms) -> None:
    """The same by a program of the publisher's, without a reason, and before the section has articles."""
    before, after = _change_section(ctx, section, terms)
    audit.write(ctx, ACT, subject=named(Scope.SECTION, section), before=before, after=after)


def _change_section(ctx: TransactionContext, section: str, terms: AccessTerms) -> Change:
    before = policies.of_section(ctx.session, section)
    policies.set_section(ctx, section, terms)
    return _plain(before), _plain(terms)


def section_names(session: Session) -> list[str]:
    """Every section that has an article or terms, by name."""
    return sorted({*articles.sections(session), *policies.of_sections(session)})


def set_article(ctx: TransactionContext, article_id: str, terms: AccessTerms, *, reason: str) -> None:
    """Set the access terms of one article. Raises NeedsReason, and as `articles.set_terms`."""

    def do() -> Change:
        _, before = articles.set_terms(ctx, article_id, terms)
        return _plain(before), _plain(terms)

    audit.reasoned(ctx, "article_policy", reason, do, subject=named(Scope.ARTICLE, article_id))


def named(scope: Scope, subject: str) -> str:
    """A subject in words."""
    return "the whole site" if scope is Scope.SITE else f"{scope.value} {subject}"


def _plain(terms: AccessTerms) -> dict[str, Any]:
    return {
        "access": terms.access.value if terms.access else "nothing said",
        "free_hours": terms.free_hours,
        "open_after_days": terms.open_after_days,
    }
