"""All articles with what each asks and why; editors open articles, sections or the whole site to everyone, and set sections' levels."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.access import articles, policies, public_windows
from billing.access.models import Article, PublicWindow, Scope
from billing.access.policies import NO_TERMS, AccessTerms
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid, Refusal
from billing.rules.access import AccessLevel
from billing.rules.asked import LEVEL_WORDS
from billing.staff import article_list, editing
from billing.staff.article_list import ArticleRow
from billing.staff.roles import Permission
from billing.web.kit.typed import whole_number
from billing.web.staff.act_forms import read_moment
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.article import ArticleLine
from billing.web.views.editing import OpeningRow, SectionRow, StaffArticlesPage, StaffOpenSitePage

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.ARTICLES)]
Acting = Annotated[StaffVisit, needs(Permission.ARTICLES, acts=True)]
Typed = Annotated[str, Form(max_length=300)]
Searched = Annotated[str, Query(max_length=300)]
ROOM = "/staff/articles"
PICKS = 50
NOTHING = "nothing"
LEVELS = (
    (NOTHING, "nothing (articles that say nothing themselves are for subscribers)"),
    *((level.value, words) for level, words in LEVEL_WORDS.items()),
)


class ChooseWhat(Invalid):
    """Choose what is to be opened."""

    code = "choose_what"


class BadHours(Invalid):
    """Hours and days are whole numbers, or empty."""

    code = "not_a_number"


@router.get(ROOM)
def show(
    visit: Seeing, words: Searched = "", level: Searched = "", after: Searched = "", what: Searched = ""
) -> Response:
    """All articles, or those with the words and the level; what is open now, what was, and the levels of sections. `what` fills in
    what the form opens."""
    return _page(visit, what=what, words=words, level=level, after=after)


@router.post(ROOM)
def open_to_all(
    visit: Acting, what: Typed = "", until: Typed = "", reason: Typed = "", confirmed: Typed = ""
) -> Response:
    """Open it until a moment; then it closes by itself. The whole site is asked about once more."""
    try:
        scope, subject = _scope(what)
        with visit.begin() as ctx:
            end = read_moment(until, ctx.zone)
            if scope is Scope.SITE and confirmed != "yes":
                public_windows.check(ctx, until=end, reason=reason)
                return visit.page(StaffOpenSitePage(until=end, typed_until=until, reason=reason.strip()))
            editing.open_to_all(ctx, scope, subject, until=end, reason=reason)
    except Refusal as refusal:
        return _page(visit, what=what, until=until, reason=reason, error=refusal)
    return visit.go(ROOM, "staff-saved")


def _scope(what: str) -> tuple[Scope, str]:
    """Read `site`, `section:Town` or `article:the-bridge`. Raises ChooseWhat."""
    kind, _, subject = what.partition(":")
    if kind not in list(Scope) or (kind == Scope.SITE) is bool(subject):
        raise ChooseWhat
    return Scope(kind), subject


@router.post(f"{ROOM}/openings/{{opening_id}}/close")
def close(visit: Acting, opening_id: str) -> Response:
    """Close it early."""
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
    reason: Typed = "",
) -> Response:
    """Set the level of a section's articles that have none of their own, with a reason."""
    try:
        with visit.begin() as ctx:
            terms = read_terms(access, free_hours, open_after_days)
            editing.set_section(ctx, section, terms, reason=reason)
    except Refusal as refusal:
        typed = SectionRow(section, access, free_hours, open_after_days, reason, refusal.detail)
        return _page(visit, error=refusal, section=typed)
    return visit.go(ROOM, "staff-saved")


def read_terms(access: str, free_hours: str, open_after_days: str) -> AccessTerms:
    """The terms that were typed, of a section or an article. Raises ChooseWhat, BadHours."""
    if access == NOTHING:
        return NO_TERMS
    if access not in list(AccessLevel):
        raise ChooseWhat("Choose what is asked of readers.")
    return AccessTerms(AccessLevel(access), _number(free_hours), _number(open_after_days))


def _number(typed: str) -> int | None:
    number = whole_number(typed, 99_999, digits=5)
    if number is None and typed.strip():
        raise BadHours
    return number


def _page(
    visit: StaffVisit,
    *,
    what: str = "",
    until: str = "",
    reason: str = "",
    error: Refusal | None = None,
    section: SectionRow | None = None,
    words: str = "",
    level: str = "",
    after: str = "",
) -> Response:
    """The page; with `section`, the form of a section as it was typed, the error belongs to that form."""
    with visit.read() as ctx:
        names, terms = editing.section_names(ctx.session), policies.of_sections(ctx.session)
        wanted = AccessLevel(level) if level in list(AccessLevel) else None
        listed = article_list.article_page(ctx, words=words, level=wanted, after=after)
        view = StaffArticlesPage(
            rows=tuple(line_of(row) for row in listed.rows),
            words=words,
            level=wanted.value if wanted else "",
            is_first=not after,
            more=urlencode({"words": words, "level": level, "after": listed.after}) if listed.after else None,
            live=tuple(_opening(ctx, row) for row in public_windows.open_at(ctx)),
            past=tuple(_opening(ctx, row) for row in public_windows.closed(ctx)),
            scopes=(
                ("site", "the whole site"),
                *((f"section:{name}", f"section: {name}") for name in names),
                *_picks(ctx.session, what),
            ),
            sections=tuple(
                section if section and section.name == name else _section(name, terms.get(name, NO_TERMS))
                for name in names
            ),
            levels=LEVELS,
            zone=ctx.zone.key,
            what=what,
            until=until or f"{ctx.today + timedelta(days=1)}T06:00",
            reason=reason,
            error=error.detail if error and section is None else None,
            section_error=section.error if section and section.name not in names else None,
        )
    return visit.page(view, error.status if error else 200)


def _picks(session: Session, what: str) -> list[tuple[str, str]]:
    """The newest articles, and the one that is asked for, which may be older."""
    picks = {f"article:{row.id}": row.title for row in articles.newest(session, PICKS)}
    asked = session.get(Article, what.removeprefix("article:")) if what.startswith("article:") else None
    if asked is not None:
        picks.setdefault(f"article:{asked.id}", asked.title)
    return list(picks.items())


def line_of(row: ArticleRow) -> ArticleLine:
    """An article as a line of the list."""
    article = row.article
    return ArticleLine(
        article_id=article.id,
        title=article.title,
        section=article.section,
        published_at=article.published_at,
        asks=LEVEL_WORDS[row.asked.level],
        because=row.asked.because.words,
        until=row.asked.until,
        gifts=row.gifts,
        opened=row.opened,
        trials=row.starts.trials,
        paid_starts=row.starts.paid,
    )


def _opening(ctx: TransactionContext, row: PublicWindow) -> OpeningRow:
    what = editing.named(row.scope, row.subject)
    if row.scope is Scope.ARTICLE:
        article = ctx.session.get(Article, row.subject)
        what = article.title if article else row.subject
    return OpeningRow(
        opening_id=row.id,
        what=what,
        until=row.until,
        reason=row.reason,
        by=row.by,
        opened_at=row.opened_at,
        over_at=row.closed_at or (row.until if row.until <= ctx.at else None),
        closed_by=row.closed_by,
    )


def _section(name: str, terms: AccessTerms) -> SectionRow:
    return SectionRow(
        name,
        access=terms.access.value if terms.access else NOTHING,
        free_hours=str(terms.free_hours or ""),
        open_after_days=str(terms.open_after_days or ""),
    )
