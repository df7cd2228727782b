"""Links in mails that work without signing in: cancel, another card. GET shows a page, POST acts (H6).

Mails are forwarded, and found years later. So a link ends charging and never starts it again; everything else needs a
signed-in browser, or a fresh link. Each page raises BadLink without a genuine link."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from billing.http import cookies
from billing.platform.errors import NotFound
from billing.platform.site import CANCEL, CARD
from billing.readers.register import by_id
from billing.subscriptions.models import Subscription
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up
from billing.web.reader.cancelling import Filled, cancel_page, cancel_with, cancelled_page, withdraw_with
from billing.web.reader.change_card import card_is_asked_for, open_card_page
from billing.web.views.account import ChangeCardPage

router = APIRouter(include_in_schema=False)
LINK_LIFE = timedelta(hours=1)


class BadLink(NotFound):
    """Please copy the link whole from the mail, or sign in to your account instead."""

    code = "bad_link"
    title = "This link is damaged"


def keep_link(visit: Visit, purpose: str, token: str, page: str, life: timedelta = LINK_LIFE) -> Response:
    """Move the token from the address to a cookie. Raises BadLink where it isn't genuine."""
    if visit.services.site.tokens.subject_of(purpose, token) is None:
        raise BadLink
    visit.give(cookies.LINK, token, life)
    return visit.go(page)


def follow_link(visit: Visit, purpose: str, subject: str, page: str, life: timedelta = LINK_LIFE) -> Response:
    """To `page`, as if its link had been followed from a mail."""
    return keep_link(visit, purpose, visit.services.site.tokens.token(purpose, subject), page, life)


def kept_subject(visit: Visit, purpose: str) -> str:
    """What the kept link is about: the id in its token. Raises BadLink."""
    found = visit.services.site.tokens.subject_of(purpose, visit.cookie(cookies.LINK))
    if found is None:
        raise BadLink
    return found


def _subscription(visit: Visit, purpose: str) -> Subscription:
    with visit.read() as ctx:
        found = ctx.session.get(Subscription, kept_subject(visit, purpose))
    if found is None:
        raise BadLink
    return found


@router.get("/cancel/{token}")
def follow_cancel(visit: Visiting, token: str) -> Response:
    """From a mail to the page that cancels."""
    return keep_link(visit, CANCEL, token, "/cancel")


@router.get("/cancel")
def ask_cancel(visit: Visiting) -> Response:
    """What cancelling means, and the button."""
    return cancel_page(visit, _subscription(visit, CANCEL), action="/cancel", back="/cancel/withdraw")


@router.post("/cancel")
def cancel(visit: Guarded, form: Filled) -> Response:
    """Cancel, counted from this moment; the answer is the confirmation itself."""
    cancel_with(visit, _subscription(visit, CANCEL), form)
    return _cancelled(visit)


def _cancelled(visit: Visit) -> Response:
    return cancelled_page(visit, _subscription(visit, CANCEL), back="/cancel/withdraw")


@router.post("/cancel/withdraw")
def withdraw(visit: Guarded) -> Response:
    """Take the sale back; the answer is the confirmation itself."""
    withdraw_with(visit, _subscription(visit, CANCEL))
    return _cancelled(visit)


@router.post("/cancel/undo")
def mail_undo(visit: Guarded) -> Response:
    """Mail the reader a link that signs in and leads to the button that undoes it. Raises TooMany."""
    return _mail_link(visit, _subscription(visit, CANCEL), "/account/cancelled")


def _mail_link(visit: Visit, subscription: Subscription, way: str) -> Response:
    with visit.read() as ctx:
        reader = by_id(ctx.session, subscription.reader_id)
    return step_up.mail_link(visit, reader.email, way)


@router.get("/card/{token}")
def follow_card(visit: Visiting, token: str) -> Response:
    """From a mail to the page for another card."""
    return keep_link(visit, CARD, token, "/card")


@router.get("/card")
def ask_card(visit: Visiting) -> Response:
    """A button to the card page."""
    subscription = _subscription(visit, CARD)
    return visit.page(ChangeCardPage(action="/card", by_mail=not card_is_asked_for(visit, subscription)))


@router.post("/card")
@may_call_gateway
def change_card(visit: Guarded) -> Response | GatewayCall:
    """To the card page while we need a card; else mail a link that signs in and leads there. Raises TooMany, Unavailable."""
    subscription = _subscription(visit, CARD)
    if card_is_asked_for(visit, subscription):
        return open_card_page(visit, subscription)
    return _mail_link(visit, subscription, "/account/card")
