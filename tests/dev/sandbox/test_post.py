"""Webhook posts to endpoints of all kinds, over connections that are kept as long as the endpoint keeps them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial

import httptools
import pytest

from billing.dev.sandbox.webhook_connections import WebhookConnections

KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Action = Callable[[WebhookConnections, str], Awaitable[None]]


def against(answer: bytes, action: Action, *, answers_a_line: int = 100) -> int:
    """Do something with an endpoint that always answers this, so often on one line; how many lines it was called on."""
    lines = 0

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lines
        lines += 1
        for _ in range(answers_a_line):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            assert head.startswith(b"POST /webhooks/stripe?of=sandbox HTTP/1.1\r\nHost: 127.0.0.1:")
            assert await reader.readexactly(4) == b"news"
            writer.write(answer)
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(endpoint, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with closing(WebhookConnections()) as posts:
                await asyncio.wait_for(
                    action(posts, f"http://127.0.0.1:{port}/webhooks/stripe?of=sandbox"), 20
                )

    asyncio.run(run())
    return lines


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (KEPT, (200, "ok")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", (200, "ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, "")),
        (b"HTTP/1.1 503 Not now\r\n\r\nuntil the end", (503, "until the end")),
        (b"HTTP/1.1 500 No\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\xff", (500, "\ufffd")),
    ],
)
def test_every_way_to_end_an_answer(answer: bytes, expected: tuple[int, str]) -> None:
    async def action(posts: WebhookConnections, url: str) -> None:
        assert await posts.post(url, {}, b"news") == expected

    against(answer, action, answers_a_line=1)


async def thrice(posts: WebhookConnections, url: str, *, closes: bool) -> None:
    for _ in range(3):
        assert (await posts.post(url, {"Content-Type": "text/plain"}, b"news"))[0] == 200
        if closes:
            await goodbye(posts)


async def goodbye(posts: WebhookConnections) -> None:
    """Return when the endpoint's end of stream has arrived on every line that rests."""
    for reader in [reader for lines in posts._idle.values() for reader, _ in lines]:
        while not reader.at_eof():
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("answer", "answers_a_line", "lines"),
    [(KEPT, 100, 1), (KEPT, 1, 3), (KEPT.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), 100, 3)],
)
def test_a_line_is_used_again_until_either_side_closes_it(
    answer: bytes, answers_a_line: int, lines: int
) -> None:
    again = partial(thrice, closes=answers_a_line == 1)
    assert against(answer, again, answers_a_line=answers_a_line) == lines


@pytest.mark.parametrize(
    ("answer", "problem"), [(b"", ConnectionResetError), (b"220 smtp here\r\n", httptools.HttpParserError)]
)
def test_no_answer_is_a_problem(answer: bytes, problem: type[Exception]) -> None:
    async def action(posts: WebhookConnections, url: str) -> None:
        with pytest.raises(problem):
            await posts.post(url, {}, b"news")

    against(answer, action, answers_a_line=1)
