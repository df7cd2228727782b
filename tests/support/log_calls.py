"""Every line that the product can log, found in its source."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
APART = {"dev", "edges"}
"""Rooms that no live installation runs: development tools, and files that run on a publisher's own site."""
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
MAY_LOG = re.compile(rf"\blog_event\b|\.\s*(?:{'|'.join(LEVELS)})\b")
"""What a module that logs has in its text. To parse all modules would take seconds."""
PASSED_ON = {("billing.platform.db", "line"), ("billing.platform.logs", "words")}
"""Calls that log another call's text: (module, argument)."""


def events() -> set[tuple[str, tuple[str, ...]]]:
    """Each call of `log_event`: the event and the names of its facts."""
    return {
        (_words(module, call.args[1]), tuple(str(fact.arg) for fact in call.keywords))
        for module, call in _calls()
        if isinstance(call.func, ast.Name) and call.func.id == "log_event" and len(call.args) == 2
    }


def lines() -> set[tuple[str, str]]:
    """Each call of a logger: level and text."""
    found = set()
    for module, call in _calls():
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in LEVELS:
            continue
        owner = ast.unparse(call.func.value)
        given = call.args[0] if owner == "log" else call.args[1] if "throttle" in owner else None
        if given is None or (module, ast.unparse(given)) in PASSED_ON:
            continue
        found.add((LEVELS[call.func.attr], _words(module, given)))
    return found


@cache
def _calls() -> tuple[tuple[str, ast.Call], ...]:
    return tuple(_read())


def _read() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "billing").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] in APART:
            continue
        module, text = ".".join(parts).removesuffix(".__init__"), path.read_text()
        if not MAY_LOG.search(text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                yield module, node


def _words(module: str, node: ast.expr) -> str:
    """The text, with `…` for each variable part. Names of constants are looked up; the result of a call is `…`."""
    match node:
        case ast.Constant(value=str(text)):
            return re.sub(r"%[sdr]", "…", text)
        case ast.JoinedStr(values=values):
            return "".join(_words(module, value) for value in values)
        case ast.FormattedValue(value=ast.Name(id=name)) | ast.Name(id=name):
            known = getattr(importlib.import_module(module), name, None)
            return re.sub(r"%[sdr]", "…", known) if isinstance(known, str) else "…"
        case _:
            return "…"
