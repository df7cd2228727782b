"""What people type into a box of several lines, counted as their browser counts it."""

from pydantic import BeforeValidator


def _one_a_break(typed: object) -> object:
    return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


LINES = BeforeValidator(_one_a_break)
"""Beside the `Form` of such a box. A browser's `maxlength` counts a line break as one, and the form sends it as two; so it
is made one before its length is looked at, or a full box is refused and what was typed is gone."""
