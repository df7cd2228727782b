"""Reads the source as syntax and tells where it breaks the rules of the house.

Each check takes a `Source` and yields what is wrong with it, so that a test can hand it a few lines that break a
rule and see it found.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("billing", "emails")
TESTS = ("tests",)
LONGEST_FILE = 350  # lines

# From the top down: an arrow may go to a line further down, never up, and never sideways between rooms,
# but for the ground floor, whose modules know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("simulate",),
    ("app", "demo", "seed"),
    ("migrate", "postgres", "tables"),
    ("folder_lock", "leash"),
    ("gate",),
    ("web",),
    ("edges",),
    ("advance", "worker"),
    ("timetable",),
    ("parts",),
    ("staff",),
    ("webhooks", "reports"),
    ("disputes",),
    ("renewals", "access", "newsletters"),
    ("payments",),
    ("cases",),
    ("subscriptions",),
    ("readers",),
    ("mail",),
    (
        "bell",
        "clock",
        "crew",
        "db",
        "many",
        "errors",
        "forget",
        "ids",
        "installation",
        "keep",
        "logs",
        "monotonic",
        "office",
        "settings",
        "stop_points",
        "tokens",
    ),
    ("rules",),
)
GROUND_FLOOR = len(LAYERS) - 2
STANDS = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}

APART = (
    "billing.sandbox",
    "billing.demo",
    "billing.edges",
    "billing.mail.mailbox",
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
"""`sleep(0)` lets other tasks run and takes no time."""
MAY_WAIT = {
    "billing.monotonic": "it is the clock",
    "billing.leash": "ends child processes, which take as long as the machine does",
    "billing.folder_lock": "waits for another process to let go of a folder",
    "billing.postgres.server": "waits for a database server to start",
    "billing.demo.children": "starts, watches and ends the demo's processes",
    "billing.demo.launch": "tells people how many seconds the start took",
    "billing.simulate": "measures its own run, whose processes are real",
    "billing.edges": "copied into a publisher's own site, where nothing of ours is",
    "billing.sandbox.app": "a process of its own, which follows the machine's clock while none is held",
    "tests.support.polling": "waits for what another process does and can't tell",
    "tests.gate.asking": "asks a web process at a steady rate and measures its answers",
    "tests.gate.moving": "changes rows at a steady rate and notes when each change was committed",
    "tests.gate.test_elsewhere": "judges a lease that another process keeps by the machine's clock",
    "tests.bench": "measures speed",
    "tests.newsletters.figures": "measures speed",
}
"""The modules that may wait, or measure, by the machine's clock; and why."""
CLOCK_SQL = re.compile(
    r"\bnow\s*\(\)|\bcurrent_(timestamp|date|time)\b|\b(clock|statement)_timestamp\b", re.IGNORECASE
)
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


