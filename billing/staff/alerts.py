"""Mails to the members concerned when a dispute's deadline nears, a case opens, or a reader has waited a day. Each thing is mailed
about once, and each member may switch a kind off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.cases.models import Case, CaseKind
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database, span
from billing.platform.site import Site
from billing.rules.staff_alerts import BEFORE_DEADLINE, REQUEST_AGE, AlertKind
from billing.staff import audit
from billing.staff.alert_models import AlertChoice
from billing.staff.alert_notices import Alerted, send_alerts
from billing.staff.models import ReaderRequest, StaffMember
from billing.staff.roles import Permission, Role, may

NEEDED = {
    AlertKind.DISPUTE_NEARS: Permission.CASES,
    AlertKind.CASE_OPENED: Permission.CASES,
    AlertKind.REQUEST_WAITS: Permission.ANSWER,
}
"""Who may get a kind: those who may do something about it."""
BY_ROLE = {
    AlertKind.DISPUTE_NEARS: (Role.FINANCE, Role.ADMIN),
    AlertKind.CASE_OPENED: (Role.FINANCE, Role.ADMIN),
    AlertKind.REQUEST_WAITS: (Role.SUPPORT,),
}
"""Who gets a kind without having chosen."""
MOST = 1_000
"""How many things a run mails about; the rest at the next tick."""
_NEW = (
    "NOT EXISTS (SELECT FROM staff_alert a WHERE a.kind = '{kind}' AND a.subject = id AND a.since = {since})"
)
_CASES = f"closed_at IS NULL AND {_NEW.format(kind=AlertKind.CASE_OPENED.value, since='opened_at')}"
_REQUESTS = (
    f"waits_since IS NOT NULL AND {_NEW.format(kind=AlertKind.REQUEST_WAITS.value, since='waits_since')}"
)
_DISPUTES = f"""decided_at IS NULL AND state = 'needs_answer' AND answer_by IS NOT NULL
                AND {_NEW.format(kind=AlertKind.DISPUTE_NEARS.value, since="answer_by")}"""
_DUE = {
    AlertKind.CASE_OPENED: f"SELECT id, opened_at FROM staff_case WHERE opened_at <= :at AND {_CASES} ORDER BY opened_at",  # noqa: S608
    AlertKind.REQUEST_WAITS: f"""SELECT id, waits_since FROM reader_request
                                 WHERE waits_since <= :at - {span(REQUEST_AGE)} AND {_REQUESTS} ORDER BY waits_since""",  # noqa: S608
    AlertKind.DISPUTE_NEARS: f"""SELECT id, answer_by FROM dispute
                                 WHERE answer_by <= :at + {span(BEFORE_DEADLINE)} AND {_DISPUTES} ORDER BY answer_by""",  # noqa: S608
}
NEXT_DUE = f"""SELECT least((SELECT min(opened_at) FROM staff_case WHERE {_CASES}),
                            (SELECT min(waits_since) + {span(REQUEST_AGE)} FROM reader_request WHERE {_REQUESTS}),
                            (SELECT min(answer_by) - {span(BEFORE_DEADLINE)} FROM dispute WHERE {_DISPUTES}))"""  # noqa: S608
"""When the first thing is due that nobody was mailed about (see `timetable.Job`). It looks at what is open alone."""


def alert_due(database: Database, site: Site, at: datetime) -> int:
    """Mail members about what has become due; how many things. Two workers at once mail about each once."""
    with database.begin(site, at, WORKER) as ctx:
        return sum(_alert(ctx, kind) for kind in AlertKind)


def _alert(ctx: TransactionContext, kind: AlertKind) -> int:
    found = _mark(ctx, kind)
    if found:
        send_alerts(ctx, kind, found, who_wants(ctx.session, kind))
    return len(found)


def _mark(ctx: TransactionContext, kind: AlertKind) -> list[Alerted]:
    """Write down what is due and new. A second worker waits for the first one's rows, and finds none."""
    statement = f"""INSERT INTO staff_alert (kind, subject, since, at)
                    SELECT :kind, due.id, due.since, :at FROM ({_DUE[kind]} LIMIT {MOST}) due (id, since)
                    ON CONFLICT DO NOTHING RETURNING subject, since"""  # noqa: S608 - of our own
    rows = ctx.session.execute(sa.text(statement), {"kind": kind.value, "at": ctx.at}).all()
    words = _words(ctx.session, kind, [row.subject for row in rows])
    found = [Alerted(row.subject, row.since, words.get(row.subject, kind.words)) for row in rows]
    return sorted(found, key=lambda one: (one.since, one.subject))


def _words(session: Session, kind: AlertKind, ids: list[str]) -> Mapping[str, str]:
    """What each is, without the reader's name."""
    if kind is AlertKind.CASE_OPENED:
        cases = session.exec(select(Case.id, Case.kind).where(col(Case.id).in_(ids)))
        known = {each.value: each.words for each in CaseKind}
        return {case_id: known.get(name, name.replace("_", " ")) for case_id, name in cases}
    if kind is AlertKind.REQUEST_WAITS:
        requests = session.exec(select(ReaderRequest).where(col(ReaderRequest.id).in_(ids)))
        return {request.id: request.kind.words for request in requests}
    return dict.fromkeys(ids, "A bank disputes a charge")


def who_wants(session: Session, kind: AlertKind) -> list[StaffMember]:
    """The members who get this kind."""
    rows = session.exec(
        select(StaffMember, AlertChoice.wanted)
        .outerjoin(
            AlertChoice,
            sa.and_(col(AlertChoice.staff_id) == StaffMember.id, col(AlertChoice.kind) == kind.value),
        )
        .where(col(StaffMember.disabled_at).is_(None))
        .order_by(col(StaffMember.id))
    )
    return [
        member
        for member, wanted in rows
        if may(member.role, NEEDED[kind]) and (member.role in BY_ROLE[kind] if wanted is None else wanted)
    ]


@dataclass(frozen=True, slots=True)
class AlertSetting:
    """Whether a member gets a kind now."""

    kind: AlertKind
    wanted: bool


def settings_of(session: Session, member: StaffMember) -> tuple[AlertSetting, ...]:
    """The kinds that the member may get."""
    rows = session.exec(select(AlertChoice).where(AlertChoice.staff_id == member.id))
    chosen = {row.kind: row.wanted for row in rows}
    return tuple(
        AlertSetting(kind, chosen.get(kind.value, member.role in BY_ROLE[kind]))
        for kind in AlertKind
        if may(member.role, NEEDED[kind])
    )


def choose(ctx: TransactionContext, member: StaffMember, wanted: set[str]) -> None:
    """Set which of the kinds that the member may get come by mail. What changes is audited."""
    before = settings_of(ctx.session, member)
    changed = [setting for setting in before if setting.wanted is not (setting.kind.value in wanted)]
    for setting in changed:
        kept = AlertChoice(
            staff_id=member.id, kind=setting.kind.value, wanted=not setting.wanted, chosen_at=ctx.at
        )
        ctx.session.merge(kept)
    if changed:
        audit.write(
            ctx,
            "choose_alerts",
            subject=member.id,
            before={setting.kind.value: setting.wanted for setting in changed},
            after={setting.kind.value: not setting.wanted for setting in changed},
        )


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "staff are mailed about what waits"
