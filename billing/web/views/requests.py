"""A reader's own page about a request of theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestConfirm:
    """Asks whether a request to cancel is the reader's, or thanks for saying so; then `waits` says that staff still give back
    what was charged since."""

    template: ClassVar[str] = "request_confirm.html"
    received_at: datetime
    words: str
    done: bool = False
    waits: bool = False
