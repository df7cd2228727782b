"""One article for editors: what it asks and why, changed here with a reason."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.access import articles
from billing.access.models import ArticleVersion
from billing.platform.errors import Refusal
from billing.rules.access import AccessLevel
from billing.rules.asked import LEVEL_WORDS
from billing.staff import article_list, editing
from billing.web.staff.articles import LEVELS, NOTHING, ROOM, Acting, Seeing, Typed, line_of, read_terms
from billing.web.staff.guard import StaffVisit
from billing.web.views.article import ArticleVersionRow, StaffArticlePage

router = APIRouter(include_in_schema=False)
ADDRESS = f"{ROOM}/{{article_id}}/access"


@router.get(ADDRESS)
def show(visit: Seeing, article_id: str) -> Response:
    """The article, with how its terms were before."""
    return _page(visit, article_id)


@router.post(ADDRESS)
def change(
    visit: Acting,
    article_id: str,
    access: Typed = "",
    free_hours: Typed = "",
    open_after_days: Typed = "",
    reason: Typed = "",
) -> Response:
    """Give the article terms of its own, or none, so that its section's count."""
    typed = {
        "access": access,
        "free_hours": free_hours,
        "open_after_days": open_after_days,
        "reason": reason,
    }
    try:
        with visit.begin() as ctx:
            terms = read_terms(access, free_hours, open_after_days)
            editing.set_article(ctx, article_id, terms, reason=reason)
    except articles.UnknownArticle:
        raise
    except Refusal as refusal:
        return _page(visit, article_id, typed, refusal)
    return visit.go(f"{ROOM}/{article_id}/access", "staff-saved")


def _page(
    visit: StaffVisit, article_id: str, typed: dict[str, str] | None = None, error: Refusal | None = None
) -> Response:
    with visit.read() as ctx:
        row = articles.article(ctx.session, article_id)
        (listed,) = article_list.rows_of(ctx, [row])
        stored = {
            "access": row.access.value if row.access else NOTHING,
            "free_hours": str(row.free_hours or ""),
            "open_after_days": str(row.open_after_days or ""),
        }
        view = StaffArticlePage(
            line=line_of(listed),
            url=row.url,
            levels=LEVELS,
            versions=tuple(_version(version) for version in article_list.versions(ctx.session, row.id)),
            error=error.detail if error else None,
            **(typed or stored),
        )
    return visit.page(view, error.status if error else 200)


def _version(row: ArticleVersion) -> ArticleVersionRow:
    return ArticleVersionRow(at=row.at, by=row.by, says=_says(row))


def _says(row: ArticleVersion) -> str:
    if row.removed:
        return "removed from the register"
    if row.access is None:
        return f"nothing of its own; in {row.section}"
    windows = [
        f"free for {row.free_hours} hours from publication" if row.free_hours else "",
        f"open after {row.open_after_days} days" if row.open_after_days else "",
    ]
    return ", ".join([LEVEL_WORDS[AccessLevel(row.access)], *(words for words in windows if words)])
