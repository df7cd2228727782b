"""A reader confirms, from a mail, a request to cancel that came by form. GET shows a page, POST acts (H6)."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.platform.site import REQUEST
from billing.rules.money import Money
from billing.staff import confirm_request
from billing.web.kit.visit import Guarded, Visiting
from billing.web.reader.signed_links import keep_link, kept_subject
from billing.web.views.requests import RequestConfirmedPage, RequestConfirmPage

router = APIRouter(include_in_schema=False)


@router.get("/request/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """From the mail to the page that confirms."""
    return keep_link(visit, REQUEST, token, "/request")


@router.get("/request")
def ask(visit: Visiting) -> Response:
    """What was requested, and the button. Raises BadLink."""
    with visit.begin() as ctx:
        request = confirm_request.asked(ctx, kept_subject(visit, REQUEST))
    return visit.page(RequestConfirmPage(received_at=request.received_at, words=request.words))


@router.post("/request")
def confirm(visit: Guarded) -> Response:
    """The request is the reader's. Raises BadLink."""
    with visit.begin() as ctx:
        done = confirm_request.confirm(ctx, kept_subject(visit, REQUEST))
    request = done.request
    return visit.page(
        RequestConfirmedPage(
            received_at=request.received_at,
            effect=done.effect.value,
            later=done.later,
            returned=Money(done.returned) if done.returned else None,
            owed=Money(done.owed) if done.owed else None,
            read=bool(request.words) and request.closed_at is None,
        )
    )
