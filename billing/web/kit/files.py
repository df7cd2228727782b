"""Answers that are a file."""

from collections.abc import Sequence

from starlette.responses import Response

from billing.platform.errors import Refusal
from emails import Document, House, can_print, print_documents
from emails.languages import ENGLISH, Language


class NoPdf(Refusal):
    """This installation makes no PDFs. The invoice's page can be printed."""

    status = 501
    code = "pdf_not_installed"


def as_file(documents: Sequence[Document], house: House, language: Language = ENGLISH) -> Response:
    """The documents as one PDF. Call it with no transaction open: printing is slow. Raises NoPdf."""
    if not can_print():
        raise NoPdf
    pdf = print_documents(documents, house, language)
    headers = {"Content-Disposition": f'attachment; filename="{pdf.name}"'}
    return Response(pdf.content, media_type="application/pdf", headers=headers)
