"""Admins publish terms, privacy notice and refund policy: a text, or the address of the publisher's own page. Each version stays."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.brand import legal
from billing.brand.legal import DocumentKind
from billing.brand.models import LegalDocument
from billing.platform.errors import Refusal
from billing.staff.legal import publish
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.legal_texts import LegalTextForm, LegalVersionRow, StaffLegalPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/brand/legal"


@router.get(ROOM)
def show(visit: Annotated[StaffVisit, needs(Permission.BRAND)]) -> Response:
    """All versions, and the form for another."""
    return _page(visit, LegalTextForm())


@router.post(ROOM)
def add(
    visit: Annotated[StaffVisit, needs(Permission.BRAND, acts=True, fresh=True)],
    kind: Annotated[str, Form(max_length=20)] = "",
    words: Annotated[str, Form(max_length=2 * legal.MOST_CHARACTERS)] = "",
    url: Annotated[str, Form(max_length=2000)] = "",
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Put it in force from now on."""
    typed = LegalTextForm(kind=kind, words=words, url=url, reason=reason)
    if kind not in list(DocumentKind):
        return _page(visit, typed, "Choose a document.", 422)
    try:
        with visit.begin() as ctx:
            publish(ctx, DocumentKind(kind), words=words, url=url.strip(), reason=reason)
    except Refusal as refusal:
        return _page(visit, typed, refusal.detail, refusal.status)
    with visit.begin() as ctx:
        visit.services.publisher.refresh(ctx.session)
    return visit.go(ROOM, "staff-saved")


def _page(visit: StaffVisit, typed: LegalTextForm, error: str | None = None, status: int = 200) -> Response:
    with visit.read() as ctx:
        rows = tuple(_row(row) for kind in DocumentKind for row in legal.versions(ctx.session, kind))
        missing = tuple(str(kind.label) for kind in legal.missing(ctx.session))
    kinds = tuple((kind.value, str(kind.label)) for kind in DocumentKind)
    return visit.page(
        StaffLegalPage(rows=rows, missing=missing, kinds=kinds, typed=typed, error=error), status
    )


def _row(row: LegalDocument) -> LegalVersionRow:
    return LegalVersionRow(
        label=str(DocumentKind(row.kind).label),
        number=row.number,
        published_at=row.published_at,
        address=row.url or f"/{row.kind}/{row.number}",
        is_own_page=bool(row.url),
        text_hash=row.text_hash,
    )
