"""Rules about reading the machine's clock and waiting by it."""

import re
from collections.abc import Iterator

from tests.support.architecture.sources import Source, first_argument

APART = (
    "billing.dev.sandbox",
    "billing.dev.demo",
    "billing.edges",
    "billing.dev.mailbox",
)  # processes of their own, with the machine's clock
CLOCK_CALLS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}
REAL_TIME = {
    f"time.{name}" for name in ("sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
}
PAUSES = {"asyncio.sleep", "anyio.sleep"}
"""Allowed only as `sleep(0)`, which lets other tasks run and takes no time."""
WAITING_WORDS = re.compile("sleep|monotonic|perf_counter|wait_for_timeout")
"""A module without these words can't break a rule about waiting, so it isn't parsed."""
MAY_WAIT = {
    "billing.platform.monotonic": "it is the clock",
    "billing.dev.process_guard": "waits for child processes to end",
    "billing.dev.folder_lock": "waits for another process to release a folder",
    "billing.dev.postgres.server": "waits for a database server to start",
    "billing.dev.demo.children": "starts, watches and ends the demo's processes",
    "billing.dev.demo.launch": "tells people how many seconds the start took",
    "billing.dev.simulate": "measures its own run, whose processes are real",
    "billing.edges": "copied into a publisher's own site, without the product's modules",
    "billing.dev.sandbox.app": "a process of its own, which follows the machine's clock while none is held",
    "tests.support.polling": "waits for another process that can't signal",
    "tests.access_cache.moving": "changes rows at a steady rate and notes when each change was committed",
    "tests.access_cache.test_elsewhere": "judges a lease that another process keeps by the machine's clock",
    "tests.bench": "measures speed",
    "tests.newsletters.figures": "measures speed",
}
"""Modules that may wait or measure by the machine's clock, with the reason."""
CLOCK_SQL = re.compile(
    r"\bnow\s*\(\)|\bcurrent_(timestamp|date|time)\b|\b(clock|statement)_timestamp\b", re.IGNORECASE
)


def one_clock(source: Source) -> Iterator[str]:
    """Only billing/platform/clock.py reads the time; PostgreSQL's clock is never used."""
    if source.within("billing.platform.clock", *APART):
        return
    for line, name, _ in source.calls:
        if name in CLOCK_CALLS or re.search(r"\bfunc\.(now|current_timestamp|localtimestamp)$", name):
            yield source.says(line, f"time is an argument; `{name}` belongs into billing.platform.clock")
    for line, text in source.strings():
        if CLOCK_SQL.search(text) and re.search(
            r"\b(select|insert|update|delete|where|default)\b", text, re.IGNORECASE
        ):
            yield source.says(line, "SQL must not ask for the time; pass it")


def no_real_waiting(source: Source) -> Iterator[str]:
    """Only billing/platform/monotonic.py and the modules in MAY_WAIT wait or measure by the machine's clock. Tests wait for an event
    or step a clock."""
    if source.within(*MAY_WAIT) or not WAITING_WORDS.search(source.text):
        return
    for line, name in source.imports:
        if name in REAL_TIME:
            yield source.says(line, f"`{name}` belongs into billing.platform.monotonic")
    for line, name in source.attributes():
        if name in REAL_TIME:
            yield source.says(
                line, f"`{name}` belongs into billing.platform.monotonic; use the clock that is injected"
            )
        if name.rpartition(".")[2] == "wait_for_timeout":
            yield source.says(line, "wait for what the page shows, not for time to pass")
    for line, name, call in source.calls:
        if name in PAUSES and (first := first_argument(call)) != "0":
            yield source.says(line, f"`{name}({first})` waits for real; wait for an event")
