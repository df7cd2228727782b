"""The mutation operators, each a kind of change to one node."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.mutation.edits import Edit
from tests.mutation.locks import leave_lock_out
from tests.mutation.returns import return_early
from tests.mutation.source import Source, called, last_name

Operator = Callable[[Source, ast.AST], Iterator[Edit]]

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Lt: ("<", r"<(?!=)", "<="),
    ast.LtE: ("<=", r"<=", "<"),
    ast.Gt: (">", r">(?!=)", ">="),
    ast.GtE: (">=", r">=", ">"),
    ast.Eq: ("equality", r"==", "!="),
    ast.NotEq: ("equality", r"!=", "=="),
    ast.Is: ("identity", r"\bis\b", "is not"),
    ast.IsNot: ("identity", r"\bis\s+not\b", "is"),
    ast.In: ("identity", r"\bin\b", "not in"),
    ast.NotIn: ("identity", r"\bnot\s+in\b", "in"),
}
"""Variant, pattern of the operator, its replacement."""

_CALLS = {"is_": "is_not", "is_not": "is_", "and_": "or_", "or_": "and_"}
_NUMBER = re.compile(
    r"(^|_)(at|on|by|day|days|month|months|year|hours|seconds|since|until|start|end|amount|cents|net|vat|total|gross|paid"
    r"|refunded|balance|fee|sum|len|max|min|count|used|tries|number|position|version|ordinal|timedelta|size|life|span|wait)s?$",
    re.IGNORECASE,
)


_INSTANT = re.compile(
    r"(^|_)(at|on|by|now|today|since|until|start|end|begins|ends|monotonic)$", re.IGNORECASE
)


def turn_comparison(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`<` to `<=`, `==` to `!=`, `is` to `is not`, and back."""
    if isinstance(node, ast.Compare):
        for (left, right), op in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
            variant, pattern, new = _COMPARISONS[type(op)]
            yield from _between(source, left, right, pattern, new, variant)
    if called(node) in ("is_", "is_not"):
        yield from _rename_call(source, node, "identity")


def add_day(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`timedelta(days=n)` to `days=n + 1`, `timedelta(hours=1)` to `timedelta(days=1, hours=1)`, `TRIAL_DAYS = 7` to `8`."""
    match node:
        case ast.Call() if called(node) == "timedelta":
            yield from _longer_span(source, node)
        case ast.keyword(arg=str(name), value=value) if _names_days(name) and _outside_timedelta(
            source, node
        ):
            yield from _plus_one(source, value)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _names_days(name):
            yield from _plus_one(source, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if _names_days(name):
            yield from _plus_one(source, value)
        case ast.arguments():
            arguments = [*node.posonlyargs, *node.args]
            defaults = zip(reversed(arguments), reversed(node.defaults), strict=False)
            for argument, default in [*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]:
                if default is not None and _names_days(argument.arg):
                    yield from _plus_one(source, default)


def turn_sign(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`+` to `-` and back in arithmetic with numbers or dates; `-x` to `x`."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right) if _reckons(left, right):
            yield from _between(source, left, right, r"\+", "-", "+")
        case ast.BinOp(left=left, op=ast.Sub(), right=right) if _reckons(left, right):
            if _is_instant(left) and _is_instant(right):
                return  # two datetimes can't be added, so any test would kill this mutant
            yield from _between(source, left, right, r"-", "+", "-")
        case ast.AugAssign(target=target, op=ast.Add(), value=value) if _reckons(target, value):
            yield from _between(source, target, value, r"\+=", "-=", "+")
        case ast.AugAssign(target=target, op=ast.Sub(), value=value) if _reckons(target, value):
            yield from _between(source, target, value, r"-=", "+=", "-")
        case ast.UnaryOp(op=ast.USub()) if not _in_subscript(source, node):
            yield Edit(source.start(node), source.start(node) + 1, "", "negation")


def turn_boolean(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`and` to `or` and back; `not x` to `x`, `if x` to `if not x`; a returned True to False and back."""
    match node:
        case ast.BoolOp(op=op, values=values):
            old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
            for left, right in pairwise(values):
                yield from _between(source, left, right, rf"\b{old}\b", new, old)
        case ast.UnaryOp(op=ast.Not()):
            found = re.match(r"not\s*", source.text(source.start(node), source.end(node)))
            if found:
                yield Edit(source.start(node), source.start(node) + len(found[0]), "", "not")
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call() as test):
            yield Edit(source.start(test), source.start(test), "not ", "if")
        case ast.Return(value=ast.Constant(value=bool(value)) as constant):
            yield Edit(source.start(constant), source.end(constant), str(not value), "constant")
        case ast.Call() if called(node) in ("and_", "or_"):
            yield from _rename_call(source, node, "constant")
        case ast.Call(args=[ast.Constant(value=bool(value)) as constant]) if called(node) == "is_":
            yield Edit(source.start(constant), source.end(constant), str(not value), "constant")


