"""Benchmark of webhook ingest, each signed event stored once, beside a bare insert through the same server."""

import asyncio
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.bench.crowd import a_database
from tests.bench.figures import Figure, alternate
from tests.support.installation import WEBHOOK_SECRET

PART = "webhooks"
ROOT = Path(__file__).parents[2]
CONNECTIONS = 32
BOUND = (
    "one core of the web process: reading HTTP, the signature and the JSON. The insert and the commit are shared by the"
    " events that come while the last ones are written."
)


@dataclass(frozen=True, slots=True)
class _Server:
    """A measured server and its process."""

    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """CPU seconds used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


def measure(quick: bool) -> list[Figure]:
    """Measure both servers in turn: requests a second, and CPU time a request."""
    count, rounds = (300, 1) if quick else (6_000, 3)
    with a_database() as url, ExitStack() as ends:
        ours, bare = (ends.enter_context(_serve(url, which)) for which in ("ours", "bare"))
        cpu: dict[int, list[float]] = {ours.port: [], bare.port: []}

        def rate(server: _Server) -> float:
            requests = _requests(count)
            used, began = server.cpu(), time.monotonic()
            asyncio.run(_send(server.port, requests))
            seconds = time.monotonic() - began
            cpu[server.port].append((server.cpu() - used) / count)
            return count / seconds

        for server in (ours, bare):
            rate(server)  # warm up
        fast = alternate(rounds, lambda: rate(ours), lambda: rate(bare))
        with psycopg.connect(url) as connection:
            kept = connection.execute("SELECT count(*) FROM inbound_event").fetchone()
        if kept != (2 * count * (rounds + 1),):
            raise AssertionError(f"{kept} events were kept of {2 * count * (rounds + 1)}")
    mine, its = (sorted(cpu[one.port][1:])[rounds // 2] * 1e6 for one in (ours, bare))
    return [
        Figure(
            PART,
            "ingest",
            fast[0],
            "events/s",
            fast[1],
            "a bare insert through the same server",
            0.4,
            bound=BOUND,
        ),
        Figure(PART, "CPU of the web process", mine, "µs an event", its, "a bare insert", lower=True),
    ]


@contextmanager
def _serve(url: str, which: str) -> Iterator[_Server]:
    command = [sys.executable, "-m", "tests.bench.take_in", url, which]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield _Server(int(process.stdout.readline()), psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _requests(count: int) -> list[bytes]:
    """Prepared requests, each with its own event of Stripe's usual size, signed as Stripe signs."""
    run, at = secrets.token_hex(6), int(time.time())
    return [_request(f"evt_{run}{number:08d}", at) for number in range(count)]


def _request(event_id: str, at: int) -> bytes:
    charge = {"id": "pi_1", "object": "payment_intent", "amount": 7500, "currency": "zar"}
    charge["metadata"] = {"attempt": "att_1", "invoice": "inv_1"}
    charge["description"] = "x" * 1200
    event = {"id": event_id, "object": "event", "type": "payment_intent.succeeded", "created": at}
    body = json.dumps(event | {"livemode": False, "data": {"object": charge}}).encode()
    mac = hmac.new(WEBHOOK_SECRET.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={at},v1={mac}\r\nX-Id: {event_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(port: int, requests: Sequence[bytes]) -> None:
    """Send all requests over several connections. Raises for an answer other than 200."""
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    await asyncio.gather(*(_send_one_by_one(port, share) for share in shares))


async def _send_one_by_one(port: int, requests: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
