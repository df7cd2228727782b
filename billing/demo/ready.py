"""Does a part of the demo answer yet?"""

import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from billing.demo.folder import LOOPBACK

ANSWER_SECONDS = 5.0


def answers(url: str) -> Callable[[], bool]:
    """A check that holds when the address answers 200. No proxy of the environment is asked."""
    parts = urlsplit(url)

    def check() -> bool:
        connection = http.client.HTTPConnection(
            parts.hostname or LOOPBACK, parts.port, timeout=ANSWER_SECONDS
        )
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def greets(port: int) -> Callable[[], bool]:
    """A check that holds when a mail server on the port greets with 220."""

    def check() -> bool:
        try:
            with socket.create_connection((LOOPBACK, port), ANSWER_SECONDS) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    return check
