"""Refusals on the wire, before the application sees a request."""

from http import HTTPStatus

from billing.web.kit.problems import problem


class WireRefusal(Exception):
    """Stops the parser: the request exceeds a limit, comes too slowly, or can't be read."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail

    def as_bytes(self, *, with_body: bool = True) -> bytes:
        """The whole answer, as problem+json. An answer to HEAD has no body."""
        answer = problem(self.status, self.code, self.detail, headers={"Connection": "close"})
        head = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        head += [name + b": " + value for name, value in answer.raw_headers]
        return b"\r\n".join([*head, b"", bytes(answer.body) if with_body else b""])


def large_head(headers: int, size: int) -> WireRefusal:
    """The refusal of a head with too many headers or bytes."""
    words = f"The headers are more than the {headers}, or larger than the {size // 1024} kB, that we read."
    return WireRefusal(431, "headers_too_large", words)
