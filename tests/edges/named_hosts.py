"""A SOCKS proxy (RFC 1928) that gives loopback servers names such as `www.paper.example`, for one browser context.

The browser passes the name to the proxy instead of resolving it. So origins, sites and cookies are those of the names, and no
traffic leaves the machine. Each context may have other names."""

import asyncio
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

CONNECT, BY_NAME = 1, 3
DONE, UNREACHABLE = 0, 4


@contextmanager
def named_hosts(ports: Mapping[str, int]) -> Iterator[str]:
    """Yield the URL of a proxy that maps `host:port`, such as `www.paper.example:443`, to loopback ports and refuses all others."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="named hosts", daemon=True)
    thread.start()
    listening = asyncio.start_server(_Proxy(ports).serve, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result(10)
    try:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Proxy:
    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports

    async def serve(self, browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        """Serve one connection: read the host, then forward both directions."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            port = self._ports.get(await _requested_host(browser, to_browser))
            to_browser.write(bytes([5, DONE if port else UNREACHABLE, 0, 1]) + bytes(6))
            if port:
                site, to_site = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_forward(browser, to_site), _forward(site, to_browser))
        to_browser.close()


async def _requested_host(browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> str:
    """`host:port` of the request; empty unless it is a connection by name."""
    _, methods = await browser.readexactly(2)
    await browser.readexactly(methods)
    to_browser.write(bytes([5, 0]))
    _, command, _, kind = await browser.readexactly(4)
    if (command, kind) != (CONNECT, BY_NAME):
        return ""
    name = await browser.readexactly((await browser.readexactly(1))[0])
    (port,) = struct.unpack("!H", await browser.readexactly(2))
    return f"{name.decode('ascii')}:{port}"


async def _forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    finally:
        target.close()
