"""The operator that returns early: the function does nothing and returns the simplest value of its annotated type."""

import ast
from collections.abc import Iterator

from tests.mutation.edits import Edit
from tests.mutation.source import Function, Source, last_name

_UNTOUCHED = {"contextmanager", "asynccontextmanager", "overload", "abstractmethod", "field_validator"}
_READ_AHEAD = ("load_", "prefetch")
"""Procedures that only save later queries: without them results are the same, only slower."""
_EMPTY = {
    "None": [""],
    "bool": ["False", "True"],
    "int": ["0"],
    "float": ["0.0"],
    "str": ['""'],
    "bytes": ['b""'],
    "list": ["[]"],
    "Sequence": ["[]"],
    "dict": ["{}"],
    "Mapping": ["{}"],
    "set": ["set()"],
    "frozenset": ["frozenset()"],
}


def return_early(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Insert a `return` before the first statement. The rest stays unreached, so the diff is one line."""
    if not isinstance(node, Function) or _is_untouched(source, node):
        return
    body = source.body(node)
    if not body or _is_stub(body):
        return
    for value in _simple_values(node):
        statement = f"return {value}".rstrip()
        edit = source.before(body[0], statement, value or "nothing")
        if edit and (len(body) > 1 or ast.unparse(body[0]) != statement.replace('"', "'")):
            yield edit


def _is_untouched(source: Source, node: Function) -> bool:
    around = source.parent(node)
    decorators = {last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
    is_port = isinstance(around, ast.ClassDef) and "Protocol" in map(last_name, around.bases)
    is_dunder = node.name.startswith("__") and node.name.endswith("__")
    is_read_ahead = node.name.startswith(_READ_AHEAD) and ast.unparse(node.returns or node) == "None"
    return is_port or is_dunder or is_read_ahead or bool(decorators & _UNTOUCHED)


def _is_stub(body: list[ast.stmt]) -> bool:
    first = body[0]
    return isinstance(first, ast.Pass | ast.Raise) or (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    )


def _simple_values(node: Function) -> list[str]:
    if node.returns is None:
        return []
    if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(node)):
        return [""]
    text = ast.unparse(node.returns).strip("'\"")
    if text.endswith("| None"):
        return ["None"]
    if text == "Self":
        return ["self"] if node.args.args and node.args.args[0].arg == "self" else []
    if text.startswith("tuple["):
        return ["()"] if text.endswith(", ...]") else []
    if text in ("int", "float"):
        return _EMPTY[text]
    for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
        if argument.annotation is not None and ast.unparse(argument.annotation) == text:
            return [argument.arg]
    return _EMPTY.get(text.partition("[")[0], [])
