"""What the forms of a page with several do: it is done, or the page comes again with what was typed."""

from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound, Refusal
from billing.web.staff.guard import StaffVisit
from billing.web.views.typed_form import TypedForm


def save(
    visit: StaffVisit,
    form: TypedForm,
    do: Callable[[TransactionContext], object],
    *,
    room: str,
    page: Callable[[StaffVisit, TypedForm, int], Response],
    unknown: type[NotFound],
) -> Response:
    """Do what a form asks for, and go back to the room. Where it is refused, `page` shows the form again. Raises `unknown` where the page
    has no form of what it would change."""
    try:
        with visit.begin() as ctx:
            do(ctx)
    except Refusal as refusal:
        if form.of and isinstance(refusal, unknown):
            raise
        return page(visit, replace(form, error=refusal.detail), refusal.status)
    return visit.go(room, "staff-saved")
