"""A request's body, read before anything is decided by it, and read again by what decides."""

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive


async def read_ahead(receive: Receive) -> tuple[bytes | None, Receive]:
    """The whole body, and how to read it again from its beginning; None where it broke off or is too large, which the second
    reader then learns as the first would have."""
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
