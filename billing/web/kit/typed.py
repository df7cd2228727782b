"""What people type into forms."""

from pydantic import BeforeValidator


def _one_character_a_break(typed: object) -> object:
    return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


LINES = BeforeValidator(_one_character_a_break)
"""Add this to the `Form` of a textarea. A browser's `maxlength` counts a line break as one character, but the form sends two.
Without this, a full textarea is refused and its text is lost."""


def whole_number(typed: str, most: int, digits: int) -> int | None:
    """A number from 0 to `most`, of so many digits at most; None for anything else."""
    text = typed.strip()
    # `isdecimal` alone accepts the digits of other scripts; `int` alone accepts "1_000"
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits
    return int(text) if is_number and int(text) <= most else None
