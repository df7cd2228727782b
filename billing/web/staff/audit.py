"""The audit: who did what, when, on whom, why; to search, and to take along as CSV."""

from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from billing.rules.periods import start_of_day
from billing.staff import audit, reads
from billing.staff.audit import Sought
from billing.staff.models import AuditLine, Outcome
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import as_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.keys import ReadRow, StaffReadsPage
from billing.web.views.staff import AuditRow, StaffAuditPage

router = APIRouter(include_in_schema=False)
PAGE = 50
MOST_READS = 500
MOST_ROWS = 50_000
COLUMNS = (
    "id",
    "at",
    "by",
    "act",
    "outcome",
    "reader",
    "subject",
    "why",
    "before",
    "after",
    "network address",
)
Auditing = Annotated[StaffVisit, needs(Permission.AUDIT)]
Taking = Annotated[StaffVisit, needs(Permission.AUDIT, fresh=True, page="/staff/audit")]
Words = Annotated[str, Query(max_length=200)]


@router.get("/staff/audit")
def look(
    visit: Auditing,
    who: Words = "",
    reader: Words = "",
    act: Words = "",
    since: Words = "",
    until: Words = "",
    refused: Words = "",
    older: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """Newest first."""
    sought, error = _sought(visit, who, reader, act, since, until, refused)
    with visit.services.database.transaction() as session:
        lines = audit.search(session, sought, limit=PAGE + 1, older_than=older)
        acts = tuple(audit.acts(session))
    asked = {"who": who, "reader": reader, "act": act, "since": since, "until": until, "refused": refused}
    given = {name: value for name, value in asked.items() if value}
    more = {**given, "older": str(lines[PAGE - 1].id)} if len(lines) > PAGE else None
    return visit.page(
        StaffAuditPage(
            rows=tuple(_row(line) for line in lines[:PAGE]),
            acts=acts,
            who=who,
            reader=reader,
            act=act,
            since=since,
            until=until,
            refused=bool(refused),
            csv=f"/staff/audit.csv?{urlencode(given)}",
            older=f"/staff/audit?{urlencode(more)}" if more else None,
            error=error,
        ),
        422 if error else 200,
    )


def _sought(
    visit: StaffVisit, who: str, reader: str, act: str, since: str, until: str, refused: str
) -> tuple[Sought, str | None]:
    zone = visit.services.site.zone
    error = None
    first = last = None
    try:
        first = date.fromisoformat(since) if since else None
        last = date.fromisoformat(until) if until else None
    except ValueError:
        error = "A day is written as 2027-03-01."
    sought = Sought(
        who=who.strip(),
        reader_id=reader.strip(),
        act=act,
        since=start_of_day(first, zone) if first else None,
        before=start_of_day(last + timedelta(days=1), zone) if last else None,
        refused_only=bool(refused),
    )
    return sought, error


def _row(line: AuditLine) -> AuditRow:
    before, after = _differing(line.before, line.after)
    return AuditRow(
        id=line.id or 0,
        at=line.at,
        by=line.by,
        act=line.act,
        refused=line.outcome is Outcome.REFUSED,
        reader_id=line.reader_id,
        subject=line.subject,
        reason=line.reason,
        before=before,
        after=after,
        ip=line.ip,
    )


Facts = tuple[tuple[str, str], ...]


def _differing(before: dict[str, Any], after: dict[str, Any]) -> tuple[Facts, Facts]:
    """What changed; what stayed as it was says nothing."""
    old, new = _flat(before), _flat(after)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return (
        tuple((name, old[name]) for name in changed if name in old),
        tuple((name, new[name]) for name in changed if name in new),
    )


def _flat(facts: dict[str, Any], within: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in facts.items():
        where = f"{within}{name}".replace("_", " ")
        if isinstance(value, dict):
            found |= _flat(value, f"{where}: ")
        else:
            found[where] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found


@router.get("/staff/audit/reads")
def bulk_reads(visit: Auditing, who: Words = "") -> Response:
    """How much programs and staff read of readers, by the hour, newest first."""
    with visit.services.database.transaction() as session:
        lines = reads.latest(session, who=who.strip(), limit=MOST_READS)
    rows = tuple(
        ReadRow(hour=line.hour, by=line.by, what=line.what, calls=line.calls, readers=line.readers)
        for line in lines
    )
    return visit.page(StaffReadsPage(rows=rows, who=who))


@router.get("/staff/audit.csv")
def export(
    visit: Taking,
    who: Words = "",
    reader: Words = "",
    act: Words = "",
    since: Words = "",
    until: Words = "",
    refused: Words = "",
) -> Response:
    """The same lines as a file; that it was taken is audited too."""
    sought, _ = _sought(visit, who, reader, act, since, until, refused)
    with visit.begin() as ctx:
        lines = audit.search(ctx.session, sought, limit=MOST_ROWS)
        audit.write(ctx, "export_audit", after={"lines": len(lines)})
    return as_csv("audit.csv", COLUMNS, [_cells(line) for line in lines])


def _cells(line: AuditLine) -> list[object]:
    return [
        line.id,
        line.at.isoformat(),
        line.by,
        line.act,
        line.outcome.value,
        line.reader_id or "",
        line.subject or "",
        line.reason,
        line.before,
        line.after,
        line.ip,
    ]
