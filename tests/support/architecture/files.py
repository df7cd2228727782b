"""How a file is called, and how long it is."""

import sys
from collections.abc import Iterator

from tests.support.architecture.sources import Source

LONGEST_FILE = 350  # lines


def own_names(source: Source) -> Iterator[str]:
    """What Python may find by its bare name, when started in the folder of the project, is not called like a module of its own."""
    if "." not in source.module and source.module in sys.stdlib_module_names:
        yield source.says(1, f"`{source.module}` is a module of Python itself; choose another name")


def short(source: Source) -> Iterator[str]:
    """A file is read in one sitting."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_FILE:
        yield source.says(lines, f"{lines} lines are more than {LONGEST_FILE}; split it")
