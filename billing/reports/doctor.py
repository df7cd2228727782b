"""Check every promise on the whole database. At night each breach opens a case, and money that must not be kept goes back."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.cases.close import close_about
from billing.cases.find import subjects_of
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments import refunds_owed
from billing.payments.models import Attempt, Payment
from billing.platform.actors import WORKER, Worker
from billing.platform.claims import is_running, only_one
from billing.platform.db import Database, instant, span
from billing.platform.db_errors import first_line, is_away
from billing.platform.heartbeat import SILENT_AFTER, late
from billing.platform.list_key import check_values
from billing.platform.site import Site
from billing.reconcile.schedule import COMPARING
from billing.refunds import refund
from billing.reports.doctor_models import DoctorVisit
from billing.reports.promise import Promise
from billing.reports.promises import PROMISES
from billing.rules.periods import start_of_day
from billing.subscriptions.change import lock
from emails.languages import named

log = logging.getLogger(__name__)
AFTER_MIDNIGHT = timedelta(hours=3)
LATE_AFTER = timedelta(hours=2)
MOST = 100
"""Breaches of one promise that get a case each. More of them have one common cause."""
DOCTOR = Worker("doctor")
ASKED = "It could be asked again."
SORRY = named("refund reason", "We charged you when we should not have. We are sorry.")


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise, how many things break it, the first of them with what is wrong; or why its query failed."""

    promise: Promise
    count: int
    examples: tuple[tuple[str, str], ...]
    unasked: str | None = None


def examine(
    database: Database, site: Site, at: datetime, asking: Callable[[Promise], None] = lambda _: None
) -> list[Finding]:
    """Check every promise in one read-only snapshot. `asking` is called with each before its query runs. A query that fails is a
    finding of its own, and holds up no other."""
    parameters = values(site, at)
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        # before the savepoint, whose rollback would undo it
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        findings, savepoint = [], connection.begin_nested()
        for promise in PROMISES:
            asking(promise)
            try:
                findings.append(_check(connection, promise, parameters))
            except sa.exc.SQLAlchemyError as error:
                if is_away(error):
                    raise
                savepoint.rollback()  # a query that fails would abort the snapshot for all others
                savepoint = connection.begin_nested()
                log.exception("whether %s was kept can't be asked", promise.name)
                findings.append(Finding(promise, 0, (), unasked=first_line(error)))
        return findings


def values(site: Site, at: datetime) -> dict[str, object]:
    """The parameters of the promises' queries."""
    return {"at": at, "zone": site.zone.key, "salts": json.dumps(check_values(site.tokens.list_key))}


def _check(connection: sa.Connection, promise: Promise, parameters: dict[str, object]) -> Finding:
    query = f"SELECT id, at_fault, count(*) OVER () AS n FROM ({promise.broken}) b ORDER BY id LIMIT {MOST}"  # noqa: S608
    used = {name: value for name, value in parameters.items() if f":{name}" in query}
    rows = connection.execute(sa.text(query), used).all()
    count = rows[0].n if rows else 0
    return Finding(promise, count, tuple((str(row.id), str(row.at_fault)) for row in rows))


def run_checks(database: Database, site: Site, at: datetime) -> int:
    """The nightly examination; 1 when it was made. One worker at a time, and never during a comparison of the books: what that is
    about to record would be found missing."""
    with only_one(database, "doctor") as here:
        if not here or is_running(database, COMPARING):
            return 0
        # once more, under the lock: another worker may have made the visit since this tick began
        with database.transaction() as session:
            due = awaited_since(session)
        if due is None or due > at:
            return 0
        examined = examine(database, site, at)
        _open_unasked(database, site, examined, at)
        findings = [finding for finding in examined if finding.count]
        for finding in findings:
            log.error("promise broken: %s, by %d", finding.promise.name, finding.count)
            for broken in finding.examples:
                _handle_breach(database, site, finding.promise, broken, at)
        _record_visit(database, site, findings, at)
        return 1


