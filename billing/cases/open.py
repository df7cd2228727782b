"""Open a case, once for each subject."""

from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from billing.cases.models import Case, CaseKind
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.rules.money import BASE_CURRENCY


class CaseDetails(TypedDict, total=False):
    """What a case may say besides; see the columns of `Case`."""

    reader_id: str | None
    ours: int | None
    theirs: int | None
    currency: str
    facts: dict[str, Any]
    link: str | None
    act_by: datetime | None
    waits_since: datetime | None


def open_case(
    ctx: TransactionContext, kind: CaseKind, subject: str, what: str, **details: Unpack[CaseDetails]
) -> bool:
    """Open a case about `subject`, unless there is or was one of this kind; whether it was opened."""
    details = {"currency": BASE_CURRENCY, "facts": {}, **details}
    row = insert(Case).values(
        id=ids.new("cas", ctx.at), kind=kind.value, subject=subject, what=what, opened_at=ctx.at, **details
    )
    once = row.on_conflict_do_nothing(index_elements=["kind", "subject"]).returning(col(Case.id))
    return ctx.session.execute(once).first() is not None
