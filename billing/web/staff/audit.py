"""The audit: who did what, when, to whom and why. Members search it and export it as CSV."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from billing.platform.typed import NotADay, read_day
from billing.reports import sheets
from billing.rules.periods import start_of_day
from billing.staff import audit, fact_words, reads
from billing.staff.act_words import in_words
from billing.staff.audit import Sought
from billing.staff.models import AuditLine, Outcome
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.reads import ReadRow, StaffReadsPage
from billing.web.views.staff_records import AuditRow, StaffAuditPage

router = APIRouter(include_in_schema=False)
PAGE = 50
MOST_READS = 500
COLUMNS = (
    "id",
    "at",
    "by",
    "act",
    "act in words",
    "outcome",
    "reader",
    "subject",
    "why",
    "before",
    "after",
    "network address",
)
Auditing = Annotated[StaffVisit, needs(Permission.AUDIT)]
Exporting = Annotated[StaffVisit, needs(Permission.AUDIT, fresh=True, page="/staff/audit")]
Words = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Search:
    """What was typed into the search form."""

    words: Words = ""
    who: Words = ""
    reader: Words = ""
    act: Words = ""
    since: Words = ""
    until: Words = ""
    refused: Words = ""

    def filters(self, zone: ZoneInfo) -> tuple[Sought, str | None]:
        """The filters, and what is wrong with a typed day, which is left out then."""
        first = last = error = None
        try:
            first = read_day(self.since) if self.since else None
            last = read_day(self.until) if self.until else None
        except NotADay as refusal:
            error = refusal.detail
        return Sought(
            words=self.words.strip(),
            who=self.who.strip(),
            reader_id=self.reader.strip(),
            act=self.act,
            since=start_of_day(first, zone) if first else None,
            before=start_of_day(last + timedelta(days=1), zone) if last else None,
            refused_only=bool(self.refused),
        ), error


Searching = Annotated[Search, Depends()]


@router.get("/staff/audit")
def show(visit: Auditing, search: Searching, older: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """The lines found, newest first."""
    return _page(visit, search, older)


def _page(visit: StaffVisit, search: Search, older: int | None = None) -> Response:
    sought, error = search.filters(visit.services.site.zone)
    with visit.begin() as ctx:
        lines = audit.search(ctx.session, sought, limit=PAGE + 1, older_than=older)
        acts = tuple(audit.acts(ctx.session))
    typed = asdict(search)
    query = {name: value for name, value in typed.items() if value}
    next_page = {**query, "older": str(lines[PAGE - 1].id)} if len(lines) > PAGE else None
    view = StaffAuditPage(
        rows=tuple(_row(line) for line in lines[:PAGE]),
        acts=tuple((act, in_words(act)) for act in acts),
        csv=f"/staff/audit.csv?{urlencode(query)}",
        older=f"/staff/audit?{urlencode(next_page)}" if next_page else None,
        error=error,
        **typed | {"refused": bool(search.refused)},
    )
    return visit.page(view, 422 if error else 200)


def _row(line: AuditLine) -> AuditRow:
    before, after = _differing(line)
    return AuditRow(
        id=line.id or 0,
        at=line.at,
        by=line.by,
        act=in_words(line.act),
        refused=line.outcome is Outcome.REFUSED,
        reader_id=line.reader_id,
        subject=line.subject,
        reason=line.reason,
        before=before,
        after=after,
        ip=line.ip,
    )


Facts = tuple[tuple[str, str], ...]


def _differing(line: AuditLine) -> tuple[Facts, Facts]:
    """The facts that differ, before and after, in words."""
    old, new = (fact_words.in_words(line.act, facts) for facts in (line.before, line.after))
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return (
        tuple((name, old[name]) for name in changed if name in old),
        tuple((name, new[name]) for name in changed if name in new),
    )


@router.get("/staff/audit/reads")
def bulk_reads(visit: Auditing, who: Words = "") -> Response:
    """How many readers programs and staff read of, by the hour, newest first."""
    with visit.begin() as ctx:
        lines = reads.latest(ctx.session, who=who.strip(), limit=MOST_READS)
    rows = tuple(
        ReadRow(hour=line.hour, by=line.by, what=line.what, calls=line.calls, readers=line.readers)
        for line in lines
    )
    return visit.page(StaffReadsPage(rows=rows, who=who))


@router.get("/staff/audit.csv")
def export(visit: Exporting, search: Searching) -> Response:
    """All lines found as a file, sent while it is read. The export is audited too. A wrong day gives the page, which says so."""
    sought, error = search.filters(visit.services.site.zone)
    if error:
        return _page(visit, search)
    with visit.begin() as ctx:
        line = audit.write(ctx, "export_audit", after={"lines": audit.count(ctx.session, sought)})
    return stream_csv("audit.csv", sheets.lines(COLUMNS, _rows(visit, sought, older_than=line.id)))


def _rows(visit: StaffVisit, sought: Sought, *, older_than: int | None) -> Iterator[list[object]]:
    """From the primary, not from a standby for reports, which may lack the last lines."""
    zone = visit.services.site.zone
    with visit.services.database.transaction() as session:  # its own: the file is sent after the request's
        for line in audit.stream(session, sought, older_than=older_than):
            yield _cells(line, zone)


def _cells(line: AuditLine, zone: ZoneInfo) -> list[object]:
    return [
        line.id,
        line.at.astimezone(zone).isoformat(),
        line.by,
        line.act,
        in_words(line.act),
        line.outcome.value,
        line.reader_id or "",
        line.subject or "",
        line.reason,
        json.dumps(line.before, ensure_ascii=False, sort_keys=True),
        json.dumps(line.after, ensure_ascii=False, sort_keys=True),
        line.ip,
    ]