OPERATORS: dict[str, Operator] = {
    "comparison": turn_comparison,
    "day": add_day,
    "sign": turn_sign,
    "lock": leave_lock_out,
    "return": return_early,
    "boolean": turn_boolean,
}


def _between(
    source: Source, left: ast.expr, right: ast.expr, pattern: str, new: str, variant: str
) -> Iterator[Edit]:
    """Replace the operator between two operands, unless a comment stands between them."""
    start = source.end(left)
    text = source.text(start, source.start(right))
    found = re.search(pattern, text)
    if found and "#" not in text:
        yield Edit(start + found.start(), start + found.end(), new, variant)


def _rename_call(source: Source, node: ast.AST, variant: str) -> Iterator[Edit]:
    assert isinstance(node, ast.Call)
    old, end = called(node), source.end(node.func)
    yield Edit(end - len(old), end, _CALLS[old], variant)


def _longer_span(source: Source, node: ast.Call) -> Iterator[Edit]:
    names = [keyword.arg for keyword in node.keywords]
    if None in names or any(isinstance(argument, ast.Starred) for argument in node.args):
        return
    given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "days")]
    if given:
        yield from _one_day_more(source, given[0])
    elif not {"microseconds", "milliseconds"} & set(names):
        start = source.end(node.func) + 1
        yield Edit(start, start, "days=1, " if names else "days=1", "span")


def _one_day_more(source: Source, node: ast.expr) -> Iterator[Edit]:
    if isinstance(node, ast.Constant):
        yield from _plus_one(source, node)
        return
    text = source.text(source.start(node), source.end(node))
    is_sum = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp)
    yield Edit(source.start(node), source.end(node), f"{text if is_sum else f'({text})'} + 1", "days")


def _plus_one(source: Source, node: ast.expr) -> Iterator[Edit]:
    """Increase each integer in a value by one."""
    for one in ast.walk(node):
        match one:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                yield Edit(source.start(one), source.end(one), str(number + 1), "days")


def _names_days(name: str) -> bool:
    return bool(re.search(r"(^|_)days?(_|$)", name, re.IGNORECASE))


def _outside_timedelta(source: Source, node: ast.AST) -> bool:
    around = source.parent(node)
    return around is not None and called(around) != "timedelta"


def _in_subscript(source: Source, node: ast.AST) -> bool:
    around = source.parent(node)
    return isinstance(around, ast.Subscript | ast.Slice)


def _reckons(left: ast.expr, right: ast.expr) -> bool:
    """Whether one side looks like a number or a date, and neither like text or a list."""
    sides = (left, right)
    if any(
        isinstance(part, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp | ast.Dict) for part in sides
    ):
        return False
    if any(isinstance(part, ast.Constant) and isinstance(part.value, str | bytes) for part in sides):
        return False
    return any(_looks_numeric(part) for part in sides)


def _is_instant(node: ast.expr) -> bool:
    return bool(_INSTANT.search(called(node) or last_name(node)))


def _looks_numeric(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float)
        case ast.Call(func=func):
            return bool(_NUMBER.search(last_name(func)))
        case ast.BinOp(left=left, right=right):
            return _reckons(left, right)
    return bool(_NUMBER.search(last_name(node)))
