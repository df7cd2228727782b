"""What the checks look at."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from billing.acquirer.port import Gateway
from billing.mail.smtp import SmtpTransport
from billing.platform.clock import Clock
from billing.platform.db import Database
from billing.platform.monotonic import Monotonic
from billing.platform.settings import Settings


class NoDnsAnswer(Exception):
    """No server of the resolver answered."""


class MailDns(Protocol):
    """The port to DNS. Both methods answer within seconds, return nothing for a missing name, and raise NoDnsAnswer."""

    def texts(self, name: str) -> list[str]:
        """TXT records, each as one text."""

    def mail_exchanges(self, name: str) -> list[str]:
        """Hosts of the MX records; `.` says that the domain takes no mail (RFC 7505)."""


@dataclass(frozen=True)
class Preflight:
    """An installation that may not be able to start yet. `tls` checks the certificate of the public address."""

    settings: Settings
    database: Database
    reports_standby: Database | None
    gateways: Sequence[Gateway]
    relay: SmtpTransport
    dns: MailDns
    tls: ssl.SSLContext
    clock: Clock
    monotonic: Monotonic

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction in which PostgreSQL refuses every change."""
        with self.database.transaction() as session:
            session.execute(sa.text("SET TRANSACTION READ ONLY"))
            yield session

    def close(self) -> None:
        """Close what the checks have connected to."""
        self.relay.close()
        self.database.close()
        if self.reports_standby is not None:
            self.reports_standby.close()
