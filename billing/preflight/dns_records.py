"""DNS by dnspython, which has time limits; the standard library has no TXT and MX."""

import dns.exception
import dns.resolver

from billing.preflight.context import NoDnsAnswer

SECONDS = 5.0
"""For one question, over all servers."""
NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class DnsRecords:
    """Asks the resolver of this machine."""

    def __init__(self) -> None:
        self._resolver: dns.resolver.Resolver | None = None

    def texts(self, name: str) -> list[str]:
        """TXT records, each as one text."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")]

    def mail_exchanges(self, name: str) -> list[str]:
        """Hosts of the MX records, the preferred first."""
        records = sorted(self._ask(name, "MX"), key=lambda record: int(record.preference))
        return [record.exchange.to_text().rstrip(".") or "." for record in records]

    def _ask(self, name: str, kind: str) -> list:  # type: ignore[type-arg]  # dnspython's records have no common type
        try:
            self._resolver = self._resolver or dns.resolver.Resolver()
            return list(self._resolver.resolve(name, kind, lifetime=SECONDS))
        except NONE:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoDnsAnswer(f"{name} {kind}: {type(error).__name__}") from None
