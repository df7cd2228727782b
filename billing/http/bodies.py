"""Reads a request's body ahead, and lets the application read it again."""

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive


async def read_ahead(receive: Receive) -> tuple[bytes | None, Receive]:
    """The whole body, and a `receive` that replays it from its beginning.

    The body is None where it broke off or is too large; replayed, it fails in the same way."""
    read: list[Message] = []
    refused: list[HTTPException] = []
    try:
        while not read or read[-1].get("more_body"):
            read.append(await receive())
    except HTTPException as error:
        refused.append(error)
    kept = iter(read)

    async def again() -> Message:
        message = next(kept, None)
        if message is None and refused:
            raise refused[0]
        return message or await receive()

    if refused or any(message["type"] != "http.request" for message in read):
        return None, again
    return b"".join([message.get("body", b"") for message in read]), again
