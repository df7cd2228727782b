"""A member adds a passkey, or removes one; `/staff/sessions` lists them. How one is used is in `sign_in` and `step_up`."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.staff import passkeys
from billing.web.staff.guard import StaffFresh, StaffVisit
from billing.web.views.staff_passkeys import StaffAddPasskeyPage

router = APIRouter(include_in_schema=False)
HOME = "/staff/sessions"
ROOM = "/staff/passkeys"
FAILED = "That did not work, and nothing was added. Please try again."


def _page(visit: StaffVisit, error: str | None = None) -> Response:
    with visit.read() as ctx:
        options = passkeys.new_options(ctx, visit.member, visit.services.sender.house.name)
    if options is None:
        return visit.go(HOME)
    page = StaffAddPasskeyPage(email=visit.member.email, options=options, error=error)
    return visit.page(page, 422 if error else 200)


@router.post(f"{ROOM}/new")
def begin(visit: StaffFresh) -> Response:
    """The button that makes one, after a fresh code. Raises StaffMustProve."""
    return _page(visit)


@router.post(ROOM)
def add(
    visit: StaffFresh,
    credential: Annotated[str, Form()] = "",
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Keep the passkey that the browser has made. Raises StaffMustProve, EnoughStaffPasskeys."""
    with visit.begin() as ctx:
        made = passkeys.add(ctx, visit.member, credential, name, visit.browser)
    if made is None:
        return _page(visit, FAILED)
    return visit.go(HOME, "staff-passkey-added")


@router.post(f"{ROOM}/{{passkey_id}}/remove")
def remove(visit: StaffFresh, passkey_id: str) -> Response:
    """Remove it, after a fresh code. Another member's counts as unknown (SEC-7). Raises StaffMustProve, UnknownStaffPasskey."""
    with visit.begin() as ctx:
        passkeys.remove(ctx, visit.member, passkey_id, visit.browser)
    return visit.go(HOME, "staff-passkey-removed")
