"""Answers together, by one statement, what requests ask within a turn of the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)
Found = TypeVar("Found")
MOST = 256
"""Items in one statement."""
AT_ONCE = 2
"""Statements under way at the same time: while one waits for the disk, the next is collected and sent."""


class Groups(Generic[Item, Found]):
    """Collects items and answers them in groups. The items of a group have different names."""

    def __init__(
        self, name_of: Callable[[Item], str], answer: Callable[[list[Item]], Awaitable[Mapping[str, Found]]]
    ) -> None:
        """`answer`: what was found for each item, by the item's name; the exception that it raises reaches all of the group."""
        self._name_of = name_of
        self._answer = answer
        self._waiting: dict[Item, asyncio.Future[Found]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Found:
        """What was found for the item. Equal items that wait share an answer. Raises what `answer` raises."""
        future = self._waiting.get(item)
        if future is None:
            future = self._waiting[item] = asyncio.get_running_loop().create_future()
            if len(self._workers) < AT_ONCE:
                worker = asyncio.create_task(self._work())
                self._workers.add(worker)
                worker.add_done_callback(self._workers.discard)
        # Shielded: a client that goes away must not cancel the answer that others wait for.
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # whatever else arrives in this turn of the loop joins the group
            await self._answer_group()

    async def _answer_group(self) -> None:
        group: dict[str, Item] = {}
        for item in self._waiting:
            group.setdefault(self._name_of(item), item)
            if len(group) == MOST:
                break
        futures = {name: self._waiting.pop(item) for name, item in group.items()}
        if not futures:
            return  # the other worker took them
        try:
            found = await self._answer(list(group.values()))
            for name, future in futures.items():
                future.set_result(found[name])
        except Exception as error:
            for future in futures.values():
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # nobody may be waiting any more
