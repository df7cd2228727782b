"""Stores the webhook events of an acquirer. Events that arrive during a transaction are stored together in the next one.

Each is answered after the commit that stores it, or with its own refusal, whatever becomes of the others."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from billing.acquirer.port import Gateway
from billing.acquirer.signals import Notification
from billing.platform.clock import Clock
from billing.platform.db import Database
from billing.webhooks.inbox import store

MOST = 64
"""Events in one transaction."""


@dataclass(frozen=True, slots=True)
class _Message:
    body: bytes
    headers: Mapping[str, str]
    stored: asyncio.Future[bool]


class WebhookBatcher:
    """One for each web process and acquirer. Call `store` on the event loop only."""

    def __init__(self, database: Database, gateway: Gateway, clock: Clock) -> None:
        self._database, self._gateway, self._clock = database, gateway, clock
        self._waiting: list[_Message] = []
        self._work: asyncio.Task[None] | None = None

    async def store(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Store the event; whether it was new. Returns after the commit. Raises as `Gateway.verify`."""
        message = _Message(body, headers, asyncio.get_running_loop().create_future())
        self._waiting.append(message)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._store_all())
        return await message.stored

    async def _store_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            outcomes: Sequence[bool | Exception]
            try:
                outcomes = await asyncio.to_thread(self._verify_and_store, batch)
            except Exception as problem:
                outcomes = [problem] * len(batch)
            except BaseException:
                for message in batch:  # or the senders would wait for ever
                    message.stored.cancel()
                raise
            for message, outcome in zip(batch, outcomes, strict=True):
                if message.stored.done():  # the sender has gone
                    continue
                if isinstance(outcome, Exception):
                    message.stored.set_exception(outcome)
                else:
                    message.stored.set_result(outcome)

    def _verify_and_store(self, messages: Sequence[_Message]) -> list[bool | Exception]:
        at = self._clock.now()
        verified: list[Notification | Exception] = []
        for message in messages:
            try:
                verified.append(self._gateway.verify(message.body, message.headers, at))
            except Exception as problem:  # whatever it is, it must not fail those that came with it
                verified.append(problem)
        stored = iter(self._store([event for event in verified if not isinstance(event, Exception)], at))
        return [event if isinstance(event, Exception) else next(stored) for event in verified]

    def _store(self, events: Sequence[Notification], at: datetime) -> list[bool | Exception]:
        """Store them together or, if the database refuses one of them, each by itself."""
        if not events:
            return []
        try:
            with self._database.transaction() as session:
                return list(store(session, self._gateway.name, events, at))
        except (sa.exc.DataError, sa.exc.IntegrityError) as problem:
            if len(events) == 1:
                return [problem]
            return [outcome for event in events for outcome in self._store([event], at)]
