"""What editors do about who may read, each with its line in the audit: the public-interest switch, and sections' policies."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from billing.access import articles, policies, public_windows
from billing.access.models import PublicWindow, Scope, SectionPolicy
from billing.access.policies import AccessTerms
from billing.platform.actors import Actor
from billing.staff import audit


def open_to_all(
    session: Session, actor: Actor, scope: Scope, subject: str, *, until: datetime, reason: str, at: datetime
) -> PublicWindow:
    """Open it to everyone, in the public interest. Raises UnknownArticle, UnknownSection, PastMoment, NoReason."""
    if scope is Scope.ARTICLE:
        articles.article(session, subject)
    row = public_windows.open_to_all(session, scope, subject, until=until, reason=reason, at=at, by=actor)
    after = {"until": until.isoformat(), "opening": row.id}
    audit.write(
        session, actor, "open_to_all", at=at, subject=named(scope, subject), why=row.reason, after=after
    )
    return row


def close(session: Session, actor: Actor, opening_id: str, *, at: datetime) -> PublicWindow:
    """Close it before its time. Raises UnknownOpening, IsClosed."""
    row = public_windows.close(session, opening_id, at=at, by=actor)
    audit.write(
        session,
        actor,
        "close_to_all",
        at=at,
        subject=named(row.scope, row.subject),
        before={"until": row.until.isoformat(), "opening": row.id},
        after={"until": at.isoformat(), "opening": row.id},
    )
    return row


def set_section(
    session: Session, actor: Actor, section: str, terms: AccessTerms, *, at: datetime
) -> SectionPolicy:
    """Say what a section's articles ask when they say nothing themselves. Raises as `policies.set_section`."""
    before = policies.of_section(session, section)
    row = policies.set_section(session, section, terms, at=at, by=actor)
    audit.write(
        session,
        actor,
        "section_policy",
        at=at,
        subject=named(Scope.SECTION, section),
        before=_plain(before),
        after=_plain(terms),
    )
    return row


def named(scope: Scope, subject: str) -> str:
    """What was opened, for people."""
    return "the whole site" if scope is Scope.SITE else f"{scope.value} {subject}"


def _plain(terms: AccessTerms) -> dict[str, Any]:
    return {
        "access": terms.access.value if terms.access else "nothing said",
        "free_hours": terms.free_hours,
        "open_after_days": terms.open_after_days,
    }
