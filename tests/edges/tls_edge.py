"""An edge that ends TLS for several hosts, and requests to one of them."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.edges.edge import Edge
from tests.support.certificates import authority

ACCOUNTS, WWW = "accounts.paper.example", "www.paper.example"


@dataclass
class TlsEdge(Edge):
    """A running edge on two ports of loopback: one for https, one for http."""

    port: int
    plain_port: int

    def get(self, path: str, method: str = "GET", host: str = WWW, **headers: str) -> httpx.Response:
        """Request a path of one of the hosts with a fresh client, without cookies."""
        with httpx.Client(verify=authority().trusted(), trust_env=False, timeout=90) as http:
            named = {"host": host} | headers
            sni = {"sni_hostname": host}
            return http.request(method, f"{self.url}{path}", headers=named, extensions=sni)

    def raw(self, path: str, headers: str, host: str = WWW, named: str = "", method: str = "GET") -> bytes:
        """Send a raw request, without normalising the path; return the raw answer. `named`: another value for the Host header."""
        with self._connection(path, headers, host, named or host, method) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def status(self, path: str, headers: str = "", host: str = WWW, method: str = "GET") -> int:
        """The status of the answer; the rest isn't read."""
        with self._connection(path, headers, host, host, method) as connection:
            return int(connection.recv(1024).split()[1])

    @contextmanager
    def _connection(
        self, path: str, headers: str, host: str, named: str, method: str
    ) -> Iterator[ssl.SSLSocket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as bare:
            # Without delay: the request would wait 40 ms for the edge to acknowledge the handshake's last bytes.
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with authority().trusted().wrap_socket(bare, server_hostname=host) as connection:
                lines = f"{method} {path} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n{headers}"
                connection.sendall(f"{lines.strip()}\r\n\r\n".encode())
                yield connection
