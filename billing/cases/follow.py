"""Let an open case follow what it is about: its sentence, its deadline, and for whom it waits."""

from datetime import datetime

from sqlmodel import col, select

from billing.cases.models import Case, CaseKind
from billing.platform.context import TransactionContext


def follow(
    ctx: TransactionContext,
    kind: CaseKind,
    subject: str,
    what: str,
    *,
    act_by: datetime | None,
    waits_for_bank: bool,
) -> bool:
    """Change the open case about this subject; False where none is open. While it waits for the bank, it has no deadline."""
    case = ctx.session.exec(
        select(Case)
        .where(Case.kind == kind.value, Case.subject == subject, col(Case.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if case is None:
        return False
    case.what, case.act_by = what, None if waits_for_bank else act_by
    case.waits_since = (case.waits_since or ctx.at) if waits_for_bank else None
    return True
