"""Benchmark of web servers: a bare app and the product on uvicorn, and on granian."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.access_cases import AccessCases
from tests.bench.beside_bare import BARE, Load, compare, figures, is_bare
from tests.bench.figures import Figure
from tests.bench.load_client import LoadClient
from tests.bench.publisher import publisher
from tests.bench.web_process import Process, serving

PART = "servers"
OURS, GRANIAN = "tests.bench.serve", "tests.bench.serve_granian"
KINDS = {
    BARE: (OURS, "bare"),
    "a bare app on uvicorn without our bounds": (OURS, "unbounded"),
    "a bare app on granian": (GRANIAN, "bare"),
    "a bare app on granian, RSGI": (GRANIAN, "rsgi"),
    "a subscriber's check on uvicorn": (OURS, "gate"),
    "a subscriber's check on granian": (GRANIAN, "gate"),
}
"""A module that serves, and what."""
FINDINGS = {
    "a bare app on granian": "faster, but it bounds no connections, slow bodies or unread answers"
    " (billing/docs/decisions/uvicorn-keeps-the-bounds.md)"
}


def measure(quick: bool) -> list[Figure]:
    """Each beside a bare app on uvicorn with our bounds."""
    subscribers, rounds, seconds = (300, 1, 0.5) if quick else (10_000, 5, 4.0)
    with (
        tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder,
        publisher(Path(folder), subscribers, subscribers) as house,
        ExitStack() as ends,
    ):
        cases = AccessCases(house)

        def load(process: Process, kind: str) -> Load:
            if kind != "gate":
                return Load(process, cases.subscriber(), check=is_bare, is_rival=True)
            LoadClient(process.url).at_full(cases.everyone())
            return Load(process, cases.subscriber(), is_rival=True)

        loads = {
            name: load(ends.enter_context(serving(kind, house.environ, module=module)), kind)
            for name, (module, kind) in KINDS.items()
        }
        return figures(PART, loads, compare(loads, rounds, seconds), FINDINGS)
