"""Answers together, by one statement, what requests ask within a turn of the event loop, or while the statement before is under way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")
MOST = 256
"""Items in one statement."""
AT_ONCE = 4
"""Statements under way at the same time."""
SLOW_SECONDS = 0.02
"""A statement that has been under way for longer is slow: it waits for a locked row, say. The next begins beside it. Otherwise they
follow one another, as fewer and larger ones cost less."""


class Groups(Generic[Item, Found]):
    """Collects items and answers them in groups. The items of a group have different names; equal items share an answer.

    Each request waits for a future of its own, so that a client that goes away cancels nobody else's answer."""

    def __init__(
        self, name_of: Callable[[Item], str], answer: Callable[[list[Item]], Awaitable[Mapping[str, Found]]]
    ) -> None:
        """`answer`: what was found for each item, by the item's name; the exception that it raises reaches all of the group."""
        self._name_of = name_of
        self._answer = answer
        self._waiting: list[tuple[Item, asyncio.Future[Found]]] = []
        self._began: dict[asyncio.Task[None], float] = {}
        """The workers; when each began its statement."""

    async def ask(self, item: Item) -> Found:
        """What was found for the item. Raises what `answer` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._began) < AT_ONCE and self._is_needed(loop.time()):
            # It begins in the next turn: whatever else arrives in this one joins its first group.
            self._began[asyncio.create_task(self._work())] = loop.time()
        return await future

    def _is_needed(self, now: float, worker: asyncio.Task[None] | None = None) -> bool:
        """Whether this worker, or a new one, is needed: all others have slow statements, if there are any."""
        for other, began in self._began.items():
            if other is not worker and now - began <= SLOW_SECONDS:
                return False
        return True

    async def _work(self) -> None:
        loop, worker = asyncio.get_running_loop(), asyncio.current_task()
        assert worker is not None
        try:
            while self._waiting and self._is_needed(loop.time(), worker):
                self._began[worker] = loop.time()
                await self._answer_group()
        finally:
            # Here, not when the task is done: what is asked in between would wait for ever.
            del self._began[worker]

    async def _answer_group(self) -> None:
        group = self._take_group()
        if not group:
            return  # the other worker took them
        futures = [(name, future) for name, (_, futures) in group.items() for future in futures]
        try:
            found = await self._answer([item for item, _ in group.values()])
        except Exception as error:
            for _, future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        for name, future in futures:
            if not future.done():
                future.set_result(found[name])

    def _take_group(self) -> dict[str, tuple[Item, list[asyncio.Future[Found]]]]:
        """Items by name, with those who wait for each. An item like no other of its name waits for the next group."""
        group: dict[str, tuple[Item, list[asyncio.Future[Found]]]] = {}
        left = []
        for waits in self._waiting:
            item, future = waits
            name = self._name_of(item)
            same = group.get(name)
            if future.done():
                continue  # its client has gone away
            if same is not None and same[0] == item:
                same[1].append(future)
            elif same is not None or len(group) == MOST:
                left.append(waits)
            else:
                group[name] = (item, [future])
        self._waiting = left
        return group
