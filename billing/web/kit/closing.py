"""A transport that reports `close`. `close` waits until the client has read what is written, and the event loop sets no time limit
(https://docs.python.org/3/library/asyncio-protocol.html#asyncio.BaseTransport.close)."""

import asyncio
from collections.abc import Callable
from typing import Any


class ClosingTransport:
    """A connection's transport that reports when it is closed, which Uvicorn does in several places."""

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._transport, self._on_close = transport, on_close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close the transport once what is written is read; `on_close` limits the time."""
        is_first = not self._transport.is_closing()
        self._transport.close()
        if is_first:
            self._on_close()
