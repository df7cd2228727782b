"""A reader's request by form, signed in or not. Its moment counts."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.errors import Invalid
from billing.platform.storable import storable
from billing.staff import requests
from billing.staff.models import Effect, RequestKind
from billing.web.kit.problems import words_of
from billing.web.kit.typed import LINES
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.results import instant, result_of, result_token, stamp
from billing.web.views.requests import ContactPage, ContactSentPage
from emails.languages import Text

router = APIRouter(include_in_schema=False)
PURPOSE = "request-sent"


class Unreadable(Invalid):
    """Something in it can't be read. Please type it again."""

    code = "unreadable"


KINDS = [kind for kind in RequestKind if kind is not RequestKind.WITHDRAW]
"""The subjects of this form. A withdrawal is requested where it is offered, because that cancels too."""


class Unclear(Invalid):
    """Say what it is about."""

    code = "unclear"


@router.get("/contact")
def form(visit: Visiting, about: str = "") -> Response:
    """What it is about, and a few words."""
    return visit.page(_view(visit, "", about if about in KINDS else "", ""))


def _view(visit: Visit, email: str, kind: str, words: str, error: Text | None = None) -> ContactPage:
    known, email = visit.reader is not None, visit.reader.email if visit.reader else email
    return ContactPage(email=email, known=known, kind=kind, words=words, error=error)


@router.post("/contact")
def send(
    visit: Guarded,
    kind: Annotated[str, Form(max_length=40)] = "",
    email: Annotated[str, Form(max_length=300)] = "",
    words: Annotated[str, Form(max_length=4000), LINES] = "",
    website: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Keep it. The answer is the same for a known and an unknown address. Only robots fill `website`; they get the same thanks.
    Raises TooMany."""
    address = visit.reader.email if visit.reader else email
    try:
        if not storable([address, words]):
            raise Unreadable
        if kind not in KINDS:
            raise Unclear
        with visit.begin() as ctx:  # apart from the request's own: what is refused counts too
            requests.count_tries(ctx, visit.reader, address, visit.ip)
        effect = Effect.WAITS if website else _receive(visit, address, RequestKind(kind), words)
    except Invalid as refusal:
        return visit.page(_view(visit, email[:254], kind, words.replace("\0", ""), words_of(refusal)), 422)
    token = result_token(visit, PURPOSE, effect.value, int(bool(words.strip())), stamp(visit.at))
    return visit.go(f"/contact/sent/{token}")


@router.get("/contact/sent/{token}")
def sent(visit: Visiting, token: str) -> Response:
    """What the form did. A token that isn't this browser's leads back to the form."""
    facts = result_of(visit, PURPOSE, token)
    if facts is None:
        return visit.go("/contact")
    effect, words, at = facts
    return visit.page(ContactSentPage(at=instant(at), effect=Effect(effect).value, words=words == "1"))


def _receive(visit: Visit, address: str, kind: RequestKind, words: str) -> Effect:
    with visit.begin() as ctx:
        sender = requests.RequestSender(
            visit.reader, address, visit.ip, visit.device, visit.proved_reader is not None
        )
        return requests.record_request(ctx, sender, kind, words)[1]
