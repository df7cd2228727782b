"""Rules about imports and calls between rooms."""

import graphlib
import sys
from collections.abc import Container, Iterable, Iterator

from tests.support.architecture.sources import Source

# Top to bottom: a room may import only rooms further down, never up or sideways.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("app", "seed", "web_app", "worker", "tables"),
    ("web",),
    ("access_cache",),
    ("preflight",),
    ("http",),
    ("edges",),
    ("timetable",),
    ("container",),
    ("staff",),
    ("webhooks",),
    ("reports",),
    ("reconcile",),
    ("address_changes",),
    ("personal_data",),
    ("disputes", "newsletters"),
    ("billing_run",),
    ("changes",),
    ("cards",),
    ("refunds",),
    ("access", "notices"),
    ("payments",),
    ("cases", "ledger"),
    ("acquirer", "subscriptions"),
    ("readers",),
    ("backups", "mail"),
    ("brand",),
    ("platform",),
    ("rules",),
)
FLOOR = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}
COMPOSITION_ROOT = ("app", "web_app", "worker", "tables")
"""Modules beside the rooms that wire the application; they may import each other."""
IMPURE_MODULES = {
    *(
        "asyncio",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "shutil",
        "socket",
    ),
    *("sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"),
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
ADAPTERS = {"StripeGateway", "SmtpTransport", "DnsNames", "DnsRecords", "create_engine"}
WIRING = {"billing.app", "billing.cli", "billing.acquirer.stripe.connect"}


def arrows(source: Source) -> Iterator[str]:
    """Imports go down. `dev` may import everything; only commands import `dev`."""
    if source.within("billing.dev") or not source.room:
        return
    if source.room not in FLOOR:
        yield source.says(1, f"give `{source.room}` its place in LAYERS")
        return
    here = FLOOR[source.room]
    for line, name in source.imports:
        room = name.split(".")[1] if name.startswith("billing.") else ""
        if room in ("", source.room) or (room == "dev" and source.room == "cli"):
            continue
        wires = source.room in COMPOSITION_ROOT and room in COMPOSITION_ROOT
        if FLOOR.get(room, -1) <= here and not wires:
            yield source.says(line, f"`{source.room}` must not import `{name}`")


def pure_rules(source: Source) -> Iterator[str]:
    """Rules import only each other, `holidays` and the pure part of the standard library, and only compute."""
    if not source.within("billing.rules"):
        return
    for line, name in source.imports:
        first = name.split(".")[0]
        known = name.startswith("billing.rules") or first in sys.stdlib_module_names or first == "holidays"
        if not known or first in IMPURE_MODULES:
            yield source.says(line, f"a rule must not import `{name}`")
    for line, name, _ in source.calls:
        if name in IMPURE_CALLS or name.rpartition(".")[2] in ("now", "utcnow", "today"):
            yield source.says(line, f"a rule must not call `{name}`")


def one_gateway(source: Source) -> Iterator[str]:
    """Only Stripe's adapter imports Stripe's library."""
    if source.within("billing.acquirer.stripe"):
        return
    for line, name in source.imports:
        if name.split(".")[0] == "stripe":
            yield source.says(line, "`stripe` belongs into billing.acquirer.stripe")


def apart(source: Source) -> Iterator[str]:
    """The sandbox and the product don't import each other; `emails` doesn't import the product."""
    for line, name in source.imports:
        of_product = name.split(".")[0] == "billing"
        of_sandbox = f"{name}.".startswith("billing.dev.sandbox.")
        if source.within("billing.dev.sandbox") and of_product and not of_sandbox:
            yield source.says(line, f"the sandbox must not import `{name}`")
        if not source.within("billing.dev.sandbox") and of_sandbox:
            yield source.says(line, "nothing imports the sandbox; it is a process of its own")
        if source.within("emails") and of_product:
            yield source.says(line, f"`emails` must not import `{name}`")


def wiring(source: Source) -> Iterator[str]:
    """Only app.py, cli.py and an acquirer's `connect` make adapters."""
    if source.module in WIRING or source.within("billing.dev.sandbox"):
        return
    for line, name, _ in source.calls:
        adapter = name.rpartition(".")[2]
        if adapter in ADAPTERS and not (
            adapter == "create_engine" and source.module == "billing.platform.db"
        ):
            yield source.says(line, f"only app.py and cli.py make a `{adapter}`")


def circles(modules: Iterable[Source]) -> Iterator[str]:
    """No import cycles. Commands are left out: they register with the group of their own package."""
    known = {source.module: source for source in modules if not source.within("billing.cli")}
    needs = {
        module: {found for _, name in source.imports for found in _modules(name, known)} - {module}
        for module, source in known.items()
    }
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        yield " imports ".join(error.args[1])


def _modules(name: str, known: Container[str]) -> Iterator[str]:
    """The module that an imported name is, or is defined in."""
    found = name if name in known else name.rpartition(".")[0]
    if found in known:
        yield found
