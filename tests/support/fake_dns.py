"""A name server on loopback that answers from a few lines, and a resolver that asks only it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.resolver import Resolver  # by its name: tests put another one into `dns.resolver`


class _Server(socketserver.ThreadingUDPServer):
    zone = ""


class _Question(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        packet, line = self.request
        query = dns.message.from_wire(packet)
        asked, answer = query.question[0], dns.message.make_response(query)
        assert isinstance(self.server, _Server)
        rows = [row.split(maxsplit=2) for row in self.server.zone.strip().splitlines()]
        known = [row for row in rows if dns.name.from_text(row[0]) == asked.name]
        kind = dns.rdatatype.to_text(asked.rdtype)
        if not known:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for name, _, value in (row for row in known if row[1] == kind):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, value))
        line.sendto(answer.to_wire(), self.client_address)


@contextmanager
def fake_dns(zone: str) -> Iterator[Resolver]:
    """Lines of `name KIND value`, each with its full name. Other names don't exist."""
    with _Server(("127.0.0.1", 0), _Question) as server:
        server.zone = zone
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield asking(server.server_address[1])
        server.shutdown()


def asking(port: int) -> Resolver:
    """A resolver that asks only this port of loopback, and never the machine's own."""
    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    return resolver
