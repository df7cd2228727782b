"""Does a part of the demo answer yet?"""

import http.client
import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from billing.dev.demo.folder import LOOPBACK

ANSWER_SECONDS = 5.0


def answers(url: str) -> Callable[[], bool]:
    """A check that holds when the address answers 200. No proxy of the environment is asked."""
    return lambda: _asked(url) is not None


def works(url: str) -> Callable[[], bool]:
    """A check that holds when the web process, asked whether it is ready, has heard of a worker that is there."""

    def check() -> bool:
        try:
            said = json.loads(_asked(url) or b"null")
            return bool(said["worker"]["state"] == "seen")
        except (ValueError, TypeError, KeyError):
            return False

    return check


def _asked(url: str) -> bytes | None:
    """The body of a 200; None for any other answer, and for none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.read() if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def greets(port: int) -> Callable[[], bool]:
    """A check that holds when a mail server on the port greets with 220."""

    def check() -> bool:
        try:
            with socket.create_connection((LOOPBACK, port), ANSWER_SECONDS) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    return check
