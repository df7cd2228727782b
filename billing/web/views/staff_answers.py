"""Staff's page of the answers that they send often."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedAnswerRow:
    """An answer that can be chosen."""

    answer_id: str
    title: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAnswersPage:
    """All answers, and a form for another. `fields` are (name, meaning). `changed` is the answer whose change was refused; else
    `title` and `words` are those of a new one."""

    template: ClassVar[str] = "staff/answers.html"
    rows: tuple[CannedAnswerRow, ...]
    fields: tuple[tuple[str, str], ...]
    changed: str | None = None
    title: str = ""
    words: str = ""
    error: str | None = None
