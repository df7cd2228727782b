"""Editors open articles, sections or the whole site to everyone, and say what a section's articles ask."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.access import articles, policies, public_windows
from billing.access.models import Article, PublicWindow, Scope
from billing.access.policies import NO_TERMS, AccessTerms
from billing.platform.errors import Invalid, Refusal
from billing.rules.access import AccessLevel
from billing.staff import editing
from billing.staff.roles import Permission
from billing.web.staff.act_forms import read_moment
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.editing import OpeningRow, SectionRow, StaffArticlesPage

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.ARTICLES)]
Acting = Annotated[StaffVisit, needs(Permission.ARTICLES, acts=True)]
Typed = Annotated[str, Form(max_length=300)]
ROOM = "/staff/articles"
PICKS = 50
NOTHING = "nothing"
LEVELS = (
    (NOTHING, "nothing (articles that say nothing themselves are for subscribers)"),
    (AccessLevel.FREE.value, "free for everyone"),
    (AccessLevel.REGISTERED.value, "free for whoever is signed in"),
    (AccessLevel.METERED.value, "metered"),
    (AccessLevel.SUBSCRIBER.value, "for subscribers"),
)


class ChooseWhat(Invalid):
    """Choose what is to be opened."""

    code = "choose_what"


class BadHours(Invalid):
    """Hours and days are whole numbers, or empty."""

    code = "not_a_number"


@router.get(ROOM)
def show(visit: Seeing) -> Response:
    """What is open now, what was, and what sections ask."""
    return _page(visit)


@router.post(ROOM)
def open_to_all(visit: Acting, what: Typed = "", until: Typed = "", reason: Typed = "") -> Response:
    """Open it until the moment; it closes by itself."""
    try:
        scope, subject = _scope(what)
        with visit.begin() as ctx:
            editing.open_to_all(
                ctx, scope, subject, until=read_moment(until, visit.services.site.zone), reason=reason
            )
    except Refusal as refusal:
        return _page(
            visit, what=what, until=until, reason=reason, error=refusal.detail, status=refusal.status
        )
    return visit.go(ROOM, "staff-saved")


def _scope(what: str) -> tuple[Scope, str]:
    """`site`, `section:Town`, `article:the-bridge`. Raises ChooseWhat."""
    kind, _, subject = what.partition(":")
    if kind not in list(Scope) or (kind == Scope.SITE) is bool(subject):
        raise ChooseWhat
    return Scope(kind), subject


@router.post(f"{ROOM}/openings/{{opening_id}}/close")
def close(visit: Acting, opening_id: str) -> Response:
    """Close it before its time."""
    with visit.begin() as ctx:
        editing.close(ctx, opening_id)
    return visit.go(ROOM, "staff-saved")


@router.post(f"{ROOM}/sections")
def set_section(
    visit: Acting,
    section: Typed = "",
    access: Typed = "",
    free_hours: Typed = "",
    open_after_days: Typed = "",
) -> Response:
    """What a section's articles ask from now on, when they say nothing themselves."""
    try:
        with visit.begin() as ctx:
            if section not in _names(ctx.session):
                raise public_windows.UnknownSection
            terms = _terms(access, free_hours, open_after_days)
            editing.set_section(ctx, section, terms)
    except Refusal as refusal:
        return _page(visit, section_error=f"{section}: {refusal.detail}", status=refusal.status)
    return visit.go(ROOM, "staff-saved")


def _terms(access: str, free_hours: str, open_after_days: str) -> AccessTerms:
    if access == NOTHING:
        return NO_TERMS
    if access not in list(AccessLevel):
        raise ChooseWhat("Choose what the section asks.")
    return AccessTerms(AccessLevel(access), _number(free_hours), _number(open_after_days))


def _number(typed: str) -> int | None:
    typed = typed.strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 5):
        raise BadHours
    return int(typed)


def _names(session: Session) -> list[str]:
    return sorted({*articles.sections(session), *policies.of_sections(session)})


def _page(
    visit: StaffVisit,
    *,
    what: str = "",
    until: str = "",
    reason: str = "",
    error: str | None = None,
    section_error: str | None = None,
    status: int = 200,
) -> Response:
    site = visit.services.site
    tomorrow = site.today(visit.at) + timedelta(days=1)
    with visit.services.database.begin(site, visit.at, visit.actor) as ctx:
        names, said = _names(ctx.session), policies.of_sections(ctx.session)
        recent = articles.newest(ctx.session, PICKS)
        view = StaffArticlesPage(
            live=tuple(_row(ctx.session, row, visit.at) for row in public_windows.open_at(ctx)),
            past=tuple(_row(ctx.session, row, visit.at) for row in public_windows.closed(ctx)),
            scopes=(
                ("site", "the whole site"),
                *((f"section:{name}", f"section: {name}") for name in names),
                *((f"article:{each.id}", each.title) for each in recent),
            ),
            sections=tuple(_section(name, said.get(name, NO_TERMS)) for name in names),
            levels=LEVELS,
            zone=site.zone.key,
            what=what,
            until=until or f"{tomorrow}T06:00",
            reason=reason,
            error=error,
            section_error=section_error,
        )
    return visit.page(view, status)


def _row(session: Session, row: PublicWindow, at: datetime) -> OpeningRow:
    what = editing.named(row.scope, row.subject)
    if row.scope is Scope.ARTICLE:
        found = session.get(Article, row.subject)
        what = found.title if found else row.subject
    over_at = row.closed_at or (row.until if row.until <= at else None)
    return OpeningRow(
        opening_id=row.id,
        what=what,
        until=row.until,
        reason=row.reason,
        by=row.by,
        opened_at=row.opened_at,
        over_at=over_at,
        closed_by=row.closed_by,
    )


def _section(name: str, terms: AccessTerms) -> SectionRow:
    return SectionRow(
        name=name,
        access=terms.access.value if terms.access else NOTHING,
        free_hours=terms.free_hours,
        open_after_days=terms.open_after_days,
    )
