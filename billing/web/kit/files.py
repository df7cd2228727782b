"""Answers that are a file to keep."""

from collections.abc import Sequence

from starlette.responses import Response

from emails import Document, House, print_documents


def as_file(documents: Sequence[Document], house: House) -> Response:
    """These documents as one PDF under its name. No transaction should be open: printing takes its time."""
    pdf = print_documents(documents, house)
    headers = {"Content-Disposition": f'attachment; filename="{pdf.name}"'}
    return Response(pdf.content, media_type="application/pdf", headers=headers)
