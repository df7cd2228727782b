"""What processes and the whole machine have used of the CPU, and what else runs: read from /proc (proc(5), Linux)."""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds of a tick, in which Linux counts."""
CORES = os.cpu_count() or 1


class ProcessTicks(NamedTuple):
    """One process: its parent, and its ticks with those of children that have ended."""

    parent: int
    ticks: int


def machine_ticks(stat: str) -> int:
    """Busy ticks of all cores, from the text of `/proc/stat`. Waiting for a disk is idle; what a hypervisor took is busy."""
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.split(maxsplit=9)[1:9])
    return user + nice + system + irq + softirq + steal


def process_ticks(stat: str) -> ProcessTicks:
    """From the text of `/proc/PID/stat`. Its second field is a name in parentheses, which may hold spaces and parentheses."""
    fields = stat.rpartition(")")[2].split()
    return ProcessTicks(int(fields[1]), sum(map(int, fields[11:15])))


def tree_ticks(processes: Mapping[int, ProcessTicks], roots: Collection[int]) -> int:
    """Ticks of these processes and of all below them. Those that ended count, as their parent has waited for them."""
    children = defaultdict(list)
    for pid, process in processes.items():
        children[process.parent].append(pid)
    found, ahead = set[int](), list(roots)
    while ahead:
        pid = ahead.pop()
        if pid in processes and pid not in found:
            found.add(pid)
            ahead += children[pid]
    return sum(processes[pid].ticks for pid in found)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Ticks at one moment: of the machine, and of each process."""

    machine: int
    processes: Mapping[int, ProcessTicks]

    @classmethod
    def take(cls) -> "Snapshot":
        """Read /proc now."""
        processes = {}
        for path in PROC.glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended
                processes[int(path.parent.name)] = process_ticks(path.read_text(errors="replace"))
        return cls(machine_ticks((PROC / "stat").read_text()), processes)

    def seconds_of(self, roots: Collection[int]) -> float:
        """CPU seconds of these processes and of all below them."""
        return tree_ticks(self.processes, roots) * TICK

    @property
    def machine_seconds(self) -> float:
        """CPU seconds of everything."""
        return self.machine * TICK


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]
