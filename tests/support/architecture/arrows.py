"""Who may import whom, and what may be called where."""

import sys
from collections.abc import Iterable, Iterator

from tests.support.architecture.sources import Source

# From the top down: an arrow may go to a line further down, never up, and never sideways between rooms,
# but for the ground floor, whose modules know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("app", "seed", "web_app", "worker", "tables"),
    ("web",),
    ("access_cache",),
    ("http",),
    ("edges",),
    ("timetable",),
    ("container",),
    ("staff",),
    ("webhooks",),
    ("reports",),
    ("reconcile",),
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
    ("mail",),
    ("platform",),
    ("rules",),
)
GROUND_FLOOR = len(LAYERS) - 2
STANDS = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}
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
ADAPTERS = {"StripeGateway", "SmtpTransport", "DnsNames", "create_engine"}
WIRING = {"billing.app", "billing.cli"}


def arrows(source: Source) -> Iterator[str]:
    """Arrows go down."""
    if source.within("billing.dev.sandbox") or not source.room:
        return
    if source.room not in STANDS:
        yield source.says(1, f"give `{source.room}` its place in LAYERS")
        return
    here = STANDS[source.room]
    for line, name in source.imports:
        room = name.split(".")[1] if name.startswith("billing.") else ""
        if room in ("", source.room, "sandbox"):
            continue
        there = STANDS.get(room, -1)
        if there < here or (there == here and here != GROUND_FLOOR):
            yield source.says(line, f"`{source.room}` must not import `{name}`")


def pure_rules(source: Source) -> Iterator[str]:
    """The rules know the standard library and each other, and do nothing but compute."""
    if not source.within("billing.rules"):
        return
    for line, name in source.imports:
        first = name.split(".")[0]
        known = name.startswith("billing.rules") or first in sys.stdlib_module_names
        if not known or first in IMPURE_MODULES:
            yield source.says(line, f"a rule must not import `{name}`")
    for line, name, _ in source.calls:
        if name in IMPURE_CALLS or name.rpartition(".")[2] in ("now", "utcnow", "today"):
            yield source.says(line, f"a rule must not call `{name}`")


def one_gateway(source: Source) -> Iterator[str]:
    """Only the gateway, its refunds, how it reads errors and how it checks signatures know Stripe's library."""
    if source.module in {
        f"billing.payments.stripe_{part}" for part in ("gateway", "refunds", "errors", "http", "signature")
    }:
        return
    for line, name in source.imports:
        if name.split(".")[0] == "stripe":
            yield source.says(line, "`stripe` belongs into billing.acquirer.stripe.gateway")


def apart(source: Source) -> Iterator[str]:
    """The sandbox and the house know nothing of each other; nor do the mails know the house."""
    for line, name in source.imports:
        of_house = name.split(".")[0] == "billing"
        of_sandbox = f"{name}.".startswith("billing.dev.sandbox.")
        if source.within("billing.dev.sandbox") and of_house and not of_sandbox:
            yield source.says(line, f"the sandbox must not import `{name}`")
        if not source.within("billing.dev.sandbox") and of_sandbox:
            yield source.says(line, "nothing imports the sandbox; it is a process of its own")
        if source.within("emails") and of_house:
            yield source.says(line, f"`emails` must not import `{name}`")


def wiring(source: Source) -> Iterator[str]:
    """Only app.py and cli.py make adapters."""
    if source.module in WIRING or source.within("billing.dev.sandbox"):
        return
    for line, name, _ in source.calls:
        adapter = name.rpartition(".")[2]
        if adapter in ADAPTERS and not (
            adapter == "create_engine" and source.module == "billing.platform.db"
        ):
            yield source.says(line, f"only app.py and cli.py make a `{adapter}`")


def circles(modules: Iterable[Source]) -> Iterator[str]:
    """No module of the ground floor needs itself, by whatever way round."""
    ground = set(LAYERS[GROUND_FLOOR])
    needs: dict[str, set[str]] = {room: set() for room in ground}
    for source in modules:
        if source.room in ground:
            needs[source.room] |= {
                n.split(".")[1] for _, n in source.imports if n.startswith("billing.")
            } & ground
    for room in sorted(ground):
        seen: set[str] = set()
        ahead = needs[room] - {room}
        while ahead:
            seen |= ahead
            ahead = set().union(*(needs[each] for each in ahead)) - seen
        if room in seen:
            yield f"billing.{room} imports itself by way of others"
