"""A reader's account as the reader sees it. It is drawn for the member, with no session of the reader: nothing can be done there."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.responses import Response

from billing.http.headers import read_only_headers
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.staff import see_as
from billing.staff.audit import NeedsReason
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.reader.account import account_view
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.frame import no_token
from billing.web.views.staff_see import StaffSeePage

router = APIRouter(include_in_schema=False)
PAGE = "/staff/readers/{reader_id}/see"
BANNER = Markup(
    '<div class="call calm" role="region" aria-label="For staff"><p><strong>You see this account as {email} sees it.</strong> Nothing can be done here;'
    ' links lead out of it. <a href="/staff/readers/{reader_id}">Back to the reader’s page</a></p></div>'
)


@router.get(PAGE)
def ask(visit: Annotated[StaffVisit, needs(Permission.SEE_AS)], reader_id: str) -> Response:
    """The form that asks why, and, once it was said, the link to the account."""
    with visit.begin() as ctx:
        return visit.page(_page(ctx, reader_id))


def _page(ctx: TransactionContext, reader_id: str, error: str | None = None) -> StaffSeePage:
    reader = by_id(ctx.session, reader_id)
    return StaffSeePage(
        reader_id=reader.id,
        email=reader.email,
        ends_at=see_as.ends_at(ctx, reader_id),
        minutes=see_as.LASTS.seconds // 60,
        error=error,
    )


@router.post(PAGE)
def begin(
    visit: Annotated[StaffVisit, needs(Permission.SEE_AS, acts=True)],
    reader_id: str,
    reason: Annotated[str, Form(max_length=1000), LINES] = "",
) -> Response:
    """Audit the reason, and open the account."""
    try:
        with visit.begin() as ctx:
            see_as.begin(ctx, reader_id, reason)
    except NeedsReason as refusal:
        with visit.begin() as ctx:
            return visit.page(_page(ctx, reader_id, refusal.detail), refusal.status)
    return visit.go(f"/staff/readers/{reader_id}/see/account")


@router.get(f"{PAGE}/account")
def account(visit: Annotated[StaffVisit, needs(Permission.SEE_AS)], reader_id: str) -> Response:
    """The account page, in the reader's language. Its forms have no token and its policy sends none, so nothing can be done."""
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        if see_as.ends_at(ctx, reader_id) is None:
            return visit.go(f"/staff/readers/{reader_id}/see")
        view = account_view(ctx, reader)
        language = ctx.site.languages.by_code(reader.language) or visit.language
    frame = replace(
        visit.frame(),
        csrf=no_token,
        staff=None,
        signed_in=True,
        can_subscribe=view.can_subscribe,
        banner=BANNER.format(email=reader.email, reader_id=reader.id),
        language=language,
        languages=(language,),
    )
    return HTMLResponse(visit.look.page(view, frame), headers=read_only_headers())
