"""The static files of pages, and their addresses."""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
"""Of a file whose address holds a hash of its content: caches may keep it for a year."""


@cache
def asset(name: str, folder: Path = STATIC, address: str = "/static") -> str:
    """The address of a static file, with a hash of its content so that caches may keep it for a year."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
    return f"{address}/{name}?v={digest}"
