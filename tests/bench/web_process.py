"""Load one web process with `wrk` (keep-alive, one thread, random cookies), and measure the CPU time it uses."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

WRK = shutil.which("wrk")
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Served:
    """One run: requests a second, requests per second of the process's own time, and latencies in milliseconds."""

    a_second: float
    a_cpu_second: float
    p50: float
    p99: float
    wrong: int


@dataclass(frozen=True, slots=True)
class Process:
    """A running web process."""

    url: str
    pid: int

    @property
    def megabytes(self) -> float:
        """Its memory."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6


@contextmanager
def serving(kind: str, environ: Mapping[str, str], fill: int = 0) -> Iterator[Process]:
    """Run `tests/bench/serve.py` for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.bench.serve", kind, str(port), str(fill)]
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 240
        while True:
            try:
                httpx.get(f"{url}/healthz", trust_env=False, timeout=10)
                break
            except httpx.HTTPError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the {kind} process doesn't answer") from None
                time.sleep(0.2)
        yield Process(url, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def script(folder: Path, name: str, lua: str) -> Path:
    """A script for wrk."""
    path = folder / f"{name}.lua"
    path.write_text(lua)
    return path


def run(process: Process, lua: Path, seconds: float) -> Served:
    """Load it for `seconds`."""
    assert WRK is not None
    watched = psutil.Process(process.pid)
    before = watched.cpu_times()
    output = subprocess.run(
        [
            *(WRK, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"),
            *("--latency", "-s", str(lua), process.url),
        ],
        preexec_fn=_wait_for_room,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    after = watched.cpu_times()
    spent = after.user + after.system - before.user - before.system
    found = re.search(r"(\d+) requests in", output)
    assert found is not None, output
    requests = int(found.group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return Served(
        a_second=float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),  # type: ignore[union-attr]
        a_cpu_second=requests / spent,
        p50=_milliseconds(output, "50%"),
        p99=_milliseconds(output, "99%"),
        wrong=int(bad.group(1)) if bad else 0,
    )


def _wait_for_room() -> None:
    """Give wrk batch scheduling. On few cores each answer would wake it and interrupt the measured process."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextmanager
def pressing(process: Process, lua: Path, connections: int) -> Iterator[None]:
    """Send requests without a pause over this many connections, for the length of the block."""
    assert WRK is not None
    command = [WRK, "-t1", f"-c{connections}", "-d1h", "-s", str(lua), process.url]
    asking = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
        if asking.poll() is not None:
            raise RuntimeError("those who were to ask have stopped")
    finally:
        asking.kill()
        asking.wait()


def _milliseconds(output: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", output)
    assert found is not None, output
    return float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[found.group(2)]
