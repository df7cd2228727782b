"""The condensed journal as a file to import, by day or by month: plain, for Xero, for Sage."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date

from fastapi import APIRouter
from starlette.responses import Response

from billing.reports import condensed, journal_files
from billing.reports.condensed import JournalUnit
from billing.reports.journal_files import LAYOUTS, JournalSettings
from billing.staff import audit
from billing.web.staff.books import ROOM, Exporting, Month, UnknownFile, first_day, last_day
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit

router = APIRouter(include_in_schema=False)


@router.get(f"{ROOM}/journals/{{name}}")
def export(visit: Exporting, name: str, month: Month = "", by: JournalUnit = JournalUnit.DAY) -> Response:
    """A month's journal in a layout; several files come as one ZIP. The export is audited. Raises UnknownFile."""
    layout = LAYOUTS.get(name)
    if layout is None:
        raise UnknownFile
    first = first_day(visit, month)
    with visit.begin() as ctx:
        audit.write(ctx, "export_books", after={"file": name, "month": f"{first:%Y-%m}", "by": by.value})
    texts = list(_texts(visit, name, first, by))
    stem = journal_files.stem(layout, by, first, last_day(first), visit.today)
    return stream_csv(f"{stem}.csv", iter(texts)) if len(texts) == 1 else _zipped(stem, texts)


def _texts(visit: StaffVisit, name: str, first: date, by: JournalUnit) -> Iterator[str]:
    database = visit.services.reports_source().database
    with database.transaction() as session:
        found = condensed.entries(session, first, last_day(first), by)
        yield from journal_files.files(LAYOUTS[name], found, JournalSettings.of(visit.services.settings))


def _zipped(stem: str, texts: Sequence[str]) -> Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in journal_files.named(stem, texts):
            archive.writestr(f"{name}.csv", text)
    headers = {"Content-Disposition": f'attachment; filename="{stem}.zip"'}
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)
