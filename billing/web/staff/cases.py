"""Cases: findings that only a person can explain. Members read them and close them with a reason."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from sqlmodel import Session, func, select
from starlette.responses import Response

from billing.cases import find
from billing.cases.close import CaseClosed, CaseNeedsReason
from billing.cases.close import close as close_case
from billing.cases.models import Case, CaseKind
from billing.payments.balance_models import Reconciliation
from billing.rules.card_numbers import without_card_numbers
from billing.rules.money import Money
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.cases import CaseRow, EvidenceGroup, StaffCasePage, StaffCasesPage

router = APIRouter(include_in_schema=False)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


@router.get("/staff/cases")
def waiting(visit: Annotated[StaffVisit, needs(Permission.CASES)]) -> Response:
    """The open cases, and the ones closed last."""
    with visit.begin() as ctx:
        view = StaffCasesPage(
            rows=tuple(_row(case) for case in find.waiting(ctx.session)),
            closed=tuple(_row(case) for case in find.closed(ctx.session)),
            compared=_compared(ctx.session),
        )
    return visit.page(view)


def _compared(session: Session) -> str:
    through = session.exec(select(func.max(Reconciliation.through))).one()
    if through is None:
        return "Our books are compared with the acquirer’s each morning, from the first charge on."
    row = session.get_one(Reconciliation, through)
    day = f"{row.through:%A} {row.through.day} {row.through:%B %Y}"
    if row.done_at is None:
        return f"Our books could not be compared with the acquirer’s for {day} yet ({row.problem}); it is tried again."
    return f"Our books were compared with the acquirer’s through {day}."


@router.get("/staff/cases/{case_id}")
def one(visit: Annotated[StaffVisit, needs(Permission.CASES)], case_id: str) -> Response:
    """One case with its evidence."""
    with visit.begin() as ctx:
        return visit.page(_view(visit, find.one(ctx.session, case_id)))


@router.post("/staff/cases/{case_id}/close")
def close(
    visit: Annotated[StaffVisit, needs(Permission.CASES, acts=True)],
    case_id: str,
    reason: Annotated[str, Form(max_length=1000), LINES] = "",
) -> Response:
    """Close it. If two members do so at once, the second sees the first one's reason."""
    reason = without_card_numbers(reason)
    try:
        with visit.begin() as ctx:
            case = close_case(ctx, case_id, reason=reason)
            audit.write(
                ctx,
                "close_case",
                reader_id=case.reader_id,
                subject=case.id,
                reason=reason,
                before={"case": "open"},
                after={"case": "closed"},
            )
    except (CaseNeedsReason, CaseClosed) as refusal:
        with visit.begin() as ctx:
            view = _view(visit, find.one(ctx.session, case_id), draft=reason, error=refusal.detail)
        return visit.page(view, refusal.status)
    return visit.go("/staff/cases", "staff-case-closed")


def _view(visit: StaffVisit, case: Case, *, draft: str = "", error: str | None = None) -> StaffCasePage:
    groups = evidence_groups(case.facts, visit.services.site.zone)
    return StaffCasePage(row=_row(case), groups=groups, link=case.link, draft=draft, error=error)


def _row(case: Case) -> CaseRow:
    return CaseRow(
        case_id=case.id,
        kind=CaseKind(case.kind).words,
        what=case.what,
        opened_at=case.opened_at,
        act_by=case.act_by,
        reader_id=case.reader_id,
        ours=Money(case.ours, case.currency) if case.ours is not None else None,
        theirs=Money(case.theirs, case.currency) if case.theirs is not None else None,
        closed_at=case.closed_at,
        closed_by=case.closed_by,
        reason=case.reason,
    )


def evidence_groups(facts: Mapping[str, Any], zone: ZoneInfo, within: str = "") -> tuple[EvidenceGroup, ...]:
    """Nested facts as groups of rows: single values form one group, each list and each inner mapping its own."""
    single = _in_words({n: v for n, v in facts.items() if not isinstance(v, (Mapping, list))}, zone)
    groups = [EvidenceGroup(title=within, rows=(single,))] if single else []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            groups += evidence_groups(value, zone, name)
        elif isinstance(value, list) and value:
            groups.append(EvidenceGroup(title=name, rows=tuple(_in_words(row, zone) for row in value)))
    return tuple(groups)


def _in_words(row: Mapping[str, Any], zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    return tuple(_fact_in_words(name, value, zone) for name, value in row.items() if value)


def _fact_in_words(name: str, value: Any, zone: ZoneInfo) -> tuple[str, str]:
    """Cents as rand, instants in the publisher's zone, anything else as it is."""
    if name == "cents" and isinstance(value, int):
        return "amount", Money(value).with_vat_words()
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        local = datetime.fromisoformat(value).astimezone(zone)
        return name, f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
    return name, str(value)
