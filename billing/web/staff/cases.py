"""Cases: findings that only a person can explain. Members read them and close them with a reason."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query
from sqlmodel import Session, func, select
from starlette.responses import Response

from billing.cases import find
from billing.cases.close import CaseClosed, CaseNeedsReason
from billing.cases.close import close as close_case
from billing.cases.models import Case
from billing.payments.balance_models import Reconciliation
from billing.rules.card_numbers import without_card_numbers
from billing.rules.money import Money
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.staff.case_links import link_of
from billing.web.staff.case_rows import case_rows
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.cases import EvidenceGroup, StaffCasePage, StaffCasesPage, StaffClosedCasesPage

router = APIRouter(include_in_schema=False)
After = Annotated[str, Query(max_length=64)]
PAGE = 50
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


@router.get("/staff/cases")
def waiting(visit: Annotated[StaffVisit, needs(Permission.CASES)], after: After = "") -> Response:
    """The open cases, a page at a time. `after`: the last case of the page before. Raises UnknownCase."""
    with visit.read() as ctx:
        found = find.waiting(ctx.session, PAGE + 1, _last(ctx.session, after))
        view = StaffCasesPage(
            rows=case_rows(ctx.session, found[:PAGE]),
            compared=_compared(ctx.session),
            more=_next("/staff/cases", found),
        )
    return visit.page(view)


@router.get("/staff/cases/closed")
def closed(visit: Annotated[StaffVisit, needs(Permission.CASES)], after: After = "") -> Response:
    """The closed cases, a page at a time. Raises UnknownCase."""
    with visit.read() as ctx:
        found = find.closed(ctx.session, PAGE + 1, _last(ctx.session, after))
        rows = case_rows(ctx.session, found[:PAGE])
    return visit.page(StaffClosedCasesPage(rows=rows, more=_next("/staff/cases/closed", found)))


def _last(session: Session, case_id: str) -> Case | None:
    return find.one(session, case_id) if case_id else None


def _next(address: str, found: list[Case]) -> str | None:
    return f"{address}?after={found[PAGE - 1].id}" if len(found) > PAGE else None


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
    with visit.read() as ctx:
        view = _view(visit, ctx.session, find.one(ctx.session, case_id))
    return visit.page(view)


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
            view = _view(
                visit, ctx.session, find.one(ctx.session, case_id), draft=reason, error=refusal.detail
            )
        return visit.page(view, refusal.status)
    return visit.go("/staff/cases", "staff-case-closed")


def _view(
    visit: StaffVisit, session: Session, case: Case, *, draft: str = "", error: str | None = None
) -> StaffCasePage:
    [row] = case_rows(session, [case])
    groups = evidence_groups(case.facts, visit.services.site.zone)
    return StaffCasePage(row=row, groups=groups, link=link_of(session, case), draft=draft, error=error)


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
