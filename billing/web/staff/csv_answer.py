"""A table as a file to take along."""

from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import Response, StreamingResponse

from billing.reports import sheets


def as_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A file for a spreadsheet, from rows at hand."""
    return stream_csv(name, sheets.lines(columns, rows))


def stream_csv(name: str, lines: Iterator[str]) -> Response:
    """A file that is sent while it is read. An error on the way breaks the connection off, so half a file is not taken for one."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
