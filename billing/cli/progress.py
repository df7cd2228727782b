"""Shows the progress of a long command: one line on stderr, written over, if that is a terminal; elsewhere nothing."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Say = Callable[[str], None]
FALLBACK_COLUMNS = 80


@contextmanager
def progress() -> Iterator[Say]:
    """A function that shows a step. The line is gone at the end, so that only results stay on the screen.

    Logs and pipes get nothing: there each step would be a line of its own."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    room, shown = _columns() - 1, 0

    def say(words: str) -> None:
        nonlocal shown
        line = words[:room]  # a line that wraps can't be written over
        click.echo("\r" + line.ljust(shown), nl=False, err=True)
        shown = len(line)

    try:
        yield say
    finally:
        say("")
        click.echo("\r", nl=False, err=True)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or FALLBACK_COLUMNS
    except OSError:
        return FALLBACK_COLUMNS
