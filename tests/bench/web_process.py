"""A web process to be measured, as a child of the benchmark."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil


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
def serving(
    kind: str, environ: Mapping[str, str], fill: int = 0, module: str = "tests.bench.serve"
) -> Iterator[Process]:
    """Run this module for the length of the block."""
    port = free_port()
    with running([sys.executable, "-m", module, kind, str(port), str(fill)], port, environ) as process:
        yield process


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, environ: Mapping[str, str]) -> Iterator[Process]:
    """Run a web process on this port, for the length of the block."""
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
                    raise RuntimeError(f"{' '.join(command)} doesn't answer") from None
                time.sleep(0.2)
        yield Process(url, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
