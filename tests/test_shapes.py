"""Functions in rooms where money moves stay small: few parameters, few lines."""

import ast
from collections.abc import Iterator
from pathlib import Path

import billing

ROOMS = ("payments", "changes", "billing_run", "subscriptions", "cards", "refunds")
MOST_PARAMETERS, MOST_LINES = 6, 40


def functions(room: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each function of a room, with its place."""
    home = Path(billing.__file__).parent
    for path in sorted((home / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(home)}:{node.lineno} {node.name}", node


def too_large(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """What is too much of it."""
    given = function.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    count = sum(one is not None for one in parameters)
    if count > MOST_PARAMETERS:
        yield f"{count} parameters"
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if lines > MOST_LINES:
        yield f"{lines} lines"


def test_functions_have_few_parameters_and_few_lines() -> None:
    found = [
        f"{where}: {fault}" for room in ROOMS for where, each in functions(room) for fault in too_large(each)
    ]
    assert not found, "\n".join(found)


def test_one_that_is_too_large_is_found() -> None:
    body = "\n".join(["    pass"] * MOST_LINES)
    tree = ast.parse(f"def long(a, b, *, c, d, e, f, **g):\n{body}\n")
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    assert list(too_large(function)) == ["7 parameters", "41 lines"]
