"""A fresh sign-in before an act that matters (SEC-2)."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.platform.errors import NotFound
from billing.readers import passkeys, sessions, sign_in, webauthn_checks
from billing.readers.models import Reader
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import asked, way
from billing.web.reader.guard import RedirectReader, signed_in
from billing.web.views.account import ProveAgainPage
from emails.languages import Text, say

router = APIRouter(include_in_schema=False)


class GuardedStep(NamedTuple):
    """What needs a fresh sign-in: what the page says of it, and where the reader goes on afterwards."""

    words: Text
    way: str


ACTS = {
    "card": GuardedStep(
        say(
            "Before your subscription is charged to another card, we make sure that nobody else is using this browser."
        ),
        "/account/card",
    ),
    "address": GuardedStep(
        say("Before your account gets another address, we make sure that nobody else is using this browser."),
        "/account/address",
    ),
    "passkey": GuardedStep(
        say("Before you add a passkey, we make sure that nobody else is using this browser."),
        "/account/passkeys/add",
    ),
    "erase": GuardedStep(
        say("Before your account is closed and erased, we make sure that nobody else is using this browser."),
        "/account/erase",
    ),
    "consents": GuardedStep(
        say("Before you download what you agreed to, we make sure that nobody else is using this browser."),
        "/account#agreed",
    ),
    "data": GuardedStep(
        say("Before you download your data, we make sure that nobody else is using this browser."),
        "/account/data",
    ),
}


class UnknownAct(NotFound):
    """There is nothing of that name to confirm."""

    code = "unknown_act"


def require_fresh(visit: Visit, act: str) -> Reader:
    """The reader, if they signed in by mail or passkey in this browser within ten minutes. `act` is one of `ACTS`. Raises RedirectReader."""
    if visit.reader is None:
        raise RedirectReader(way.sign_in_first(visit, ACTS[act].way))
    if visit.session is None or not sessions.is_fresh(visit.session, visit.at):
        raise RedirectReader(visit.go(f"/account/confirm?act={act}"))
    return visit.reader


@router.get("/account/confirm")
def ask(visit: Visiting, act: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Why a link is mailed first. Raises UnknownAct."""
    email, options = signed_in(visit).email, passkey_options(visit)
    return visit.page(ProveAgainPage(email=email, act=act, words=_step(act).words, passkey=options))


@router.post("/account/confirm")
def mail(visit: Guarded, act: Annotated[str, Form(max_length=20)] = "") -> Response:
    """Mail the link to the reader's own address. Raises UnknownAct, TooMany."""
    return mail_link(visit, signed_in(visit).email, _step(act).way)


def passkey_options(visit: Visit) -> str | None:
    """For the script where a passkey may be used; None where this host can have none. Reads no database."""
    site = visit.services.site
    party = webauthn_checks.relying_party(site)
    return passkeys.sign_in_options(site, party, visit.at, visit.browser_hash) if party else None


def _step(act: str) -> GuardedStep:
    if act not in ACTS:
        raise UnknownAct
    return ACTS[act]


def mail_link(visit: Visit, email: str, on_to: str | None = None) -> Response:
    """Mail a sign-in link, which leads on to that page of ours, or to what is remembered. Raises BadAddress, TooMany."""
    with visit.begin() as ctx:
        sign_in.count_link_requests(ctx, email, visit.browser)
        sign_in.ask(ctx, email, visit.browser)
    asked.remember(visit, email)
    if on_to is not None:
        way.remember(visit, on_to)
    return visit.go("/sign-in/sent")
