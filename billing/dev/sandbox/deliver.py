"""Webhook deliveries: signed, retried, and disturbed by webhook faults."""

import asyncio
import hashlib
import heapq
import hmac
import json
from contextlib import suppress

import httptools

from billing.dev.sandbox import ids
from billing.dev.sandbox.events import rendered, wants
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.webhook_connections import WebhookConnections
from billing.dev.sandbox.webhook_faults import WebhookFault, WebhookFaults
from billing.dev.sandbox.world import SandboxWorld

# Seconds between attempts. After the last, about three days later, the delivery has failed.
BACKOFF = (5, 60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 86_400)
TIMEOUT_SECONDS = 20.0
AT_ONCE = 8


def signature(secret: str, at: int, payload: bytes) -> str:
    """The `Stripe-Signature` header for a payload sent at `at` (epoch seconds)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliverer:
    """Plans a delivery for each event and sends them in a background task."""

    def __init__(self, world: SandboxWorld) -> None:
        self._world = world
        self.faults = WebhookFaults()
        self._due: list[tuple[int, int, str]] = []
        self._held: list[str] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._count = 0
        self._posts = WebhookConnections()
        world.on_event = self.plan
        self.resume()

    def resume(self) -> None:
        """Schedule the deliveries that are pending in the store."""
        for row in self._world.store["delivery"].rows.values():
            if row["state"] == "pending":
                self._push(row)

    def plan(self, event: Row) -> None:
        """Plan one delivery for each endpoint that wants the event, with its webhook fault."""
        for endpoint in self._world.store["webhook_endpoint"].rows.values():
            if endpoint["status"] == "enabled" and wants(endpoint["enabled_events"], event["type"]):
                self._plan_one(event, endpoint["id"], self.faults.take(event["type"]))

    def _plan_one(self, event: Row, endpoint: str, fault: WebhookFault | None) -> None:
        effect = fault.effect if fault else None
        copies = fault.copies if fault and effect == "double" else 1
        wait = fault.seconds if fault and effect == "delay" else 0
        for _ in range(copies):
            row: Row = {
                "id": ids.new("del"),
                "event": event["id"],
                "endpoint": endpoint,
                "state": "dropped" if effect == "drop" else "pending",
                "next_at": self._world.clock.now() + wait,
                "attempts": [],
            }
            self._world.store.put("delivery", row)
            if effect == "reorder":
                self._held.append(row["id"])
            elif effect != "drop":
                self._push(row)
        if fault and effect == "reorder" and len(self._held) >= fault.window:
            self.release()

    def _push(self, row: Row) -> None:
        self._count += 1
        heapq.heappush(self._due, (row["next_at"], self._count, row["id"]))
        self._wake.set()

    def release(self) -> None:
        """Schedule the deliveries held for reordering, the latest first."""
        held, self._held = self._held, []
        for identifier in reversed(held):
            if row := self._world.store.get("delivery", identifier):
                self._push(row)

    def again(self, event: Row, copies: int = 1) -> int:
        """Deliver an old event again to every endpoint; return the number of planned deliveries."""
        endpoints = [
            row for row in self._world.store["webhook_endpoint"].rows.values() if row["status"] == "enabled"
        ]
        for endpoint in endpoints:
            self._plan_one(event, endpoint["id"], WebhookFault(effect="double", copies=copies))
        return len(endpoints) * copies

    def wake(self) -> None:
        """Check for due deliveries, because the clock moved."""
        self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether a delivery is in flight or due now."""
        return bool(self._in_flight) or (bool(self._due) and self._due[0][0] <= self._world.clock.now())

    async def settle(self, seconds: float) -> bool:
        """Wait until no delivery is due or in flight; return False after `seconds`."""
        self.release()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.busy:
                    self._moved.clear()
                    await self._moved.wait()
                return True
        return False

    async def run(self) -> None:
        """Send due deliveries until cancelled."""
        try:
            while True:
                self._start_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            self.forget()
            self._posts.close()

    def _pause(self) -> float | None:
        if not self._due or self._world.clock.held or len(self._in_flight) >= AT_ONCE:
            return None
        return max(0.05, self._due[0][0] - self._world.clock.now())

    def _start_due(self) -> None:
        now = self._world.clock.now()
        while self._due and self._due[0][0] <= now and len(self._in_flight) < AT_ONCE:
            identifier = heapq.heappop(self._due)[2]
            row = self._world.store.get("delivery", identifier)
            if row and row["state"] == "pending":
                task = asyncio.create_task(self._send(row))
                self._in_flight.add(task)
                task.add_done_callback(self._finished)

        self._moved.set()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()
        self._moved.set()

    async def _send(self, row: Row) -> None:
        world = self._world
        event, endpoint = (
            world.store.get("event", row["event"]),
            world.store.get("webhook_endpoint", row["endpoint"]),
        )
        if event is None or endpoint is None:
            self._record(row, None, "the endpoint is gone", final=True)
            return
        payload = json.dumps(rendered(world, event)).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(endpoint["secret"], world.clock.now(), payload),
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status, text = await self._posts.post(endpoint["url"], headers, payload)
        except (OSError, httptools.HttpParserError) as problem:
            self._record(row, None, type(problem).__name__)
        else:
            self._record(row, status, text[:200])

    def _record(self, row: Row, status: int | None, text: str, *, final: bool = False) -> None:
        world = self._world
        if world.store.get("delivery", row["id"]) is None:
            return
        attempts = [*row["attempts"], {"at": world.clock.now(), "status": status, "text": text}]
        row = row | {"attempts": attempts}
        if status is not None and 200 <= status < 300:
            row["state"] = "succeeded"
        elif final or len(attempts) > len(BACKOFF):
            row["state"] = "failed"
        else:
            row["next_at"] = world.clock.now() + BACKOFF[len(attempts) - 1]
        world.store.put("delivery", row)
        world.store.commit()
        if row["state"] == "pending":
            self._push(row)

    def forget(self) -> None:
        """Drop all planned, held and in-flight deliveries."""
        self._due.clear()
        self._held.clear()
        self._moved.set()
        for task in self._in_flight:
            task.cancel()
