"""Reading a PDF as a person does."""

import io
from functools import cached_property
from typing import Any

from pypdf import PdfReader


class Pdf:
    """A file that came by mail or over HTTP."""

    def __init__(self, content: bytes) -> None:
        self._file = PdfReader(io.BytesIO(content), strict=True)

    @cached_property
    def pages(self) -> list[str]:
        """The words of each page, with one space between them."""
        return [" ".join(page.extract_text().split()) for page in self._file.pages]

    @property
    def words(self) -> str:
        """Those of all pages."""
        return " ".join(self.pages)

    @property
    def title(self) -> str:
        """What a window that shows it is called."""
        return str(self._file.metadata.title) if self._file.metadata else ""

    @property
    def is_accessible(self) -> bool:
        """Whether it is tagged, in English, and says that it keeps PDF/UA-1."""
        root: Any = self._file.root_object
        metadata = self._file.xmp_metadata
        says = metadata is not None and b"<pdfuaid:part>1<" in metadata.stream.get_data()
        return bool(says and root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-ZA")
