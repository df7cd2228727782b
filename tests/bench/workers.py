"""Workers' processes of the benchmarks: they work together, and each says what it took."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import psycopg

from tests.bench.billing_run import Took

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class TookCpu(Took):
    """What one or several processes took for their work: their CPU seconds, and those of PostgreSQL meanwhile."""

    cpu: float
    server_cpu: float = 0.0

    @property
    def cost(self) -> float:
        """CPU milliseconds for each, with PostgreSQL's."""
        return (self.cpu + self.server_cpu) / self.done * 1000


@contextmanager
def workers(url: str, *work: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers' processes that are ready to begin; `work` as `day_work` takes it."""
    command = [sys.executable, "-m", "tests.bench.day_work", url, *work]
    with ExitStack() as ends:
        made = []
        for _ in range(count):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
            ends.callback(process.wait)
            ends.callback(process.kill)
            made.append(process)
        for process in made:
            _line(process)
        yield made


def let_work(url: str, processes: Sequence[subprocess.Popen[str]], count: int) -> TookCpu:
    """Let the processes do their work together. Raises AssertionError if it isn't all done, or something twice."""
    used = server_cpu(url)
    for process in processes:
        _stdin(process).write("go\n")
        _stdin(process).flush()
    took = [TookCpu(**json.loads(_line(process))) for process in processes]
    server = server_cpu(url) - used
    done = sum(each.done for each in took)
    if done != count:
        raise AssertionError(f"{done} of {count} were done")
    seconds, peak = max(each.seconds for each in took), max(each.peak_mb for each in took)
    return TookCpu(done, seconds, peak, sum(each.cpu for each in took), server)


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError("a worker's process ended")
    return line


def server_cpu(url: str) -> float:
    """CPU seconds that the database server has used so far, with its processes that have ended."""
    with psycopg.connect(url) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
    assert server is not None
    own = server.cpu_times()
    alive = 0.0
    for child in server.children():
        try:
            used = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        alive += used.user + used.system
    return float(own.user + own.system + own.children_user + own.children_system + alive)
