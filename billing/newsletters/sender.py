"""What sending newsletters works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

import emails
from billing.mail.smtp import Outcome
from billing.platform.db import Database
from billing.platform.site import Office


class Line(Protocol):
    """A relay, with connections of its own: receipts never wait behind an issue (S15)."""

    def send(
        self,
        content: bytes,
        *,
        sender: str,
        recipient: str,
        stuffed: bool = False,
        before_final_dot: Callable[[], None] | None = None,
    ) -> Outcome:
        """Offers one mail; `before_final_dot` is called just before the relay may have it."""

    def close(self) -> None:
        """Ends its connections."""


@dataclass(frozen=True)
class Press:
    """One installation's way of sending issues. `connections` are open at once; `journals` is a folder on this machine."""

    database: Database
    line: Line
    office: Office
    house: emails.House
    sender: str
    bounce_domain: str
    journals: Path
    connections: int
    stopping: Event = field(default_factory=Event)
    """Set when the process is asked to end: the batch under way is finished, no other is begun."""

    @property
    def domain(self) -> str:
        """The sender's domain, in which List-Id and Message-ID live."""
        return self.sender.rpartition("@")[2]