def _open_unasked(database: Database, site: Site, examined: list[Finding], at: datetime) -> None:
    """Keep a case open for each promise whose query fails, until it runs again."""
    unasked = {finding.promise.name: finding for finding in examined if finding.unasked}
    with database.begin(site, at, DOCTOR) as ctx:
        waiting = subjects_of(ctx.session, CaseKind.PROMISE_UNASKED)
        for subject in waiting:
            if subject.partition(":")[0] not in unasked:
                close_about(ctx, CaseKind.PROMISE_UNASKED, subject, reason=ASKED)
        for name in unasked.keys() - {subject.partition(":")[0] for subject in waiting}:
            open_case(
                ctx.acting_as(WORKER),
                CaseKind.PROMISE_UNASKED,
                f"{name}:{site.today(at)}",
                f"Whether this was kept can't be asked: {unasked[name].promise.words} PostgreSQL says: {unasked[name].unasked}.",
            )


def _handle_breach(
    database: Database, site: Site, promise: Promise, breach: tuple[str, str], at: datetime
) -> None:
    """Open a case, and give back what must not be kept. An error holds up no other breach: the next night finds this one again."""
    broken, at_fault = breach
    try:
        with database.begin(site, at, WORKER) as ctx:
            payment = ctx.session.get(Payment, broken) if promise.pays_back else None
            open_case(
                ctx,
                CaseKind.PROMISE_BROKEN,
                f"{promise.name}:{broken}",
                f"Broken: {promise.words} {broken}: {at_fault}.",
                reader_id=payment.reader_id if payment else None,
                ours=payment.amount if payment else None,
                link=f"/staff/readers/{payment.reader_id}" if payment else promise.page_of(broken),
            )
        if payment is not None:
            _give_back(database, site, payment.id, at)
    except Exception:
        log.exception("what breaks %s can't be given back: %s", promise.name, broken)


def _give_back(database: Database, site: Site, payment_id: str, at: datetime) -> None:
    """Give back all that is left, with a credit note and a mail that says sorry. The case is committed before. Where such a refund
    failed once, people handle it: it isn't tried again each night."""
    with database.begin(site, at, DOCTOR) as ctx:
        payment = ctx.session.get_one(Payment, payment_id)
        lock(ctx.session, ctx.session.get_one(Attempt, payment.attempt_id).subscription_id)
        cause = f"doctor:{payment.id}"
        if refunds_owed.of_payment(ctx.session, payment) or refund.has_failed(ctx.session, payment, cause):
            return
        refund.intend(ctx, payment, amount=None, cause=cause, reason=SORRY)


def _record_visit(database: Database, site: Site, findings: list[Finding], at: datetime) -> None:
    found = sum(finding.count for finding in findings)
    next_at = start_of_day(site.today(at) + timedelta(days=1), site.zone) + AFTER_MIDNIGHT
    with database.transaction() as session:
        session.add(DoctorVisit(at=at, broken=len(findings), found=found, next_at=next_at))


# `ORDER BY id`, not `min(started_at)`: ids sort by time and have an index.
NEXT_DUE = """SELECT coalesce((SELECT next_at FROM doctor_visit ORDER BY at DESC LIMIT 1),
                              (SELECT started_at FROM subscription ORDER BY id LIMIT 1) + interval '24 hours')"""
"""When the doctor comes next: first a day after the first subscription (see `timetable.Job`)."""


OVERDUE = f"""SELECT d.due FROM worker_heartbeat t, (SELECT ({NEXT_DUE}) AS due) d
              WHERE t.at >= :at - {span(SILENT_AFTER)} AND {late("d.due", LATE_AFTER)}"""  # noqa: S608
"""When the doctor should have come, where that is an alarm; else no row. No worker at all is another alarm."""


def awaited_since(session: Session) -> datetime | None:
    """When the doctor comes next, or should have come."""
    return instant(session, NEXT_DUE)


def last_visit(session: Session) -> DoctorVisit | None:
    """The last nightly check."""
    return session.exec(select(DoctorVisit).order_by(col(DoctorVisit.at).desc()).limit(1)).first()


def overdue_since(session: Session, at: datetime) -> datetime | None:
    """When the doctor should have come, if that is too long ago."""
    return instant(session, OVERDUE, at=at)


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "the doctor asks whether every promise was kept"
