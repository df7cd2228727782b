"""A parsed file with byte offsets for its nodes, so that an edit leaves the other text unchanged."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.edits import Edit

Function = ast.FunctionDef | ast.AsyncFunctionDef
_LOGGER = re.compile(r"_?log(s|ger|ging)?", re.IGNORECASE)
_WORDING = {"__repr__", "__str__", "__format__"}


class Source:
    """One file. Offsets count bytes, as in `ast`."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.tree = ast.parse(data)
        self._starts = [0]
        for line in data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @classmethod
    def read(cls, root: Path, path: str) -> "Source":
        """Read the file at `path` below `root`."""
        return cls(path, (root / path).read_bytes())

    def offset(self, line: int, column: int) -> int:
        """The byte offset of an `ast` position."""
        return self._starts[line - 1] + column

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """The offset at which a node begins."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """The offset at which a node ends (exclusive)."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.end_lineno, node.end_col_offset)

    def text(self, start: int, end: int) -> str:
        """The text between two offsets."""
        return self.data[start:end].decode()

    def line_of(self, offset: int) -> int:
        """The line number at an offset."""
        return self.data.count(b"\n", 0, offset) + 1

    def line_text(self, line: int) -> str:
        """A line without its indentation."""
        return self.text(self._starts[line - 1], self._starts[line]).strip()

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The parent node."""
        return self._parents.get(node)

    def scope(self, node: ast.AST) -> str:
        """The qualified name of the enclosing function or class; empty at module level."""
        names: list[str] = []
        around: ast.AST | None = node
        while around is not None:
            if isinstance(around, Function | ast.ClassDef):
                names.append(around.name)
            around = self.parent(around)
        return ".".join(reversed(names))

    def body(self, function: Function) -> list[ast.stmt]:
        """The statements after the docstring."""
        return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body

    def before(self, statement: ast.stmt, new: str, variant: str) -> Edit | None:
        """Insert `new` as a line before a statement and its decorators; None if the statement doesn't begin a line."""
        decorators = getattr(statement, "decorator_list", [])
        line = min([statement.lineno, *(one.lineno for one in decorators)])
        start = self.offset(line, statement.col_offset)
        if self.data[self.offset(line, 0) : start].strip():
            return None
        return Edit(start, start, f"{new}\n{' ' * statement.col_offset}", variant)

    def nodes(self) -> Iterator[ast.AST]:
        """All nodes that may be mutated. Annotations, log calls, assertions, exception messages and texts are excluded."""
        yield from _nodes(self.tree)


def called(node: ast.AST) -> str:
    """The last name of a call's function: `with_for_update` of `select(…).with_for_update()`; empty for anything else."""
    return last_name(node.func) if isinstance(node, ast.Call) else ""


def last_name(node: ast.AST) -> str:
    """The last part of a name: `lock` for both `self.lock` and `lock`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    if _is_left_out(node):
        return
    yield node
    if isinstance(node, ast.JoinedStr):
        return  # Python 3.11 reports wrong positions inside f-strings
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _nodes(child)


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Assert() | ast.Raise():
            return True
        case ast.FunctionDef(name=name):
            return name in _WORDING
        case ast.Assign(targets=[ast.Name(id="__table_args__")]):
            return True  # tests create their tables by migrations, so table definitions aren't tested
        case ast.Call(func=ast.Attribute(value=logger)):
            return bool(_LOGGER.fullmatch(last_name(logger)))
    return False
