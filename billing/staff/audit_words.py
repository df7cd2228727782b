"""Search the audit by words: those of a line, and those that the page shows for its act.

The index has the codes of acts, as an act's words may change with a release. So a typed word also stands for the codes of the acts
whose words have it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import sqlalchemy as sa
from sqlmodel import col

from billing.staff.act_words import WORDS, in_words
from billing.staff.models import AUDITED_WORDS, AuditLine
from billing.staff.roles import Permission

_PIECE = re.compile(r'(-?)"([^"]*)"?|(-?)([^\s"]+)')
_WORD = re.compile(r"\w+")
_SIMPLE = sa.text("'simple'::regconfig")
_LINE: sa.ColumnElement[object] = sa.literal_column(AUDITED_WORDS)
_SHOWN = {act: f" {' '.join(_WORD.findall(in_words(act).lower()))} " for act in sorted({*WORDS, *Permission})}


@dataclass(frozen=True, slots=True)
class _Term:
    """A word, or words in quotes that stand together. `without`: a line must not have it."""

    text: str
    without: bool = False

    @property
    def acts(self) -> tuple[str, ...]:
        """The codes of the acts whose words have it."""
        wanted = f" {' '.join(_WORD.findall(self.text.lower()))} "
        return tuple(act for act, shown in _SHOWN.items() if wanted in shown)

    def fits(self) -> sa.ColumnElement[bool]:
        """Whether a line, or its act in words, has it."""
        found: sa.ColumnElement[bool] = _LINE.op("@@")(self._typed())
        if self.acts:
            found = sa.or_(found, col(AuditLine.act).in_(self.acts))
        return sa.not_(found) if self.without else found

    def near(self) -> sa.ColumnElement[object]:
        """What the index is asked for: every line that fits, and some that only mention such an act."""
        codes = " | ".join(act.replace("_", " <-> ") for act in self.acts)
        return self._typed().op("||")(sa.func.to_tsquery(_SIMPLE, codes)) if codes else self._typed()

    def _typed(self) -> sa.ColumnElement[object]:
        return sa.func.websearch_to_tsquery(_SIMPLE, f'"{self.text}"')


def words_fit(typed: str) -> sa.ColumnElement[bool]:
    """The condition that a line has all these words; those "in quotes" together, none after a `-`, and `or` between others."""
    groups = [group for group in _groups(typed) if group]
    if not groups:
        return sa.false()
    fits = sa.or_(*(sa.and_(*(term.fits() for term in group)) for group in groups))
    asked = [[term.near() for term in group if not term.without] for group in groups]
    if not all(asked):
        return fits  # what only leaves out has no index
    near = reduce(lambda one, other: one.op("||")(other), (_all(group) for group in asked))
    return sa.and_(_LINE.op("@@")(near), fits)


def _all(near: list[sa.ColumnElement[object]]) -> sa.ColumnElement[object]:
    return reduce(lambda one, other: one.op("&&")(other), near)


def _groups(typed: str) -> Iterator[list[_Term]]:
    group = list[_Term]()
    for piece in _PIECE.finditer(typed):
        minus, quoted, dash, word = piece.groups()
        if word is not None and not dash and word.lower() == "or":
            yield group
            group = []
            continue
        term = _Term(" ".join((quoted if word is None else word).split()), without=bool(minus or dash))
        if _WORD.search(term.text) and term not in group:
            group.append(term)
    yield group
