"""Answers that are a file to keep."""

from starlette.responses import Response

from emails import Paper


def as_file(paper: Paper) -> Response:
    """A PDF under its name."""
    headers = {"Content-Disposition": f'attachment; filename="{paper.name}"'}
    return Response(paper.content, media_type="application/pdf", headers=headers)
