"""The button that undoes a refund within its minute."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.staff.roles import Permission
from billing.staff.undo_refund import undo_refund
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)


@router.post("/staff/readers/{reader_id}/refunds/{refund_id}/undo")
def undo(
    visit: Annotated[StaffVisit, needs(Permission.REFUND, acts=True)], reader_id: str, refund_id: str
) -> Response:
    """Take it back, while no money has left. Raises UnknownReader, UnknownPayment, TooLateToUndo."""
    with visit.begin() as ctx:
        undo_refund(ctx, reader_id, refund_id)
    return visit.go(f"/staff/readers/{reader_id}", "staff-undone")
