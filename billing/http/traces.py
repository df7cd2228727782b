"""The trace that a request belongs to, as its caller says (W3C Trace Context, level 1)."""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
"""Version, trace, parent and flags. `ff` and zeros are invalid; a later version may add fields."""


def trace_of(scope: Scope) -> str:
    """The id of the trace in `traceparent`; empty if there is none, or an invalid one."""
    found = _TRACEPARENT.fullmatch(Headers(scope=scope).get("traceparent", ""))
    return found[1] if found else ""
