"""All of a reader's data in one file."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPage:
    """`is_making`: a file is being made. `made_at`: when the newest one that can be downloaded was made, until `expires_at`, with
    its size in kilobytes."""

    template: ClassVar[str] = "data.html"
    email: str
    is_making: bool = False
    made_at: datetime | None = None
    expires_at: datetime | None = None
    kilobytes: int = 0
