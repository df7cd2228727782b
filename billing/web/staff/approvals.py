"""Acts that need a second member. A member other than the one who asked approves or declines them (SEC-6)."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.rules.money import Money
from billing.staff import approvals, members
from billing.staff.approval_models import Approval, ApprovalState
from billing.staff.models import StaffMember
from billing.staff.roles import Permission
from billing.staff.second_member import is_about, may_decide
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_team import ApprovalRow, StaffApprovalsPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/approvals"
LATEST = 20


@router.get(ROOM)
def show(visit: Annotated[StaffVisit, needs(Permission.APPROVE)]) -> Response:
    """What waits, and the latest decisions."""
    with visit.begin() as ctx:
        waiting = tuple(_row(ctx, visit.member, approval) for approval in approvals.waiting(ctx))
        decided = tuple(
            _row(ctx, visit.member, approval) for approval in approvals.decided(ctx.session, LATEST)
        )
    return visit.page(StaffApprovalsPage(waiting=waiting, decided=decided))


def _row(ctx: TransactionContext, member: StaffMember, approval: Approval) -> ApprovalRow:
    decided_by = members.by_id(ctx.session, approval.decided_by).email if approval.decided_by else None
    return ApprovalRow(
        approval_id=approval.id,
        kind=approval.kind.value,
        reader_id=approval.reader_id,
        asked_by=members.by_id(ctx.session, approval.asked_by).email,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        reason=approval.reason,
        amount=Money(approval.cents) if approval.cents else None,
        words=tuple(approval.words),
        state=approval.state.value,
        decided_by=decided_by or ("a command on the machine" if approval.decided_at else None),
        decided_at=approval.decided_at,
        may_approve=approval.state is ApprovalState.WAITING and may_decide(ctx, approval, member),
        may_decline=not is_about(approval, member),
    )


@router.post(f"{ROOM}/{{approval_id}}/approve")
def approve(
    visit: Annotated[StaffVisit, needs(Permission.APPROVE, acts=True, fresh=True)], approval_id: str
) -> Response:
    """Do the act if nothing has changed since it was asked for. Raises UnknownApproval, NotWaiting, NotTheSecond."""
    with visit.begin() as ctx:
        approval = approvals.approve(ctx, approval_id)
    done = approval.state is ApprovalState.DONE
    return visit.go(ROOM, "staff-approved" if done else "staff-not-approved")


@router.post(f"{ROOM}/{{approval_id}}/decline")
def decline(visit: Annotated[StaffVisit, needs(Permission.APPROVE, acts=True)], approval_id: str) -> Response:
    """Decline it for good. Raises UnknownApproval, NotWaiting, NotTheSecond."""
    with visit.begin() as ctx:
        approvals.decline(ctx, approval_id)
    return visit.go(ROOM, "staff-declined")
