"""Refunds are found by an index; some of these queries run while a subscription is locked."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from billing.acquirer.answers import RefundAnswer
from billing.acquirer.balance_port import TakenRefund
from billing.payments.models import Payment
from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.reconcile import compare
from billing.refunds import enter, refund, shortage
from billing.rules.reconciliation import Thing
from tests.support.plans import plans_of
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


@pytest.mark.parametrize("question", [intended, short, entered, compared])
def test_no_question_about_refunds_reads_the_whole_table(
    world: World, paid: Subscriber, question: Callable[[Session, Payment, World], None]
) -> None:
    with world.services.database.transaction() as session:
        payment = session.exec(select(Payment).where(Payment.reader_id == paid.reader_id)).one()
        with plans_of(session, "refund") as plans:
            question(session, payment, world)
    assert plans
    assert [plan for plan in plans if "Seq Scan on refund" in plan] == []
