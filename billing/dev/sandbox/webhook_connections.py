"""Webhooks are posted over lines that are kept. A client for everything spends thirty times as much of the processor on a post,
and a simulated year consists of them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import httptools

READ_BYTES = 65_536
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WebhookAnswer:
    """What comes back, as its parser tells it."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.has_head = self.is_whole = self.keeps_line = False
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        """Status and headers are there."""
        self.has_head, self.keeps_line = True, self.parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        self.body += part

    def on_message_complete(self) -> None:
        """That was all."""
        self.is_whole = True


class WebhookConnections:
    """Each line carries one post at a time, and rests for the next to the same host."""

    def __init__(self) -> None:
        self._resting: dict[str, list[Line]] = defaultdict(list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The status and the text of the answer. Raises OSError when there is none, and httptools.HttpParserError when it is
        no HTTP."""
        to = urlsplit(url)
        resting = self._resting[f"{to.scheme}://{to.netloc}"]
        line = _alive(resting) or await _open(to)
        reader, writer = line
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
        if answer.is_whole and answer.keeps_line:
            resting.append(line)
        else:
            writer.close()
        return answer.parser.get_status_code(), answer.body.decode(errors="replace")

    def close(self) -> None:
        """Let go of all lines that rest."""
        for lines in self._resting.values():
            for _, writer in lines:
                writer.close()
        self._resting.clear()


def _alive(resting: list[Line]) -> Line | None:
    while resting:
        reader, writer = line = resting.pop()
        if not reader.at_eof() and not writer.is_closing():
            return line
        writer.close()
    return None


async def _open(to: SplitResult) -> Line:
    secure = to.scheme == "https"
    return await asyncio.open_connection(to.hostname, to.port or (443 if secure else 80), ssl=secure or None)


def _head(to: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    path = f"{to.path or '/'}?{to.query}" if to.query else to.path or "/"
    lines = [f"POST {path} HTTP/1.1", f"Host: {to.netloc.rpartition('@')[2]}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
