"""Post webhooks over keep-alive connections. A general HTTP client takes thirty times the CPU, and a simulated year consists mostly of
webhooks."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import httptools

READ_BYTES = 65_536
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WebhookAnswer:
    """An answer, filled by its parser's callbacks."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.has_head = self.is_whole = self.keeps_alive = False
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        """Status and headers are complete."""
        self.has_head, self.keeps_alive = True, self.parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """A part of the body has arrived."""
        self.body += part

    def on_message_complete(self) -> None:
        """The answer is complete."""
        self.is_whole = True


class WebhookConnections:
    """Each connection carries one post at a time, and is kept idle for the next to the same host."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Connection]] = defaultdict(list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Return status and text of the answer. Raises OSError if there is none, httptools.HttpParserError if it isn't HTTP."""
        to = urlsplit(url)
        idle = self._idle[f"{to.scheme}://{to.netloc}"]
        connection = _alive(idle) or await _open(to)
        reader, writer = connection
        answer = WebhookAnswer()
        try:
            writer.write(_head(to, headers, len(body)) + body)
            while not answer.is_whole and (data := await reader.read(READ_BYTES)):
                answer.parser.feed_data(data)
            if not answer.has_head:
                raise ConnectionResetError
        except BaseException:
            writer.close()
            raise
        if answer.is_whole and answer.keeps_alive:
            idle.append(connection)
        else:
            writer.close()
        return answer.parser.get_status_code(), answer.body.decode(errors="replace")

    def close(self) -> None:
        """Close all idle connections."""
        for connections in self._idle.values():
            for _, writer in connections:
                writer.close()
        self._idle.clear()


def _alive(idle: list[Connection]) -> Connection | None:
    while idle:
        reader, writer = connection = idle.pop()
        if not reader.at_eof() and not writer.is_closing():
            return connection
        writer.close()
    return None


async def _open(to: SplitResult) -> Connection:
    secure = to.scheme == "https"
    return await asyncio.open_connection(to.hostname, to.port or (443 if secure else 80), ssl=secure or None)


def _head(to: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    path = f"{to.path or '/'}?{to.query}" if to.query else to.path or "/"
    lines = [f"POST {path} HTTP/1.1", f"Host: {to.netloc.rpartition('@')[2]}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
