"""What sending newsletters needs of the installation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

import emails
from billing.mail.smtp import Outcome
from billing.platform.db import Database
from billing.platform.site import Site


class Relay(Protocol):
    """The SMTP relay, on connections of its own: receipts never wait behind an issue (S15)."""

    def send(
        self,
        content: bytes,
        *,
        sender: str,
        recipient: str,
        stuffed: bool = False,
        before_final_dot: Callable[[], None] | None = None,
    ) -> Outcome:
        """Offer one mail. Calls `before_final_dot` just before the final dot, after which the relay may have the mail."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True)
class NewsletterSender:
    """One installation's sending. `connections` are open at once; `send_logs` is a folder on this machine; `address` is in From."""

    database: Database
    relay: Relay
    site: Site
    house: emails.House
    address: str
    bounce_domain: str
    send_logs: Path
    connections: int
    stopping: Event = field(default_factory=Event)
    """Set when the process is told to stop. It finishes its batch and claims no other."""

    @property
    def domain(self) -> str:
        """The domain of List-Id and Message-ID."""
        return self.address.rpartition("@")[2]
