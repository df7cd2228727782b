"""Rules about the name and the length of a file."""

import sys
from collections.abc import Iterator

from tests.support.architecture.sources import Source

LONGEST_FILE = 350  # lines
USUAL_FILE = 80
"""Lines of the product's median file at most."""


def own_names(source: Source) -> Iterator[str]:
    """No top-level module shadows one of the standard library when Python starts in the project's folder."""
    if "." not in source.module and source.module in sys.stdlib_module_names:
        yield source.says(1, f"`{source.module}` is a module of Python itself; choose another name")


def short(source: Source) -> Iterator[str]:
    """A file has at most LONGEST_FILE lines."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_FILE:
        yield source.says(lines, f"{lines} lines are more than {LONGEST_FILE}; split it")