@dataclass(frozen=True)
class Source:
    """One module: its dotted name and its text."""

    module: str
    text: str
    is_package: bool = False

    @classmethod
    def read(cls, path: Path) -> "Source":
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[-1] == "__init__"
        return cls(".".join(parts[:-1] if package else parts), path.read_text(), package)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The part of `billing` it belongs to: `payments` for billing.payments.charge."""
        return self.module.split(".")[1] if self.module.startswith("billing.") else ""

    def within(self, *packages: str) -> bool:
        return any(self.module == name or self.module.startswith(f"{name}.") for name in packages)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of all that is imported, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.lineno, f"{self._origin(node)}.{alias.name}"

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.module.split(".")
        base = here[: len(here) - node.level + self.is_package]
        return ".".join([*base, node.module] if node.module else base)

    def calls(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of all that is called, names followed back to where they were imported from."""
        for line, name, _ in self.first_arguments():
            yield line, name

    def first_arguments(self) -> Iterator[tuple[int, str, str]]:
        """The same with the source text of each call's first argument, empty where there is none."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                yield node.lineno, self._resolved(node.func), ast.unparse(given[0]) if given else ""

    def attributes(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every attribute that is read, called or not."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                yield node.lineno, self._resolved(node)

    def _resolved(self, node: ast.expr) -> str:
        first, dot, rest = _dotted(node).partition(".")
        return self._known.get(first, first) + dot + rest

    @cached_property
    def _known(self) -> dict[str, str]:
        return dict(self._local_names())

    def _local_names(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        yield alias.asname, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{self._origin(node)}.{alias.name}"

    def strings(self) -> Iterator[tuple[int, str]]:
        """Line and text of every string but the docstrings."""
        prose = {
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node.lineno, node.value

    def says(self, line: int, what: str) -> str:
        return f"{self.module}:{line}: {what}"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def sources() -> list[Source]:
    """Every module of the product."""
    return list(_read(PACKAGES))


def sources_of_tests() -> list[Source]:
    """Every module of the tests."""
    return list(_read(TESTS))


@cache
def _read(packages: tuple[str, ...]) -> tuple[Source, ...]:
    """Once, because parsing them takes most of what a check costs."""
    return tuple(Source.read(path) for package in packages for path in sorted((ROOT / package).rglob("*.py")))


def arrows(source: Source) -> Iterator[str]:
    """Arrows go down."""
    if source.within("billing.sandbox") or not source.room:
        return
    if source.room not in STANDS:
        yield source.says(1, f"give `{source.room}` its place in LAYERS")
        return
    here = STANDS[source.room]
    for line, name in source.imports():
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
    for line, name in source.imports():
        first = name.split(".")[0]
        known = name.startswith("billing.rules") or first in sys.stdlib_module_names
        if not known or first in IMPURE_MODULES:
            yield source.says(line, f"a rule must not import `{name}`")
    for line, name in source.calls():
        if name in IMPURE_CALLS or name.rpartition(".")[2] in ("now", "utcnow", "today"):
            yield source.says(line, f"a rule must not call `{name}`")


def one_clock(source: Source) -> Iterator[str]:
    """Only billing/clock.py asks what time it is; PostgreSQL is not asked at all."""
    if source.within("billing.clock", *APART):
        return
    for line, name in source.calls():
        if name in CLOCK_CALLS or re.search(r"\bfunc\.(now|current_timestamp|localtimestamp)$", name):
            yield source.says(line, f"time is an argument; `{name}` belongs into billing.clock")
    for line, text in source.strings():
        if CLOCK_SQL.search(text) and re.search(
            r"\b(select|insert|update|delete|where|default)\b", text, re.IGNORECASE
        ):
            yield source.says(line, "SQL must not ask for the time; pass it")


def no_real_waiting(source: Source) -> Iterator[str]:
    """Only billing/monotonic.py measures and waits by the machine's clock, and the few modules named in MAY_WAIT; tests meet
    at an event or step the clock."""
    if source.within(*MAY_WAIT):
        return
    for line, name in source.imports():
        if name in REAL_TIME:
            yield source.says(line, f"`{name}` belongs into billing.monotonic")
    for line, name in source.attributes():
        if name in REAL_TIME:
            yield source.says(
                line, f"`{name}` belongs into billing.monotonic; use the clock that is injected"
            )
        if name.rpartition(".")[2] == "wait_for_timeout":
            yield source.says(line, "wait for what the page shows, not for time to pass")
    for line, name, first in source.first_arguments():
        if name in PAUSES and first != "0":
            yield source.says(line, f"`{name}({first})` waits for real; wait for an event")


def one_gateway(source: Source) -> Iterator[str]:
    """Only one file knows Stripe's library."""
    if source.module == "billing.payments.stripe_gateway":
        return
    for line, name in source.imports():
        if name.split(".")[0] == "stripe":
            yield source.says(line, "`stripe` belongs into billing.payments.stripe_gateway")


def apart(source: Source) -> Iterator[str]:
    """The sandbox and the house know nothing of each other; nor do the mails know the house."""
    for line, name in source.imports():
        of_house = name.split(".")[0] == "billing"
        of_sandbox = f"{name}.".startswith("billing.sandbox.")
        if source.within("billing.sandbox") and of_house and not of_sandbox:
            yield source.says(line, f"the sandbox must not import `{name}`")
        if not source.within("billing.sandbox") and of_sandbox:
            yield source.says(line, "nothing imports the sandbox; it is a process of its own")
        if source.within("emails") and of_house:
            yield source.says(line, f"`emails` must not import `{name}`")


def wiring(source: Source) -> Iterator[str]:
    """Only app.py and cli.py make adapters."""
    if source.module in WIRING or source.within("billing.sandbox"):
        return
    for line, name in source.calls():
        adapter = name.rpartition(".")[2]
        if adapter in ADAPTERS and not (adapter == "create_engine" and source.module == "billing.db"):
            yield source.says(line, f"only app.py and cli.py make a `{adapter}`")


def own_names(source: Source) -> Iterator[str]:
    """What Python may find by its bare name, when started beside it, is not called like a module of its own."""
    *above, name = source.module.split(".")
    if len(above) < 2 and name in sys.stdlib_module_names:
        yield source.says(1, f"`{name}` is a module of Python itself; choose another name")


def short(source: Source) -> Iterator[str]:
    """A file is read in one sitting."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_FILE:
        yield source.says(lines, f"{lines} lines are more than {LONGEST_FILE}; split it")


CHECKS = (arrows, pure_rules, one_clock, no_real_waiting, one_gateway, apart, wiring, own_names, short)


def circles(modules: list[Source]) -> Iterator[str]:
    """No module of the ground floor needs itself, by whatever way round."""
    ground = set(LAYERS[GROUND_FLOOR])
    needs: dict[str, set[str]] = {room: set() for room in ground}
    for source in modules:
        if source.room in ground:
            needs[source.room] |= {
                n.split(".")[1] for _, n in source.imports() if n.startswith("billing.")
            } & ground
    for room in sorted(ground):
        seen: set[str] = set()
        ahead = needs[room] - {room}
        while ahead:
            seen |= ahead
            ahead = set().union(*(needs[each] for each in ahead)) - seen
        if room in seen:
            yield f"billing.{room} imports itself by way of others"
