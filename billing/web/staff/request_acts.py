"""Acts of members on a request besides answering it: take it, let it go, sort it, note something, close it without a mail."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.platform.storable import storable
from billing.staff import request_work
from billing.staff.models import RequestKind
from billing.web.kit.typed import LINES
from billing.web.reader.contact import Unreadable
from billing.web.staff.requests import Acting, TypedOnRequest, request_page

router = APIRouter(include_in_schema=False)
ROOM = "/staff/requests/{request_id}"


@router.post(f"{ROOM}/claim")
def claim(visit: Acting, request_id: str, holder: Annotated[str, Form(max_length=60)] = "") -> Response:
    """Take it, over from `holder` (a member's id) if somebody has it."""
    return _act(visit, request_id, lambda ctx: request_work.claim(ctx, request_id, holder=holder))


@router.post(f"{ROOM}/release")
def release(visit: Acting, request_id: str) -> Response:
    """Let it go."""
    return _act(visit, request_id, lambda ctx: request_work.release(ctx, request_id))


@router.post(f"{ROOM}/kind")
def sort(visit: Acting, request_id: str, kind: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Say what it is about."""

    def do(ctx: TransactionContext) -> None:
        if kind not in request_work.KINDS:
            raise request_work.KeepsItsKind
        request_work.set_kind(ctx, request_id, RequestKind(kind))

    return _act(visit, request_id, do)


@router.post(f"{ROOM}/note")
def note(
    visit: Acting, request_id: str, words: Annotated[str, Form(max_length=4000), LINES] = ""
) -> Response:
    """Keep a note for other members."""

    def do(ctx: TransactionContext) -> None:
        if not storable([words]):
            raise Unreadable
        request_work.add_note(ctx, request_id, words)

    return _act(visit, request_id, do, TypedOnRequest(note=words))


@router.post(f"{ROOM}/close")
def close(visit: Acting, request_id: str, reason: Annotated[str, Form(max_length=300)] = "") -> Response:
    """Close it without a mail."""

    def do(ctx: TransactionContext) -> None:
        if not storable([reason]):
            raise Unreadable
        request_work.close(ctx, request_id, reason)

    return _act(visit, request_id, do, TypedOnRequest(closing=reason))


def _act(
    visit: Acting,
    request_id: str,
    do: Callable[[TransactionContext], None],
    typed: TypedOnRequest = TypedOnRequest(),
) -> Response:
    """Do it, and show the request again; where it is refused, with what was typed. Raises UnknownRequest."""
    try:
        with visit.begin() as ctx:
            do(ctx)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        with visit.begin() as ctx:
            view = request_page(visit, ctx, request_id, replace(typed, error=refusal.detail))
        return visit.page(view, refusal.status)
    return visit.go(f"/staff/requests/{request_id}", "staff-saved")
