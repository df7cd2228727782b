"""A reader asks us something: by a form, signed in or not. The moment it comes is kept."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.errors import Invalid
from billing.platform.storable import storable
from billing.staff import requests
from billing.staff.models import RequestKind
from billing.staff.requests import Effect
from billing.web.kit.typed import LINES
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.views.requests import ContactPage, ContactSentPage

router = APIRouter(include_in_schema=False)


class Unreadable(Invalid):
    """Something in it can't be read. Please type it again."""

    code = "unreadable"


KINDS = [kind for kind in RequestKind if kind is not RequestKind.WITHDRAW]
"""What can be written about here; a withdrawal is asked for where it is offered, because that cancels too."""


class Unclear(Invalid):
    """Say what it is about."""

    code = "unclear"


@router.get("/contact")
def form(visit: Visiting, about: str = "") -> Response:
    """What it is about, and a few words."""
    kind = about if about in KINDS else ""
    return visit.page(_view(visit, "", kind, ""))


def _view(visit: Visit, email: str, kind: str, words: str, error: str | None = None) -> ContactPage:
    known = visit.reader is not None
    return ContactPage(
        email=visit.reader.email if visit.reader else email,
        known=known,
        kind=kind,
        words=words,
        error=error,
    )


@router.post("/contact")
def send(
    visit: Guarded,
    kind: Annotated[str, Form(max_length=40)] = "",
    email: Annotated[str, Form(max_length=300)] = "",
    words: Annotated[str, Form(max_length=4000), LINES] = "",
    website: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Keep it; the answer is the same whether or not we know the address. `website` is empty but for robots, who are thanked too."""
    address = visit.reader.email if visit.reader else email
    try:
        if not storable([address, words]):
            raise Unreadable
        if kind not in KINDS:
            raise Unclear
        _count(visit, address)
        effect = Effect.WAITS if website else _receive(visit, address, RequestKind(kind), words)
    except Invalid as refusal:
        return visit.page(_view(visit, email[:254], kind, words.replace("\0", ""), refusal.detail), 422)
    return visit.page(ContactSentPage(at=visit.at, effect=effect.value, words=bool(words.strip())))


def _count(visit: Visit, address: str) -> None:
    """In a transaction of its own: what is refused counts too."""
    with visit.begin() as ctx:
        requests.count_tries(ctx, visit.reader, address, visit.ip)


def _receive(visit: Visit, address: str, kind: RequestKind, words: str) -> Effect:
    """Keep it; what it did at once."""
    with visit.begin() as ctx:
        return requests.record_request(
            ctx, reader=visit.reader, email=address, kind=kind, words=words, ip=visit.ip, device=visit.device
        ).effect
