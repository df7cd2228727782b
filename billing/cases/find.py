"""Find cases: those that wait, the soonest to be too late first; and those that were closed."""

from collections.abc import Iterable

from sqlmodel import Session, col, func, select

from billing.cases.close import UnknownCase
from billing.cases.models import Case, CaseKind


def waiting(session: Session, limit: int = 200) -> list[Case]:
    """Open ones: first by when it is too late to act, then the oldest."""
    return list(
        session.exec(
            select(Case)
            .where(col(Case.closed_at).is_(None))
            .order_by(col(Case.act_by).asc().nulls_last(), col(Case.id))
            .limit(limit)
        )
    )


def closed(session: Session, limit: int = 50) -> list[Case]:
    """Those closed last."""
    return list(
        session.exec(
            select(Case)
            .where(col(Case.closed_at).is_not(None))
            .order_by(col(Case.closed_at).desc())
            .limit(limit)
        )
    )


def count(session: Session) -> int:
    """How many wait."""
    return session.exec(select(func.count()).where(col(Case.closed_at).is_(None))).one()


def count_by_kind(session: Session) -> dict[str, int]:
    """How many wait of each kind; 0 for the others."""
    waiting = select(Case.kind, func.count()).where(col(Case.closed_at).is_(None)).group_by(Case.kind)
    return {kind.value: 0 for kind in CaseKind} | dict(session.exec(waiting).all())


def subjects_of(session: Session, kind: CaseKind) -> list[str]:
    """What the open cases of a kind are about."""
    return list(
        session.exec(select(Case.subject).where(Case.kind == kind.value, col(Case.closed_at).is_(None)))
    )


def one(session: Session, case_id: str) -> Case:
    """A case. Raises UnknownCase."""
    found = session.get(Case, case_id)
    if found is None:
        raise UnknownCase
    return found


def open_among(session: Session, subjects: Iterable[tuple[CaseKind, str]]) -> set[tuple[str, str]]:
    """Those (kind, subject) whose case is open: what nobody has explained."""
    wanted = {(kind.value, subject) for kind, subject in subjects}
    rows = session.exec(
        select(Case.kind, Case.subject).where(
            col(Case.closed_at).is_(None), col(Case.subject).in_({subject for _, subject in wanted})
        )
    )
    return {(kind, subject) for kind, subject in rows} & wanted
