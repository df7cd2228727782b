"""Answers that are a file."""

from collections.abc import Sequence

from starlette.responses import Response

from emails import Document, House, print_documents


def as_file(documents: Sequence[Document], house: House) -> Response:
    """The documents as one PDF. Call it with no transaction open: printing is slow."""
    pdf = print_documents(documents, house)
    headers = {"Content-Disposition": f'attachment; filename="{pdf.name}"'}
    return Response(pdf.content, media_type="application/pdf", headers=headers)
