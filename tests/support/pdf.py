"""Read a PDF's text and properties."""

import io
from functools import cached_property
from typing import Any

from pypdf import PdfReader


class Pdf:
    """A PDF that came by mail or over HTTP."""

    def __init__(self, content: bytes) -> None:
        self._file = PdfReader(io.BytesIO(content), strict=True)

    @cached_property
    def pages(self) -> list[str]:
        """The text of each page, with single spaces."""
        return [" ".join(page.extract_text().split()) for page in self._file.pages]

    @property
    def words(self) -> str:
        """The text of all pages."""
        return " ".join(self.pages)

    @property
    def title(self) -> str:
        """The document's title."""
        return str(self._file.metadata.title) if self._file.metadata else ""

    @property
    def language(self) -> str:
        """The language that it says it is in: "en-ZA"."""
        root: Any = self._file.root_object
        return str(root["/Lang"])

    @property
    def is_accessible(self) -> bool:
        """Whether it is tagged, in English, and declares PDF/UA-1."""
        root: Any = self._file.root_object
        metadata = self._file.xmp_metadata
        declared = metadata is not None and b"<pdfuaid:part>1<" in metadata.stream.get_data()
        return bool(declared and root["/MarkInfo"]["/Marked"] and self.language == "en-ZA")
