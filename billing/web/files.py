"""Answers that are a file to keep."""

from collections.abc import Sequence

from starlette.responses import Response

from emails import House, Message, print_papers


def as_file(words: Sequence[Message], house: House) -> Response:
    """These documents as one PDF under its name. No transaction should be open: printing takes its time."""
    paper = print_papers(words, house)
    headers = {"Content-Disposition": f'attachment; filename="{paper.name}"'}
    return Response(paper.content, media_type="application/pdf", headers=headers)
