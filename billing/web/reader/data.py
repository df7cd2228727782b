"""A reader asks for all their data, sees whether it is ready, and downloads it after a fresh sign-in (POPIA, section 23)."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.personal_data import data_requests
from billing.platform.actors import ReaderActor
from billing.web.kit.visit import Guarded, Visiting
from billing.web.reader import way
from billing.web.reader.guard import signed_in
from billing.web.reader.step_up import require_fresh
from billing.web.views.data import DataPage

router = APIRouter(include_in_schema=False)
PAGE = "/account/data"


@router.get(PAGE)
def show(visit: Visiting) -> Response:
    """What it is, and how far it is."""
    with visit.read() as ctx:
        reader = visit.reader
        if reader is None:
            return way.sign_in_first(visit, visit.path)
        found = data_requests.archive_status(ctx.session, reader.id, ctx.at)
    return visit.page(
        DataPage(
            email=reader.email,
            is_making=found.is_making,
            made_at=found.made_at,
            expires_at=found.expires_at,
            kilobytes=-(-found.size // 1000),
        )
    )


@router.post(PAGE)
def ask(visit: Guarded) -> Response:
    """Ask for a file. Raises RedirectReader, TooManyArchives."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        data_requests.ask(ctx.acting_as(ReaderActor(reader.id)), reader.id)
    return visit.go(PAGE)


@router.get(f"{PAGE}/archive")
def download(visit: Visiting) -> Response:
    """The reader's newest file; without one, the page. Raises RedirectReader."""
    reader = require_fresh(visit, "data")
    with visit.begin() as ctx:
        content = data_requests.fetch(ctx.acting_as(ReaderActor(reader.id)), reader.id)
    if content is None:
        return visit.go(PAGE)
    headers = {
        "Content-Disposition": 'attachment; filename="my-data.zip"',
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type="application/zip", headers=headers)
