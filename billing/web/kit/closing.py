"""A transport whose end has a bound. `close` waits until the client has read what is written, and the event loop sets no time for
that (https://docs.python.org/3/library/asyncio-protocol.html#asyncio.BaseTransport.close)."""

import asyncio
from collections.abc import Callable
from typing import Any


class ClosingTransport:
    """A connection's transport that tells when it is told to close, as Uvicorn does in several places."""

    def __init__(self, transport: asyncio.Transport, closes: Callable[[], None]) -> None:
        self._transport, self._closes = transport, closes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close it once what is written is read; `closes` bounds that."""
        first = not self._transport.is_closing()
        self._transport.close()
        if first:
            self._closes()
