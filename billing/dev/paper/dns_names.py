"""DNS lookups by dnspython, which has time limits; the standard library's functions don't."""

import dns.exception
import dns.resolver

from billing.dev.paper.googlebot import NoAnswer
from billing.dev.paper.googlebot_rules import IpAddress, address_of

SECONDS = 1.4
"""Limit for one lookup, with all servers and retries. A real crawler takes two lookups."""
NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class DnsNames:
    """Implements `googlebot.Dns` by the machine's name servers. Raises OSError if it has none."""

    def __init__(self) -> None:
        try:
            self._resolver = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise OSError("this machine has no name servers") from error

    def names_of(self, address: IpAddress) -> list[str]:
        """The PTR records. Raises NoAnswer."""
        try:
            answer = self._resolver.resolve_address(str(address), lifetime=SECONDS)
        except NONE:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer from error
        return [row.to_text().rstrip(".") for row in answer]

    def addresses_of(self, name: str) -> list[IpAddress]:
        """The A and AAAA records. Raises NoAnswer."""
        try:
            answer = self._resolver.resolve_name(name, lifetime=SECONDS)
        except NONE:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer from error
        found = (address_of(text) for text in answer.addresses())
        return [address for address in found if address is not None]
