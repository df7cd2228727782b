"""Pages that a stranger gets from memory: they run in the event loop, and only in a thread if they turn out to need the database.

A thread takes as long as such a page, and holds the event loop up for longer: both want the one interpreter lock."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from billing.platform.clock import HeldClock
from billing.web.kit.visit import NeedsDatabase, Visit


def quick_page(handler: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
    """Decorates the handler of such a page, whose first parameter is `visit`. It may run twice: until `visit.begin`, or
    `visit.need_database`, it must change nothing, and reach for the database in no other way."""

    @wraps(handler)
    async def answer(visit: Visit, **given: Any) -> Response:
        if not isinstance(visit.services.clock, HeldClock):  # which is a row of the database
            try:
                return handler(replace(visit, is_in_loop=True, gives=[], takes=[]), **given)
            except NeedsDatabase:
                pass
        return await run_in_threadpool(handler, visit, **given)

    return answer
