"""Find cases: open ones, those with the nearest deadline first, and closed ones."""

from collections.abc import Iterable

from sqlmodel import Session, col, func, select

from billing.cases.close import UnknownCase
from billing.cases.models import Case, CaseKind

_IS_OPEN = col(Case.closed_at).is_(None)


def waiting(session: Session, limit: int = 200) -> list[Case]:
    """Open cases: by deadline, then the oldest first."""
    order = col(Case.act_by).asc().nulls_last(), col(Case.id)
    return list(session.exec(select(Case).where(_IS_OPEN).order_by(*order).limit(limit)))


def closed(session: Session, limit: int = 50) -> list[Case]:
    """The cases closed last, newest first."""
    newest_first = col(Case.closed_at).desc()
    return list(session.exec(select(Case).where(~_IS_OPEN).order_by(newest_first).limit(limit)))


def count_by_kind(session: Session) -> dict[str, int]:
    """How many cases of each kind are open; 0 for the others."""
    counts = select(Case.kind, func.count()).where(_IS_OPEN).group_by(Case.kind)
    return {kind.value: 0 for kind in CaseKind} | dict(session.exec(counts).all())


def subjects_of(session: Session, kind: CaseKind) -> list[str]:
    """The subjects of the open cases of a kind."""
    return list(session.exec(select(Case.subject).where(Case.kind == kind.value, _IS_OPEN)))


def one(session: Session, case_id: str) -> Case:
    """Raises UnknownCase."""
    if (found := session.get(Case, case_id)) is None:
        raise UnknownCase
    return found


def open_among(session: Session, subjects: Iterable[tuple[CaseKind, str]]) -> set[tuple[str, str]]:
    """Those (kind, subject) whose case is open."""
    asked = {(kind.value, subject) for kind, subject in subjects}
    about = col(Case.subject).in_({subject for _, subject in asked})
    rows = session.exec(select(Case.kind, Case.subject).where(_IS_OPEN, about))
    return {(kind, subject) for kind, subject in rows} & asked
