"""All stop points, read from the code: the named ones, and those before and after every commit and every acquirer call."""

import ast
from collections.abc import Iterator
from pathlib import Path

from billing.platform import stop_points

ROOT = Path(stop_points.__file__).parents[1]
FLOWS = (
    *("acquirer", "billing_run", "cards", "changes", "disputes", "ledger", "mail", "newsletters", "payments"),
    *("address_changes", "personal_data", "reconcile", "refunds", "reports", "webhooks"),
    "staff.bulk",
)
"""Rooms whose commits are stop points: they move money and mail. A page has one commit and answers after it."""


def _trees(*words: str) -> Iterator[tuple[Path, ast.Module]]:
    """The modules of the product that have one of these words. To parse all of them would take seconds."""
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text("utf-8")
        if any(word in text for word in words):
            yield path, ast.parse(text)


def all_points() -> set[str]:
    """The names of all stop points."""
    found = _trees("stop_point", "around", ".transaction", ".begin")
    return {point for path, tree in found for point in _points_in(path, tree)}


def all_marks() -> set[str]:
    """The names of all coverage marks, which a run of the proofs must pass."""
    return {
        str(node.args[0].value)
        for _, tree in _trees("reached")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reached"
        if isinstance(node.args[0], ast.Constant)
    }


def _points_in(path: Path, tree: ast.Module) -> Iterator[str]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    yield from _around(tree)
    for function in _functions(tree):
        for node in _own_nodes(function):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "stop_point":
                yield from (str(name.value) for name in node.args if isinstance(name, ast.Constant))
            if module.startswith(FLOWS) and _opens_transaction(node):
                name = f"{module}.{function.name}"
                yield from (f"{name} {when}" for when in (stop_points.COMMITS, stop_points.COMMITTED))


def _around(tree: ast.Module) -> Iterator[str]:
    """The stop points around an adapter's public methods."""
    for adapter in tree.body:
        if isinstance(adapter, ast.ClassDef) and "around" in map(ast.unparse, adapter.decorator_list):
            for method in adapter.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    for when in (stop_points.ASKED, stop_points.ANSWERED):
                        yield f"{adapter.name}.{method.name} {when}"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """All functions, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of nested functions."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _opens_transaction(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.With)
        and any(
            isinstance(item.context_expr, ast.Call)
            and getattr(item.context_expr.func, "attr", "") in ("transaction", "begin")
            for item in node.items
        )
    )  # fmt: skip


def other_doors() -> set[str]:
    """Files that use the database without `Database.transaction`, which has the stop points. `dev` is left out."""
    return {
        str(path.relative_to(ROOT))
        for path, tree in _trees("commit", "engine")
        if "dev" not in path.relative_to(ROOT).parts and path.name != "db.py"
        if any(_is_another_door(node) for node in ast.walk(tree))
    }


def _is_another_door(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    of_engine = ast.unparse(node.func.value).endswith("engine")
    return node.func.attr in ("commit", "autocommit") or (
        of_engine and node.func.attr in ("connect", "begin", "raw_connection")
    )
