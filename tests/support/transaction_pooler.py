"""A proxy that gives each transaction any session of PostgreSQL that is free, as PgBouncer does with pool_mode = transaction.

It speaks as much of PostgreSQL's protocol as that takes (https://www.postgresql.org/docs/current/protocol-flow.html): it logs
clients in by itself, and hands messages on until the server says that it is idle and outside a transaction."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
WELCOME = b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!i", 5) + b"I"
"""AuthenticationOk, ReadyForQuery."""
BATCH_ENDS = (b"Q", b"S")
"""Query and Sync: after these the server answers to the end."""


OWNS = (b"pg_advisory_lock", b"pg_try_advisory_lock", b"SET ")
"""Words after which a proxy that pins leaves a client its session."""


class Pooler:
    """Sessions that are free, the one that was used last on top. With `pins`, a client keeps its session, for as long as it is
    connected, from the first statement on that changes something in it."""

    def __init__(self, url: str, *, pins: bool = False) -> None:
        self._url, self._pins = url, pins
        self._free: list[psycopg.Connection] = []

    def serve(self, listener: socket.socket) -> None:
        """Serve every client, each in a thread, until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def close(self) -> None:
        """End the sessions that are free."""
        for session in self._free:
            session.close()

    def _attend(self, client: socket.socket) -> None:
        with client, suppress(OSError, struct.error):
            _log_in(client)
            own: psycopg.Connection | None = None
            while True:
                kind, message = _message(client)
                if kind == b"X":
                    break
                session = own or self._any()
                self._pass_on(client, session, kind, message)
                if self._pins and any(words in message for words in OWNS):
                    own = session
                if own is None:
                    self._free.append(session)
        if own is not None:
            own.close()

    def _any(self) -> psycopg.Connection:
        return self._free.pop() if self._free else psycopg.connect(self._url, autocommit=True)

    def _pass_on(
        self, client: socket.socket, session: psycopg.Connection, kind: bytes, message: bytes
    ) -> None:
        """One transaction, on one session."""
        with socket.socket(fileno=_again(session)) as server:
            server.setblocking(True)
            while True:
                server.sendall(message)
                if kind in BATCH_ENDS and _answers(server, client) == b"I":
                    break
                kind, message = _message(client)


def _again(session: psycopg.Connection) -> int:
    return os.dup(session.pgconn.socket)


def _log_in(client: socket.socket) -> None:
    while True:
        length, code = struct.unpack("!ii", _exactly(client, 8))
        _exactly(client, length - 8)
        if code not in (SSL_REQUEST, GSS_REQUEST):
            client.sendall(WELCOME)
            return
        client.sendall(b"N")


def _answers(server: socket.socket, client: socket.socket) -> bytes:
    """Hand the server's answer on; the state of the session at its end: I where it is in no transaction."""
    while True:
        kind, message = _message(server)
        client.sendall(message)
        if kind == b"Z":
            return message[-1:]


def _message(end: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(end, 5)
    return head[:1], head + _exactly(end, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(end: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        piece = end.recv(length - len(read))
        if not piece:
            raise ConnectionResetError
        read += piece
    return read


@contextmanager
def transaction_pooler(url: str, *, pins: bool = False) -> Iterator[str]:
    """The address of the same database through such a proxy, or one that `pins`."""
    given = conninfo_to_dict(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pooler = Pooler(url, pins=pins)
        threading.Thread(target=pooler.serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        try:
            yield f"postgresql://{given['user']}@127.0.0.1:{port}{urlsplit(url).path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            pooler.close()
