"""Another address for a signed-in reader: the form, the link to the new address, and the link by which the old one stops it.

GET shows a page, POST acts (H6). The stopping link works without signing in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.address_changes import confirm, request, stop
from billing.address_changes.request import SameAddress
from billing.http import cookies
from billing.mail import unreachable
from billing.personal_data.ask import is_closing
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.readers import address_change, sessions, sign_in
from billing.readers.address_change import LIFE, LINKS, PURPOSE, STOP, AddressChange
from billing.readers.links import LinkSpent
from billing.readers.register import BadAddress, by_id, clean_address
from billing.rules import address_hints
from billing.web.kit.problems import words_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up
from billing.web.reader.guard import signed_in
from billing.web.reader.sign_in import wrong_code
from billing.web.reader.signed_links import keep_link, kept_subject
from billing.web.views.account import AddressQuestionPage, SignInExpiredPage
from billing.web.views.address import AddressConfirmPage, AddressPage, AddressSentPage, AddressStopPage
from emails.languages import Text

router = APIRouter(include_in_schema=False)
PAGE = "/account/address"


class ChangeSpent(LinkSpent):
    """This link has been used, or its time is over. You can give the address once more in your account."""


@router.get(PAGE)
def ask_address(visit: Visiting) -> Response:
    """The form, after a fresh sign-in, or where the present address refuses our mail. Raises RedirectReader."""
    return visit.page(_asking(visit))


def _asking(visit: Visit) -> AddressPage:
    """The form for whoever may use it. Where the address refuses our mail, no link could be mailed there, so the session is enough; the
    new address is proved all the same. Raises RedirectReader."""
    with visit.read() as ctx:
        reader = signed_in(visit)
        waiting = address_change.waiting_of(ctx.session, reader.id, ctx.at)
        view = AddressPage(
            email=reader.email,
            refuses=unreachable.refuses(ctx.session, reader.id, reader.email),
            closes=is_closing(ctx.session, reader.id),
            waiting=(waiting.new_email, waiting.expires_at) if waiting and waiting.by_reader else None,
        )
    if not view.refuses:
        step_up.require_fresh(visit, "address")
    return view


@router.post(PAGE)
def give_address(
    visit: Guarded, email: Annotated[str, Form()] = "", sure: Annotated[str, Form()] = ""
) -> Response:
    """Mail the link to the new address, and a warning to the old one. A domain that looks mistyped is asked about once. Raises
    RedirectReader, TooMany, AccountCloses."""
    view, reader = _asking(visit), signed_in(visit)
    suggested = None if sure else address_hints.suggestion(email[:254])
    try:
        if suggested is not None:
            typed = clean_address(email)
            return visit.page(AddressQuestionPage(action=PAGE, typed=typed, suggested=suggested), 422)
        with visit.begin() as ctx:
            request.count_requests(ctx, reader.id, email, visit.browser)
            request.ask(ctx.acting_as(ReaderActor(reader.id)), reader.id, email, visit.browser)
    except (BadAddress, SameAddress) as refusal:
        return visit.page(replace(view, typed=email[:254], error=words_of(refusal)), 422)
    return visit.go(f"{PAGE}/sent")


@router.get(f"{PAGE}/sent")
def sent(visit: Visiting) -> Response:
    """Check the mail; and the form for the code. Raises RedirectReader."""
    return _sent(visit)


def _sent(visit: Visit, error: Text | None = None) -> Response:
    reader = signed_in(visit)
    with visit.read() as ctx:
        change = address_change.waiting_of(ctx.session, reader.id, ctx.at)
    if change is None or not change.by_reader:
        return visit.go("/account")
    view = AddressSentPage(to=change.new_email, until=change.expires_at, error=error)
    return visit.page(view, 422 if error else 200)


@router.get(f"{PAGE}/link/{{token}}")
def follow(visit: Visiting, token: str) -> Response:
    """From the mail to the page that confirms."""
    return keep_link(visit, PURPOSE, token, f"{PAGE}/confirm", LIFE)


@router.get(f"{PAGE}/confirm")
def ask_confirm(visit: Visiting) -> Response:
    """The button. Raises ChangeSpent."""
    with visit.begin() as ctx:  # not `read`: what the link names is found locked
        change = _usable(ctx, visit)
        here = confirm.may_confirm_here(change, visit.browser_hashes)
        old = by_id(ctx.session, change.reader_id).email if here and change.by_reader else ""
    return visit.page(AddressConfirmPage(email=change.new_email, here=here, old=old))


def _usable(ctx: TransactionContext, visit: Visit) -> AddressChange:
    try:
        return confirm.find(ctx, visit.cookie(cookies.LINK))
    except LinkSpent:
        raise ChangeSpent from None


@router.post(f"{PAGE}/confirm")
def confirm_address(visit: Guarded) -> Response:
    """The address is the reader's from now on. Raises ChangeSpent, OtherBrowser, AddressTaken, AccountCloses."""
    return _use(visit, lambda ctx: confirm.confirm(ctx, visit.cookie(cookies.LINK), visit.browser))


