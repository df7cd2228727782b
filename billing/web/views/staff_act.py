"""The form and the preview of an act of staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.web.views.staff_reader import StaffEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ActField:
    """One field of the form. `kind` is moment, days, rand, text, lines, or choice, with `choices` as (value, words). A text, or
    lines, have at most `most` letters."""

    name: str
    label: str
    kind: str
    value: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_optional: bool = False
    most: int = 200


@dataclass(frozen=True, slots=True)
class FirstStep:
    """An act to do first: the address of its page, and its words."""

    address: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffActPage:
    """The preview of an act: what it would do, in words and rand. Without `version` it can't be done as typed; `error` says why.

    `asks` is the question to the member and where the answer stands; the answer has at most `most` letters. `reader_reads` is the
    answer as the reader will read it, so far as typed."""

    template: ClassVar[str] = "staff/act.html"
    reader_id: str
    email: str
    title: str
    action: str
    hidden: tuple[tuple[str, str], ...]
    fields: tuple[ActField, ...]
    words: tuple[str, ...]
    button: str
    version: str | None
    asks: tuple[str, str] = ("Why?", "it stands in the history")
    most: int = 1000
    reason: str = ""
    reader_reads: str | None = None
    error: str | None = None
    first: tuple[FirstStep, ...] = ()
    """What to do first, where it can't be done yet."""
    has_changed: bool = False
    """Whether something has happened to the reader since the page was shown before; the last time was `changed_at`."""
    changed_at: datetime | None = None
    meanwhile: StaffEntry | None = None
