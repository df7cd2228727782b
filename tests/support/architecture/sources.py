"""The modules of the product and of the tests, parsed once in a process."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("billing", "emails")
TESTS = ("tests",)


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

    @property
    def room(self) -> str:
        """The folder of `billing`: `payments` for billing.payments.charge."""
        return self.module.split(".")[1] if self.module.startswith("billing.") else ""

    def within(self, *packages: str) -> bool:
        return any(self.module == name or self.module.startswith(f"{name}.") for name in packages)

    @cached_property
    def classes(self) -> list[str]:
        """The public classes that the module defines at its top level."""
        (module,) = (node for node in self._nodes if isinstance(node, ast.Module))
        return [
            node.name
            for node in module.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full dotted name of every import, nested ones included."""
        return [(line, name) for line, name, _ in self._imported]

    @cached_property
    def calls(self) -> list[tuple[int, str, ast.Call]]:
        """Line, dotted name and node of every call. Names are resolved to what was imported."""
        return [
            (node.lineno, self._resolved(node.func), node)
            for node in self._nodes
            if isinstance(node, ast.Call)
        ]

    def attributes(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every attribute."""
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                yield node.lineno, self._resolved(node)

    def strings(self) -> Iterator[tuple[int, str]]:
        """Line and text of every string except docstrings."""
        prose = {
            id(node.body[0].value)
            for node in self._nodes
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in self._nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node.lineno, node.value

    def says(self, line: int, what: str) -> str:
        return f"{self.module}:{line}: {what}"

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        """The nodes that checks read. Names and operators, the bulk of the tree, are dropped to save memory."""
        return [node for node in ast.walk(ast.parse(self.text)) if isinstance(node, _CHECKED)]

    @cached_property
    def _imported(self) -> list[tuple[int, str, str]]:
        """Line, full dotted name, and its local name in this module (empty: the dotted name itself)."""
        found = []
        for node in self._nodes:
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name, alias.asname or "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                found += [
                    (node.lineno, f"{origin}.{alias.name}", alias.asname or alias.name)
                    for alias in node.names
                ]
        return found

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.module.split(".")
        base = here[: len(here) - node.level + self.is_package]
        return ".".join([*base, node.module] if node.module else base)

    def _resolved(self, node: ast.expr) -> str:
        first, dot, rest = _dotted(node).partition(".")
        return self._known.get(first, first) + dot + rest

    @cached_property
    def _known(self) -> dict[str, str]:
        return {known_as: name for _, name, known_as in self._imported if known_as}


_CHECKED = (
    ast.Import,
    ast.ImportFrom,
    ast.Call,
    ast.Attribute,
    ast.Constant,
    ast.Module,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
)


def first_argument(call: ast.Call) -> str:
    """The source text of a call's first argument; empty where there is none."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return ast.unparse(given[0]) if given else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def sources() -> tuple[Source, ...]:
    """Every module of the product."""
    return _read(PACKAGES)


def sources_of_tests() -> tuple[Source, ...]:
    """Every module of the tests."""
    return _read(TESTS)


@cache
def _read(packages: tuple[str, ...]) -> tuple[Source, ...]:
    """Cached, because parsing is most of a check's cost."""
    return tuple(Source.read(path) for package in packages for path in sorted((ROOT / package).rglob("*.py")))
