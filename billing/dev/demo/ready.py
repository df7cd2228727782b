"""Readiness checks for the parts of the demo."""

import http.client
import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from billing.dev.demo.folder import LOOPBACK

ANSWER_SECONDS = 5.0


def answers(url: str) -> Callable[[], bool]:
    """A check that is true when the address answers 200. Proxies of the environment are ignored."""
    return lambda: _body(url) is not None


def works(url: str) -> Callable[[], bool]:
    """A check that is true when the web process's readiness answer reports a live worker."""

    def check() -> bool:
        try:
            answer = json.loads(_body(url) or b"null")
            return bool(answer["worker"]["state"] == "seen")
        except (ValueError, TypeError, KeyError):
            return False

    return check


def _body(url: str) -> bytes | None:
    """The body of a 200; None for any other answer or none."""
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
    """A check that is true when a mail server on the port greets with 220."""

    def check() -> bool:
        try:
            with socket.create_connection((LOOPBACK, port), ANSWER_SECONDS) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    return check
