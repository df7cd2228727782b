"""A proxy that runs each transaction on any free PostgreSQL session, like PgBouncer with pool_mode = transaction.

It speaks the necessary part of the protocol (https://www.postgresql.org/docs/current/protocol-flow.html): it logs clients in itself
and forwards messages until the server reports that it is idle and in no transaction."""

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
"""Query and Sync: the server answers these completely."""


OWNS = (b"pg_advisory_lock", b"pg_try_advisory_lock", b"SET ")
"""SQL after which a pinning proxy keeps the session for its client."""


class Pooler:
    """A stack of free sessions, last used first. With `pins` a client keeps a session until it disconnects, once a statement has
    changed the session's state."""

    def __init__(self, url: str, *, pins: bool = False) -> None:
        self._url, self._pins = url, pins
        self._free: list[psycopg.Connection] = []

    def serve(self, listener: socket.socket) -> None:
        """Serve each client in a thread, until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Close the free sessions."""
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
        with socket.socket(fileno=os.dup(session.pgconn.socket)) as server:
            server.setblocking(True)
            while True:
                server.sendall(message)
                if kind in BATCH_ENDS and _answers(server, client) == b"I":
                    break
                kind, message = _message(client)


def _log_in(client: socket.socket) -> None:
    while True:
        length, code = struct.unpack("!ii", _exactly(client, 8))
        _exactly(client, length - 8)
        if code not in (SSL_REQUEST, GSS_REQUEST):
            client.sendall(WELCOME)
            return
        client.sendall(b"N")


def _answers(server: socket.socket, client: socket.socket) -> bytes:
    """Forward the server's answer; return the session's state at its end: I for no transaction."""
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
    """Yield the address of the same database through such a proxy."""
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
