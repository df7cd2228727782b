"""The table of operations by method and path, with their parameters."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from billing.dev.sandbox.params import Kind, listed, text
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

Act = Callable[[SandboxWorld, Call], Row]


@dataclass(frozen=True)
class Operation:
    """One API operation. `returns` is the object type; `many`: it answers a list."""

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
    """Register the decorated function; `expand` is accepted everywhere."""

    def register(act: Act) -> Act:
        full = {"expand": listed(text())} | dict(spec or {})
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        _TABLE.append((method, pattern, Operation(method, template, act, returns, many, full, required)))
        return act

    return register


def match(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation and the ids in the path, or None."""
    for verb, pattern, found in _TABLE:
        if verb == method and (groups := pattern.fullmatch(path)):
            return found, groups.groupdict()
    return None
