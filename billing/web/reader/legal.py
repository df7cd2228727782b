"""Terms, privacy notice, refund policy, each version of them, and the page about the publisher (ECT-1)."""

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Path
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from billing.brand import legal
from billing.brand.legal import DocumentKind
from billing.brand.models import LegalDocument
from billing.newsletters.markdown import to_html
from billing.platform.errors import NotFound
from billing.subscriptions.offer import offers_of
from billing.web.kit.kept_rows import on_offer
from billing.web.kit.quick_page import quick_page
from billing.web.kit.visit import NOINDEX, Visit, Visiting
from billing.web.views.legal import AboutPage, LegalPage

router = APIRouter(include_in_schema=False)
Number = Annotated[int, Path(ge=1, le=1_000_000)]


class NoDocument(NotFound):
    """This publisher has no such document."""

    code = "no_document"


@router.get("/about")
@quick_page
def about(visit: Visiting) -> Response:
    """Who the publisher is, what is sold, and what the law gives a buyer."""
    offered = offers_of(visit.services.site, visit.today, on_offer(visit))
    cooling_off_days = visit.services.site.policy.cooling_off_days
    return visit.page(AboutPage(offers=tuple(offered), cooling_off_days=cooling_off_days))


@router.get("/terms")
def terms(visit: Visiting) -> Response:
    """The terms in force. Raises NoDocument."""
    return _in_force(visit, DocumentKind.TERMS)


@router.get("/privacy")
def privacy(visit: Visiting) -> Response:
    """The privacy notice in force. Raises NoDocument."""
    return _in_force(visit, DocumentKind.PRIVACY)


@router.get("/refunds")
def refunds(visit: Visiting) -> Response:
    """The refund policy in force. Raises NoDocument."""
    return _in_force(visit, DocumentKind.REFUNDS)


@router.get("/terms/{number}")
def terms_version(visit: Visiting, number: Number) -> Response:
    """One version. Raises NoDocument."""
    return _version(visit, DocumentKind.TERMS, number)


@router.get("/privacy/{number}")
def privacy_version(visit: Visiting, number: Number) -> Response:
    """One version. Raises NoDocument."""
    return _version(visit, DocumentKind.PRIVACY, number)


@router.get("/refunds/{number}")
def refunds_version(visit: Visiting, number: Number) -> Response:
    """One version. Raises NoDocument."""
    return _version(visit, DocumentKind.REFUNDS, number)


def _in_force(visit: Visit, kind: DocumentKind) -> Response:
    found = _versions(visit, kind)
    if not found:
        raise NoDocument
    if found[0].url:  # the publisher's own page, checked when it was published
        return visit.with_cookies(RedirectResponse(found[0].url, 303))
    return visit.page(_view(visit, found, found[0]))


def _version(visit: Visit, kind: DocumentKind, number: int) -> Response:
    found = _versions(visit, kind)
    row = next((row for row in found if row.number == number), None)
    if row is None:
        raise NoDocument
    answer = visit.page(_view(visit, found, row))
    answer.headers.update(NOINDEX)
    return answer


def _versions(visit: Visit, kind: DocumentKind) -> list[LegalDocument]:
    with visit.read() as ctx:
        return legal.versions(ctx.session, kind)


def _view(visit: Visit, found: list[LegalDocument], row: LegalDocument) -> LegalPage:
    day_of = visit.services.site.today
    return LegalPage(
        kind=row.kind,
        label=DocumentKind(row.kind).label,
        number=row.number,
        since=day_of(row.published_at),
        text_hash=row.text_hash,
        words=_shown(row.words),
        url=row.url,
        in_force=row is found[0],
        others=tuple((other.number, day_of(other.published_at)) for other in found if other is not row),
    )


@lru_cache(32)
def _shown(words: str) -> Markup:
    """The Markdown as safe HTML (see `newsletters.markdown`)."""
    return Markup(to_html(words))  # noqa: S704 - it is sanitised
