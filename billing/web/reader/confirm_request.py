"""A reader confirms, from a mail, a request to cancel that came by form. GET shows a page, POST acts (H6)."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.platform.site import REQUEST
from billing.rules.money import Money
from billing.staff import confirm_request
from billing.staff.models import Effect
from billing.web.kit.visit import Guarded, Visiting
from billing.web.reader.results import instant, result_of, result_token, stamp
from billing.web.reader.signed_links import keep_link, kept_subject
from billing.web.views.requests import RequestConfirmedPage, RequestConfirmPage

router = APIRouter(include_in_schema=False)
PURPOSE = "request-confirmed"


@router.get("/request/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """From the mail to the page that confirms."""
    return keep_link(visit, REQUEST, token, "/request")


@router.get("/request")
def ask(visit: Visiting) -> Response:
    """What was requested, and the button. Raises BadLink."""
    with visit.read() as ctx:
        request = confirm_request.asked(ctx, kept_subject(visit, REQUEST))
    return visit.page(RequestConfirmPage(received_at=request.received_at, words=request.words))


@router.post("/request")
def confirm(visit: Guarded) -> Response:
    """The request is the reader's. Raises BadLink, ConfirmSpent."""
    with visit.begin() as ctx:
        done = confirm_request.confirm(ctx, kept_subject(visit, REQUEST))
    request = done.request
    is_read = bool(request.words) and request.closed_at is None
    token = result_token(
        visit,
        PURPOSE,
        done.effect.value,
        stamp(request.received_at),
        int(done.later),
        done.returned,
        done.owed,
        int(is_read),
    )
    return visit.go(f"/request/confirmed/{token}")


@router.get("/request/confirmed/{token}")
def confirmed(visit: Visiting, token: str) -> Response:
    """What confirming did. A token that isn't this browser's leads to the account."""
    facts = result_of(visit, PURPOSE, token)
    if facts is None:
        return visit.go("/account")
    effect, received_at, later, returned, owed, is_read = facts
    return visit.page(
        RequestConfirmedPage(
            received_at=instant(received_at),
            effect=Effect(effect).value,
            later=later == "1",
            returned=Money(int(returned)) if returned != "0" else None,
            owed=Money(int(owed)) if owed != "0" else None,
            read=is_read == "1",
        )
    )
