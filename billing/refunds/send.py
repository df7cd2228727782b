"""Send refunds with no transaction open, and look up those whose answer was lost."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer import breaker
from billing.acquirer.answers import (
    NeverArrived,
    NoSuchObject,
    RefundOutcome,
    RefundRefused,
    RefundRequest,
    SentBefore,
    Unknown,
)
from billing.acquirer.gateway_health import GatewayHealth, HealthByName
from billing.acquirer.port import Gateway
from billing.payments.charge import sent_before
from billing.payments.models import Payment
from billing.payments.refund_models import GOES_OUT, Refund
from billing.platform.actors import WORKER
from billing.platform.claims import assign, unclaimed, worker_lock
from billing.platform.db import Database
from billing.platform.installation import ASKING, refuse_held
from billing.platform.site import Site
from billing.platform.stop_points import reached, stop_point
from billing.readers.register import by_id
from billing.refunds import elsewhere
from billing.refunds.refund import settle
from billing.rules.backoff import again_at
from billing.rules.money import Money

_BATCH = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Claimed:
    refund_id: str
    acquirer: str
    request: RefundRequest
    sent_before: SentBefore | None
    gateway_ref: str | None


def send_due(database: Database, site: Site, health: HealthByName, at: datetime) -> int:
    """Send the refunds that are due, and look up those that the acquirer keeps pending; how many. None while charging is paused.

    Raises NotAdopted, AsksAcquirer."""
    done = 0
    with worker_lock(database) as me:
        while batch := _claim(database, me, at):
            stop_point("refund.intended")
            for claimed in batch:
                acquirer = health[claimed.acquirer]
                # what stays claimed is free when this worker is gone, and is looked up then
                if acquirer.paused.is_set():
                    continue
                acquirer.slot.wait()
                try:
                    _send(database, site, acquirer, claimed, at)
                except Exception:  # one that can't be settled delays no other
                    log.exception("refund %s is stuck", claimed.refund_id)
                    _put_off(database, claimed.refund_id, at)
                done += 1
    return done


def _send(database: Database, site: Site, acquirer: GatewayHealth, claimed: _Claimed, at: datetime) -> None:
    answer = _send_or_look_up(acquirer.gateway, database, claimed, at)
    acquirer.note(answer)
    stop_point("refund.answered")
    with database.begin(site, at, WORKER) as ctx:
        if isinstance(answer, RefundRefused) and answer.made:
            elsewhere.take_less(ctx, claimed.refund_id, answer)
        else:
            settle(ctx, claimed.refund_id, answer)


def _put_off(database: Database, refund_id: str, at: datetime) -> None:
    reached("recovery: a refund that breaks us is put off")
    with database.transaction() as session:
        refund = session.get_one(Refund, refund_id, with_for_update=True)
        refund.poll_count += 1
        refund.next_poll_at = again_at(refund.poll_count, at)
        # it may have been sent since the last look, so its absence counts anew
        refund.claimed_by, refund.unlisted_since = None, None


def _send_or_look_up(gateway: Gateway, database: Database, claimed: _Claimed, at: datetime) -> RefundOutcome:
    if claimed.gateway_ref is not None:
        found = gateway.fetch_refund(claimed.gateway_ref)[1]
        # it was there, so only a person can say what became of it: a promise breaks once it has waited for long
        return Unknown(found.reason) if isinstance(found, NoSuchObject) else found
    if claimed.sent_before is None:
        return gateway.refund(claimed.request)
    outcome = gateway.find_or_refund(claimed.request, claimed.sent_before, at)
    if not isinstance(outcome, NeverArrived):
        return outcome
    reached("recovery: a refund gets another key")
    return gateway.refund(replace(claimed.request, key=_another_key(database, claimed.refund_id, at)))


def _another_key(database: Database, refund_id: str, at: datetime) -> str:
    """Committed before it is used."""
    with database.transaction() as session:
        refund = session.get_one(Refund, refund_id, with_for_update=True)
        refund.idempotency_key = f"refund-{refund_id}-{refund.poll_count}"
        refund.keyed_at, refund.key_unusable, refund.unlisted_since = at, False, None
        return refund.idempotency_key


def _claim(database: Database, me: int, at: datetime) -> list[_Claimed]:
    with database.transaction() as session:
        refuse_held(session)
        rows = session.exec(
            select(Refund, Payment)
            .join(Payment, col(Payment.id) == Refund.payment_id)
            .where(
                col(Refund.state).in_(GOES_OUT),
                Refund.next_poll_at <= at,
                unclaimed(Refund.claimed_by),
                breaker.goes_on(Refund.acquirer),
            )
            .order_by(col(Refund.next_poll_at))
            .limit(_BATCH)
            .with_for_update(skip_locked=True, of=Refund)
        ).all()
        assign(session, Refund, [row.id for row, _ in rows], me)
        # the loaded rows still name the worker that died: `sent_before` reads it
        return [_claimed(row, payment) for row, payment in rows]


def _claimed(row: Refund, payment: Payment) -> _Claimed:
    return _Claimed(
        refund_id=row.id,
        acquirer=row.acquirer,
        request=RefundRequest(row.id, row.cause, payment.intent_ref, row.amount, row.idempotency_key),
        sent_before=sent_before(row, row.keyed_at),
        gateway_ref=row.gateway_ref,
    )


def next_words(session: Session) -> str:
    """The next refund, for people."""
    due = select(Refund).where(col(Refund.state).in_(GOES_OUT)).order_by(col(Refund.next_poll_at)).limit(1)
    refund = session.exec(due).first()
    if refund is None:
        return "nothing"
    reader = by_id(session, refund.reader_id)
    goes = "we ask whether it has gone back: " if refund.gateway_ref else ""
    if refund.awaiting_balance_since is not None:
        goes = "our balance was too low, and we try once more: "
    return f"{goes}{Money(refund.amount).with_vat_words()} to {reader.email}"


NEXT_DUE = f"""SELECT min(next_poll_at) FROM refund
               WHERE state IN ('intended', 'pending') AND acquirer NOT IN ({breaker.PAUSED})
                 AND NOT EXISTS ({ASKING})"""  # noqa: S608
"""When a refund is due next; null while charging is paused (see `timetable.Job`)."""
