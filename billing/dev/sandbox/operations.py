"""The table of operations: which method and path does what, with which parameters."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from billing.dev.sandbox.params import Kind, listed, text
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

Act = Callable[[SandboxWorld, Call], Row]


@dataclass(frozen=True)
class Operation:
    """One API operation; `returns` is the object type, `many` says that it answers a list of them."""

    method: str
    template: str
    act: Act
    returns: str
    many: bool = False
    spec: Mapping[str, Kind] = field(default_factory=dict)
    required: Sequence[str] = ()


_TABLE: list[tuple[str, re.Pattern[str], Operation]] = []


def operation(
    method: str,
    template: str,
    *,
    returns: str,
    many: bool = False,
    spec: Mapping[str, Kind] | None = None,
    required: Sequence[str] = (),
) -> Callable[[Act], Act]:
    """Enter the function in the table; `expand` is accepted everywhere."""

    def enter(act: Act) -> Act:
        full = {"expand": listed(text())} | dict(spec or {})
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        _TABLE.append((method, pattern, Operation(method, template, act, returns, many, full, required)))
        return act

    return enter


def match(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation and the ids in its path, or None."""
    for verb, pattern, found in _TABLE:
        if verb == method and (groups := pattern.fullmatch(path)):
            return found, groups.groupdict()
    return None
