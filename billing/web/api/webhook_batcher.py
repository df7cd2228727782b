"""Takes in what an acquirer sends. Events that come while others are being stored are stored together, in the next transaction.

Each is answered after the commit that keeps it, or with its own refusal; whatever the others are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from billing.acquirer.port import Gateway
from billing.acquirer.signals import Notification
from billing.platform.clock import Clock
from billing.platform.db import Database
from billing.platform.errors import Refusal
from billing.webhooks.inbox import store

MOST = 64
"""Events in one transaction."""


@dataclass(frozen=True, slots=True)
class _Message:
    body: bytes
    headers: Mapping[str, str]
    kept: asyncio.Future[bool]


class WebhookBatcher:
    """One for a web process and an acquirer; its `keep` is called on the event loop alone."""

    def __init__(self, database: Database, gateway: Gateway, clock: Clock) -> None:
        self._database, self._gateway, self._clock = database, gateway, clock
        self._waiting: list[_Message] = []
        self._work: asyncio.Task[None] | None = None

    async def keep(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Return when the event is kept; whether it was new. Raises what `Gateway.verify` does."""
        message = _Message(body, headers, asyncio.get_running_loop().create_future())
        self._waiting.append(message)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._keep_all())
        return await message.kept

    async def _keep_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            became: Sequence[bool | Exception]
            try:
                became = await asyncio.to_thread(self._keep, [(one.body, one.headers) for one in batch])
            except Exception as problem:
                became = [problem] * len(batch)
            except BaseException:
                for one in batch:  # the senders would wait for ever
                    one.kept.cancel()
                raise
            for one, said in zip(batch, became, strict=True):
                if one.kept.done():  # who sent it has gone
                    continue
                if isinstance(said, Exception):
                    one.kept.set_exception(said)
                else:
                    one.kept.set_result(said)

    def _keep(self, messages: Sequence[tuple[bytes, Mapping[str, str]]]) -> list[bool | Exception]:
        at = self._clock.now()
        became: list[bool | Exception] = []
        genuine: list[tuple[int, Notification]] = []
        for number, (body, headers) in enumerate(messages):
            became.append(False)
            try:
                genuine.append((number, self._gateway.verify(body, headers, at)))
            except Refusal as refusal:
                became[number] = refusal
        for (number, _), said in zip(genuine, self._store([one for _, one in genuine], at), strict=True):
            became[number] = said
        return became

    def _store(self, events: Sequence[Notification], at: datetime) -> list[bool | Exception]:
        """All of them, or, where the database won't have one, each by itself."""
        if not events:
            return []
        try:
            with self._database.transaction() as session:
                return list(store(session, self._gateway.name, events, at))
        except (sa.exc.DataError, sa.exc.IntegrityError) as problem:
            if len(events) == 1:
                return [problem]
            return [said for one in events for said in self._store([one], at)]
