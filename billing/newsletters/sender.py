"""What sending newsletters needs of the installation."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import emails
from billing.brand.publisher import Publisher
from billing.mail.smtp import SmtpTransport
from billing.platform.db import Database
from billing.platform.site import Site
from emails.languages import Language


@dataclass(frozen=True)
class NewsletterSender:
    """One installation's sending. `connections` are open at once; `send_logs` is a folder on this machine; `address` is in From."""

    database: Database
    relay: SmtpTransport
    """The SMTP relay, on connections of its own, so that receipts never wait behind an issue (S15)."""
    site: Site
    publisher: Publisher
    address: str
    bounce_domain: str
    send_logs: Path
    connections: int
    stopping: Event = field(default_factory=Event)
    """Set when the process is told to stop. It finishes its batch and claims no other."""

    @property
    def house(self) -> emails.House:
        """The publisher who signs."""
        return self.publisher.house

    @property
    def language(self) -> Language:
        """The language of an issue's frame: it is rendered once for all its recipients."""
        return self.site.languages.default

    @property
    def domain(self) -> str:
        """The domain of List-Id and Message-ID."""
        return self.address.rpartition("@")[2]
