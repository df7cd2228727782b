"""Refunds are found by an index; some of these queries run while a subscription is locked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from billing.acquirer.answers import RefundAnswer
from billing.acquirer.balance_port import TakenRefund
from billing.payments.models import Payment
from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.reconcile import compare
from billing.refunds import enter, refund, shortage
from billing.rules.reconciliation import Thing
from tests.support.starting_points import Subscriber
from tests.support.world import World


def intended(session: Session, payment: Payment, world: World) -> None:
    refund.intend(
        TransactionContext(session, world.services.site, world.now, StaffActor("a")),
        payment,
        amount=100,
        cause="api:a",
        reason="kind",
    )


def short(session: Session, _payment: Payment, _world: World) -> None:
    shortage.now(session)


def entered(session: Session, payment: Payment, world: World) -> None:
    answer = RefundAnswer("re_unknown", "succeeded", None)
    found = TakenRefund(
        answer=answer, charge_ref=payment.charge_ref, our_refund_id=None, amount=100, at=world.now
    )
    enter.check_enterable(session, payment, found)


def compared(session: Session, _payment: Payment, _world: World) -> None:
    compare.side_by_side(session, "stripe", {Thing.REFUND: {"re_unknown"}})


@contextmanager
def plans_of(session: Session) -> Iterator[list[str]]:
    """How PostgreSQL finds the rows of each SELECT, where it reads a whole table only for want of an index."""
    connection, seen = session.connection(), list[tuple[str, Any]]()

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().startswith("SELECT") and "refund" in statement:
            seen.append((statement, values))

    sa.event.listen(connection, "before_cursor_execute", note)
    plans: list[str] = []
    yield plans
    sa.event.remove(connection, "before_cursor_execute", note)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    for statement, values in seen:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        plans.append("\n".join(str(row[0]) for row in rows))


@pytest.mark.parametrize("question", [intended, short, entered, compared])
def test_no_question_about_refunds_reads_the_whole_table(
    world: World, paid: Subscriber, question: Callable[[Session, Payment, World], None]
) -> None:
    with world.services.database.transaction() as session:
        payment = session.exec(select(Payment).where(Payment.reader_id == paid.reader_id)).one()
        with plans_of(session) as plans:
            question(session, payment, world)
    assert plans
    assert [plan for plan in plans if "Seq Scan on refund" in plan] == []
