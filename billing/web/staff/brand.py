"""Admins change the brand: what readers see of the publisher. A sample shows what is typed before it is saved."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from starlette.responses import HTMLResponse, Response

from billing.brand.change import BadBrand, BrandMoved, stored
from billing.brand.models import StoredBrand
from billing.brand.rules import FIELDS, IN_SETTINGS, LOGOS
from billing.http.headers import framed_headers
from billing.platform.errors import Refusal
from billing.rules.pictures import MOST_BYTES
from billing.staff import branding
from billing.staff.roles import Permission
from billing.web.staff.brand_sample import SCHEMES, draft, sample
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.brand import BrandFieldRow, BrandLogoRow, StaffBrandPage

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.BRAND)]
Acting = Annotated[StaffVisit, needs(Permission.BRAND, acts=True, fresh=True)]
Showing = Annotated[StaffVisit, needs(Permission.BRAND, acts=True)]
"""No fresh code: the page that asks for one can't keep a file, and a logo leads no reader anywhere."""
Reason = Annotated[str, Form(max_length=300)]
ROOM = "/staff/brand"
NAMES = tuple(field.name for field in FIELDS)
Fields = dict[str, str]


async def _typed(request: Request) -> Fields:
    """The fields of the form; a line break of a textarea is one character."""
    form = await request.form()
    return {name: str(form.get(name, "")).replace("\r\n", "\n") for name in NAMES}


Typed = Annotated[Fields, Depends(_typed)]


@router.get(ROOM)
def show(visit: Seeing) -> Response:
    """The fields, the logos, and a sample."""
    return _page(visit)


@router.post(ROOM)
def change(
    visit: Acting,
    typed: Typed,
    version: Annotated[int, Form()] = -1,
    reason: Reason = "",
    look: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Save the fields; with `look`, only show them in the sample."""
    try:
        if look:
            return _page(visit, typed, reason=reason, version=version)
        with visit.begin() as ctx:
            branding.set_brand(ctx, typed, reason=reason, version=version)
    except BrandMoved as refusal:
        return _page(
            visit, typed, reason=reason, refusal=refusal
        )  # with the version of now, as it is seen now
    except Refusal as refusal:
        return _page(visit, typed, reason=reason, refusal=refusal, version=version)
    return _saved(visit)


@router.post(f"{ROOM}/logo")
def show_logo(visit: Showing, file: UploadFile, reason: Reason = "") -> Response:
    """Show this file as the logo, in place of the one of its kind."""
    try:
        with visit.begin() as ctx:
            branding.set_logo(ctx, file.file.read(MOST_BYTES + 1), reason=reason)
    except Refusal as refusal:
        return _page(visit, logo_reason=reason, logo_refusal=refusal)
    return _saved(visit)


@router.post(f"{ROOM}/logo/{{name}}/remove")
def remove_logo(visit: Showing, name: str, reason: Reason = "") -> Response:
    """Show no logo of this kind any more."""
    try:
        with visit.begin() as ctx:
            branding.reset_brand(ctx, [logo.name for logo in LOGOS if logo.name == name], reason=reason)
    except Refusal as refusal:
        return _page(visit, logo_refusal=refusal)
    return _saved(visit)


@router.get(f"{ROOM}/sample")
def framed_sample(
    visit: Seeing, request: Request, scheme: Annotated[str, Query(max_length=5)] = SCHEMES[0]
) -> Response:
    """A page in this brand, for a sandboxed frame. What may not be is left as it is saved."""
    typed = {name: value for name, value in request.query_params.items() if name in NAMES}
    with visit.begin() as ctx:
        house = draft(visit.services.publisher, stored(ctx.session), typed, visit.at)
    html = sample(visit.look, house, scheme)
    return HTMLResponse(html, headers=framed_headers("data:"))


def _saved(visit: StaffVisit) -> Response:
    """Show it in this process at once; the others are told by the database."""
    with visit.begin() as ctx:
        visit.services.publisher.refresh(ctx.session)
    return visit.go(ROOM, "staff-saved")


def _page(
    visit: StaffVisit,
    typed: Fields | None = None,
    *,
    reason: str = "",
    version: int | None = None,
    refusal: Refusal | None = None,
    logo_reason: str = "",
    logo_refusal: Refusal | None = None,
) -> Response:
    """The page, with what was typed and what is wrong with it. `version`: what the form was opened with, if not what is stored now."""
    with visit.begin() as ctx:
        row = stored(ctx.session) or StoredBrand.default(ctx.at)
        values = typed or _stored_fields(row)
        version = row.version if version is None else version
    problems = refusal.facts["problems"] if isinstance(refusal, BadBrand) else {}
    assert isinstance(problems, dict)
    wrong = refusal or logo_refusal
    view = StaffBrandPage(
        fields=tuple(
            BrandFieldRow.of(field, values[field.name], problems.get(field.name)) for field in FIELDS
        ),
        logos=_logos(visit),
        settings=_settings(visit),
        samples=_samples(typed),
        version=version,
        reason=reason,
        error=_error(refusal, problems),
        is_draft=typed is not None,
        logo_reason=logo_reason,
        logo_error=logo_refusal.detail if logo_refusal else None,
    )
    return visit.page(view, wrong.status if wrong else 200)


def _error(refusal: Refusal | None, problems: Fields) -> str | None:
    if refusal is None:
        return None
    return "Nothing is saved yet: see below what to mend." if problems else refusal.detail


def _stored_fields(row: StoredBrand) -> Fields:
    found = {name: getattr(row, name) for name in NAMES}
    return {name: "\n".join(value) if isinstance(value, list) else value for name, value in found.items()}


def _logos(visit: StaffVisit) -> tuple[BrandLogoRow, ...]:
    brand = visit.services.publisher.house.brand
    shown = zip(LOGOS, (brand.drawing, brand.picture), strict=True)
    return tuple(
        BrandLogoRow(
            name=field.name,
            label=field.label,
            hint=field.hint,
            path=logo.path if logo else "",
            width=logo.width if logo else 0,
            adapts=logo.adapts if logo else False,
        )
        for field, logo in shown
    )


def _settings(visit: StaffVisit) -> tuple[tuple[str, str], ...]:
    """The settings beside, with their values."""
    settings = visit.services.settings
    names = (*IN_SETTINGS, "mail_from", "public_url")
    return tuple((f"BILLING_{name.upper()}", getattr(settings, name)) for name in names)


def _samples(typed: Fields | None) -> tuple[tuple[str, str], ...]:
    words = ("In the light", "In the dark")
    return tuple(
        (said, f"{ROOM}/sample?{urlencode({'scheme': scheme, **(typed or {})})}")
        for said, scheme in zip(words, SCHEMES, strict=True)
    )
