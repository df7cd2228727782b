"""The settings in force, and what the checks say of them."""

from dataclasses import dataclass
from typing import ClassVar

from billing.preflight.shown_settings import SettingGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One line of the checks; `words` have code between backticks."""

    name: str
    verdict: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSettingsPage:
    """`verdicts` are what a line can begin with, in words. Without `checked` nothing was checked yet; `unfinished` checks gave no
    result in time."""

    template: ClassVar[str] = "staff/settings.html"
    groups: tuple[SettingGroup, ...]
    verdicts: tuple[tuple[str, str], ...]
    results: tuple[CheckRow, ...] = ()
    unfinished: tuple[str, ...] = ()
    checked: bool = False
    note: str | None = None
    error: str | None = None
    needs_newsletter: bool = False
    """Whether the error is that there is no newsletter to send a test of."""
