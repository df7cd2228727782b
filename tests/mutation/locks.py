"""The operator that removes a row lock or an advisory lock. Thread locks stay: tests would hardly ever notice their loss."""

import ast
import re
from collections.abc import Iterator

from tests.mutation.edits import Edit
from tests.mutation.source import Source, called, last_name

_SQL_LOCK = re.compile(r"\s*\bFOR (NO KEY )?(UPDATE|SHARE)( OF \w+)?( SKIP LOCKED| NOWAIT)?")
_ADVISORY = re.compile(r"SELECT pg_advisory_(xact_)?lock")
_LOCKING_CALL = re.compile(r"_?(lock(_\w+)?|hold_names|hold_shared)")


def leave_lock_out(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Drop `with_for_update`, `FOR UPDATE`, or a call that only locks."""
    match node:
        case ast.Call():
            yield from _row(source, node)
            yield from _read_unlocked(source, node)
        case ast.Constant(value=str()) | ast.JoinedStr():
            yield from _sql(source, node)
        case ast.Expr(value=ast.Call() as call) if _only_locks(source, call):
            yield Edit(source.start(node), source.end(node), "pass", "call")


def _row(source: Source, node: ast.Call) -> Iterator[Edit]:
    for keyword in node.keywords:
        if keyword.arg == "with_for_update":
            start, end = source.start(keyword), source.end(keyword)
            ends: list[int] = [
                source.end(part)
                for part in [*node.args, *node.keywords]
                if isinstance(part, ast.expr | ast.keyword)
            ]
            before = max((one for one in ends if one <= start), default=start)
            yield Edit(before, end, "", "row")
    if isinstance(node.func, ast.Attribute) and node.func.attr == "with_for_update":
        inner = source.end(node.func.value)
        found = re.search(r"\s*\.\s*with_for_update", source.text(inner, source.end(node)))
        if found:
            yield Edit(inner + found.start(), source.end(node), "", "row")


def _read_unlocked(source: Source, node: ast.Call) -> Iterator[Edit]:
    """Replace a `lock(session, id)` whose result is used by a read of the same row without a lock."""
    if last_name(node.func) != "lock" or len(node.args) != 2 or not _imports(source, "Subscription"):
        return
    if not isinstance(source.parent(node), ast.Expr):
        session, subscription_id = (source.text(source.start(one), source.end(one)) for one in node.args)
        new = f"{session}.get_one(Subscription, {subscription_id})"
        yield Edit(source.start(node), source.end(node), new, "read")


def _imports(source: Source, name: str) -> bool:
    return any(
        isinstance(statement, ast.ImportFrom) and name in [one.asname or one.name for one in statement.names]
        for statement in source.tree.body
    )


def _sql(source: Source, node: ast.Constant | ast.JoinedStr) -> Iterator[Edit]:
    if isinstance(source.parent(node), ast.Expr):
        return  # a docstring
    for found in _SQL_LOCK.finditer(source.text(source.start(node), source.end(node))):
        before = len(source.text(source.start(node), source.end(node))[: found.start()].encode())
        start = source.start(node) + before
        yield Edit(start, start + len(found[0].encode()), "", "sql")


def _only_locks(source: Source, call: ast.Call) -> bool:
    """Whether a call whose result isn't used takes a lock, by its name or by the statement it executes."""
    if _LOCKING_CALL.fullmatch(called(call)):
        return True
    return called(call) == "execute" and any(
        _ADVISORY.search(text) for argument in call.args for text in _texts(source, argument)
    )


def _texts(source: Source, node: ast.expr) -> Iterator[str]:
    """The strings in an argument, or in the module constant that it names."""
    values: list[ast.AST] = [node]
    if isinstance(node, ast.Name):
        values += [
            statement.value
            for statement in source.tree.body
            if isinstance(statement, ast.Assign) and node.id in map(last_name, statement.targets)
        ]
    for value in values:
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value
