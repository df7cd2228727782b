"""The page on which staff give complimentary days to an address that has no account."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.platform.errors import Refusal
from billing.readers.register import LONGEST_ADDRESS
from billing.staff.acts import invite
from billing.staff.acts.invite import HasAccount
from billing.staff.acts.limits import OverLimit
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.staff.act_forms import PREVIEW, read_days
from billing.web.staff.guard import StaffVisit, needs, refuse
from billing.web.views.staff_invite import StaffInvitePage

router = APIRouter(include_in_schema=False)
PAGE = "/staff/complimentary"
MOST_TYPED = 2 * LONGEST_ADDRESS


@router.get(PAGE)
def show(
    visit: Annotated[StaffVisit, needs(Permission.COMPLIMENTARY)],
    email: Annotated[str, Query(max_length=MOST_TYPED)] = "",
) -> Response:
    """The form; with an address, what would happen for seven days. No log of ours has the query (see `find.search`)."""
    if not email.strip():
        return visit.page(StaffInvitePage())
    return _previewed(visit, StaffInvitePage(email=email.strip()))


@router.post(PAGE)
def give(
    visit: Annotated[StaffVisit, needs(Permission.COMPLIMENTARY, acts=True)],
    email: Annotated[str, Form(max_length=MOST_TYPED)] = "",
    days: Annotated[str, Form(max_length=60)] = "7",
    reason: Annotated[str, Form(max_length=1000), LINES] = "",
    version: Annotated[str, Form(max_length=100)] = "",
    step: Annotated[str, Form(max_length=20)] = PREVIEW,
) -> Response:
    """Show what would happen, or do it. An address with an account leads to its reader's page of the act."""
    typed = StaffInvitePage(email=email.strip(), days=days, reason=reason)
    if step == PREVIEW or not version:
        return _previewed(visit, typed)
    try:
        with visit.begin() as ctx:
            reader = invite.invite(
                *(ctx, email, read_days(days)),
                role=visit.member.role,
                reason=reason,
                version=version,
            )
        return visit.go(f"/staff/readers/{reader.id}", "staff-done")
    except HasAccount as known:
        return _to_account(visit, known)
    except OverLimit as over:
        refuse(visit, Permission.COMPLIMENTARY, words=over.detail)
    except Refusal as refusal:
        return _previewed(visit, typed, refusal)


def _previewed(visit: StaffVisit, typed: StaffInvitePage, refused: Refusal | None = None) -> Response:
    words: tuple[str, ...] = ()
    button, version, problem = "", "", refused
    try:
        with visit.begin() as ctx:
            given, version = invite.preview(ctx, typed.email, read_days(typed.days), role=visit.member.role)
        words, button = given.words, given.button
    except HasAccount as known:
        return _to_account(visit, known)
    except OverLimit as over:
        refuse(visit, Permission.COMPLIMENTARY, words=over.detail)
    except Refusal as refusal:
        problem = refused or refusal
    view = StaffInvitePage(
        email=typed.email,
        days=typed.days,
        reason=typed.reason,
        words=words,
        button=button,
        version=version,
        error=problem.detail if problem else None,
    )
    return visit.page(view, problem.status if problem else 200)


def _to_account(visit: StaffVisit, known: HasAccount) -> Response:
    return visit.go(f"/staff/readers/{known.reader_id}/complimentary", "staff-has-account")
