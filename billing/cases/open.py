"""Open a case, once for each thing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from billing.cases.models import Case, CaseKind
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.rules.money import BASE_CURRENCY


def open_case(
    ctx: TransactionContext,
    kind: CaseKind,
    subject: str,
    what: str,
    *,
    reader_id: str | None = None,
    ours: int | None = None,
    theirs: int | None = None,
    currency: str = BASE_CURRENCY,
    facts: Mapping[str, Any] | None = None,
    link: str | None = None,
    act_by: datetime | None = None,
) -> bool:
    """Open a case about `subject`, unless there is or was one of this kind; whether it was opened. `ours` and `theirs` are
    minor units (cents) of the currency; `facts` hold what can stand in JSON."""
    row = insert(Case).values(
        id=ids.new("cas", ctx.at),
        kind=kind.value,
        subject=subject,
        what=what,
        reader_id=reader_id,
        ours=ours,
        theirs=theirs,
        currency=currency,
        facts=dict(facts or {}),
        link=link,
        act_by=act_by,
        opened_at=ctx.at,
    )
    once = row.on_conflict_do_nothing(index_elements=["kind", "subject"]).returning(col(Case.id))
    return ctx.session.execute(once).first() is not None