@router.post(f"{PAGE}/code")
def type_code(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """The same by the code from the mail; five tries. Raises TooMany, and as `confirm_address`."""

    def use(ctx: TransactionContext) -> AddressChange | None:
        known = sessions.knows(ctx.session, visit.browser.hashes)
        sign_in.count_typed(ctx, PURPOSE, visit.browser, known=known)
        return confirm.confirm_code(ctx, code[:20], visit.browser)

    return _use(visit, use)


def _use(visit: Visit, use: Callable[[TransactionContext], AddressChange | None]) -> Response:
    secret = None
    try:
        with visit.begin() as ctx:
            change = use(ctx)
            if change is not None and change.by_reader:
                reader = by_id(ctx.session, change.reader_id)
                secret = sign_in.open_for(ctx, reader, visit.browser, change.id).session_secret
    except LinkSpent:
        raise ChangeSpent from None
    if change is None:
        return _wrong(visit)
    visit.takes.append(cookies.LINK)
    if secret is None:  # staff began it: the mail came to whoever signs in there
        return visit.go("/sign-in" if visit.reader is None else "/account", "address-changed")
    visit.give(cookies.SESSION, secret, sessions.ABSOLUTE)
    visit.keep_browser()
    return visit.go("/account", "address-changed")


def _wrong(visit: Visit) -> Response:
    """A wrong code has ended the link, or tries are left."""
    with visit.read() as ctx:
        left = LINKS.tries_left(ctx, visit.browser_hashes)
    if not left:
        return visit.page(SignInExpiredPage(base=PAGE, guessed=True), 422)
    return _sent(visit, wrong_code(left))


@router.get("/address/stop/{token}")
def follow_stop(visit: Visiting, token: str) -> Response:
    """From a mail to the page that stops a change."""
    return keep_link(visit, STOP, token, "/address/stop")


@router.get("/address/stop")
def ask_stop(visit: Visiting) -> Response:
    """What would be stopped, and the button; afterwards what was done. Raises BadLink, NothingToStop."""
    with visit.read() as ctx:
        found = stop.look(ctx, kept_subject(visit, STOP))
    site = visit.services.site
    return visit.page(
        AddressStopPage(
            email=found.change.old_email,
            asked_at=found.change.created_at,
            until=site.last_day(found.change.stops_until),
            confirmed=found.confirmed,
            stopped=found.stopped,
            put_back=found.put_back,
        )
    )


@router.post("/address/stop")
def stop_change(visit: Guarded) -> Response:
    """Stop it, once. Raises BadLink, NothingToStop."""
    with visit.begin() as ctx:
        stop.stop(ctx, kept_subject(visit, STOP))
    return visit.go("/address/stop")
