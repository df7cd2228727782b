"""DNS through dnspython: it keeps its time limit, which the standard library's functions don't."""

import dns.exception
import dns.resolver

from billing.dev.paper.googlebot import NoAnswer
from billing.dev.paper.googlebot_rules import IpAddress, address_of

SECONDS = 1.4
"""For each lookup, all servers and repeats together. An honest crawler takes two lookups."""
NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class DnsNames:
    """Adapter of `crawlers.Dns`. Uses the machine's own servers. Raises OSError where it has none."""

    def __init__(self) -> None:
        try:
            self._resolver = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise OSError("this machine has no name servers") from error

    def names_of(self, address: IpAddress) -> list[str]:
        """PTR. Raises NoAnswer."""
        try:
            answer = self._resolver.resolve_address(str(address), lifetime=SECONDS)
        except NONE:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer from error
        return [row.to_text().rstrip(".") for row in answer]

    def addresses_of(self, name: str) -> list[IpAddress]:
        """A and AAAA. Raises NoAnswer."""
        try:
            answer = self._resolver.resolve_name(name, lifetime=SECONDS)
        except NONE:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer from error
        found = (address_of(text) for text in answer.addresses())
        return [one for one in found if one is not None]
