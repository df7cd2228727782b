"""Find cases: open ones, those with the nearest deadline first, and closed ones."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.cases.close import UnknownCase
from billing.cases.models import Case, CaseKind

_IS_OPEN = col(Case.closed_at).is_(None)


def waiting(session: Session, limit: int, after: Case | None = None) -> list[Case]:
    """Open cases: by deadline, then those without one, the oldest first. `after`: the last one of the page before."""
    dated = select(Case).where(_IS_OPEN, col(Case.act_by).is_not(None))
    undated = select(Case).where(_IS_OPEN, col(Case.act_by).is_(None))
    if after is not None and after.act_by is not None:
        dated = dated.where(sa.tuple_(col(Case.act_by), col(Case.id)) > (after.act_by, after.id))
    elif after is not None:
        dated, undated = dated.where(sa.false()), undated.where(col(Case.id) > after.id)
    # two queries, so that the index serves both from the page's first row on
    found = list(session.exec(dated.order_by(col(Case.act_by), col(Case.id)).limit(limit)))
    if len(found) < limit:
        found += session.exec(undated.order_by(col(Case.id)).limit(limit - len(found)))
    return found


def closed(session: Session, limit: int, after: Case | None = None) -> list[Case]:
    """Closed cases, the last closed first. `after`: the last one of the page before."""
    query = select(Case).where(col(Case.closed_at).is_not(None))
    if after is not None and after.closed_at is not None:
        query = query.where(sa.tuple_(col(Case.closed_at), col(Case.id)) < (after.closed_at, after.id))
    newest_first = col(Case.closed_at).desc(), col(Case.id).desc()
    return list(session.exec(query.order_by(*newest_first).limit(limit)))


def count_by_kind(session: Session) -> dict[str, int]:
    """How many cases of each kind wait for us; 0 for the others. One that waits for the bank isn't counted."""
    counts = (
        select(Case.kind, func.count()).where(_IS_OPEN, col(Case.waits_since).is_(None)).group_by(Case.kind)
    )
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
