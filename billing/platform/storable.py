"""Which values of a request PostgreSQL can keep."""

import math
import re
from typing import Any

MAX_DEPTH = 100
"""Levels of nested JSON that we keep."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def storable(value: Any) -> bool:
    """Whether PostgreSQL can keep this value as text or JSON.

    It keeps no NUL, no lone surrogate and no infinite number (as Python reads 1e400). We keep no JSON deeper than MAX_DEPTH."""
    left = [(value, 0)]  # a list instead of recursion, which hostile JSON would exhaust
    while left:
        item, depth = left.pop()
        if isinstance(item, str):
            if _UNSTORABLE.search(item):
                return False
        elif isinstance(item, float):
            if not math.isfinite(item):
                return False
        elif isinstance(item, (dict, list, tuple)):
            if depth == MAX_DEPTH:
                return False
            inside = [*item, *item.values()] if isinstance(item, dict) else item
            left += [(child, depth + 1) for child in inside]
    return True
