"""Tables as CSV downloads."""

from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse


def stream_csv(name: str, lines: Iterator[str]) -> Response:
    """A file sent while it is read. An error breaks off the connection, so the client notices that the file is cut short."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
