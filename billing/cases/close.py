"""Close a case, with its actor and the reason."""

from sqlmodel import col, select

from billing.cases.models import Case, CaseKind
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound


class UnknownCase(NotFound):
    """There is no such case."""

    code = "unknown_case"


class CaseClosed(Conflict):
    """Somebody has closed this case already."""

    code = "case_closed"


class CaseNeedsReason(Invalid):
    """Say in a few words what explains it: the reason stays with the case."""

    code = "needs_reason"


def close(ctx: TransactionContext, case_id: str, *, reason: str) -> Case:
    """Raises UnknownCase, CaseClosed, CaseNeedsReason."""
    case = lock_row(ctx.session, Case, case_id)
    if case is None:
        raise UnknownCase
    if case.closed_at is not None:
        raise CaseClosed
    if not reason.strip():
        raise CaseNeedsReason
    case.closed_at, case.reason = ctx.at, reason.strip()
    case.note_closed_by(ctx.actor)
    return case


def close_about(ctx: TransactionContext, kind: CaseKind, subject: str, *, reason: str) -> None:
    """Close the case about something that ended by itself, if it is open."""
    case_id = ctx.session.exec(
        select(Case.id).where(Case.kind == kind.value, Case.subject == subject, col(Case.closed_at).is_(None))
    ).first()
    if case_id is not None:
        close(ctx, case_id, reason=reason)


def close_about_payment(
    ctx: TransactionContext, kind: CaseKind, *, reader_id: str, payment_id: str, reason: str
) -> None:
    """Close the open cases of a kind whose facts name this payment of the reader."""
    about = Case.facts["payment"].as_string() == payment_id
    found = select(Case.id).where(
        Case.kind == kind.value, Case.reader_id == reader_id, col(Case.closed_at).is_(None), about
    )
    for case_id in ctx.session.exec(found).all():
        close(ctx, case_id, reason=reason)
