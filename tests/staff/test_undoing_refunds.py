"""A refund by staff waits for a minute, in which it can be undone. It is sent or undone, never both."""

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.refunds import grace, send
from billing.refunds.refund import UnknownPayment, lock_one
from billing.staff.undo_refund import undo_refund
from tests.support import ledger_checks
from tests.support.browser import Answer, Browser
from tests.support.fork_server import Crash
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World

READER = "thandi@example.com"
SIPHO = "sipho@paper.example"


def give_back(world: World, member: Browser, amount: str = "20") -> str:
    """A member gives some of the reader's payment back; the address that undoes it."""
    (payment,) = world.rows("SELECT id, reader_id FROM payment")
    where = f"/staff/readers/{payment['reader_id']}"
    member.get(f"{where}/refund?payment={payment['id']}")
    member.post(f"{where}/refund", amount=amount, step="preview")
    member.post(f"{where}/refund", amount=amount, step="confirm", reason="a bad week")
    (refund,) = world.rows("SELECT id FROM refund WHERE undone_at IS NULL")
    return f"{where}/refunds/{refund['id']}/undo"


def states(world: World) -> list[str]:
    return [row["state"] for row in world.rows("SELECT state FROM refund ORDER BY created_at, id")]


def pressed_late(member: Browser, undo: str, shown: Answer) -> Answer:
    """Press the button of a page that was opened in time."""
    member.page = shown
    return member.post(undo)


def test_it_is_undone_and_no_money_has_left(world: World, paid: Subscriber, staff: SignIn) -> None:
    member = staff("support", SIPHO)
    undo = give_back(world, member)
    assert "can be undone until" in member.page.words
    assert "R20.00 incl. VAT goes back" in member.page.words
    world.settle()
    assert world.sandbox.refunds() == []
    mails = world.mail_kinds(READER)
    page = member.post(undo)
    assert "Undone. No money has left." in page.text
    assert "was undone by staff before it left" in page.words
    world.advance(minutes=5)
    assert (world.sandbox.refunds(), states(world), world.mail_kinds(READER)) == ([], ["failed"], mails)
    assert "Give back R75.00 incl. VAT" in _form(world, member).words, "all of it is left again"
    (line,) = world.rows("SELECT reason, cents, staff_id FROM audit_line WHERE act = 'undo_refund'")
    assert (line["reason"], line["cents"]) == ("undone within its minute", -2000)
    assert world.rows("SELECT 1 FROM staff_case") == []
    ledger_checks.check(world)


def _form(world: World, member: Browser) -> Answer:
    (payment,) = world.rows("SELECT id, reader_id FROM payment")
    return member.get(f"/staff/readers/{payment['reader_id']}/refund?payment={payment['id']}")


def test_after_its_minute_it_goes_and_stays(world: World, paid: Subscriber, staff: SignIn) -> None:
    member = staff("support", SIPHO)
    undo = give_back(world, member)
    shown = member.page
    world.advance(seconds=59)
    assert world.sandbox.refunds() == []
    world.advance(seconds=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [2000]
    late = pressed_late(member, undo, shown)
    assert (late.status, "on its way can’t be called back" in late.words) == (409, True)
    assert states(world) == ["succeeded"]
    assert "Undo" not in member.get(undo.partition("/refunds/")[0]).words
    assert world.mail_kinds(READER).count("refunded") == 1


def test_the_minute_is_over_though_no_worker_runs(world: World, paid: Subscriber, staff: SignIn) -> None:
    """What may be sent any moment can't be undone, or both could happen."""
    member = staff("support", SIPHO)
    undo = give_back(world, member)
    shown = member.page
    world.skip_to(world.now + grace.GRACE)
    assert pressed_late(member, undo, shown).status == 409
    world.settle()
    assert len(world.sandbox.refunds()) == 1


def test_undone_twice_is_undone_once_and_another_reader_undoes_nothing(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    member = staff("support", SIPHO)
    undo = give_back(world, member)
    shown = member.page
    assert pressed_late(member, undo, shown).status == 200
    assert pressed_late(member, undo, shown).status == 409
    world.start_trial("other@example.com", "pm_card_visa__2")
    (reader,) = world.rows("SELECT id FROM reader WHERE email = 'other@example.com'")
    actor = StaffActor(SIPHO)
    with (
        world.services.database.begin(world.services.site, world.now, actor) as ctx,
        pytest.raises(UnknownPayment),
    ):
        undo_refund(ctx, reader["id"], undo.split("/")[-2])


def test_a_worker_and_an_undo_at_once(world: World, paid: Subscriber, staff: SignIn) -> None:
    """Whoever locks the refund first has it; the worker passes it over, and finds it undone."""
    undo = give_back(world, staff("support", SIPHO))
    refund_id, reader_id = undo.split("/")[-2], undo.split("/")[3]
    database, site, actor = world.services.database, world.services.site, StaffActor(SIPHO)
    due = world.now + grace.GRACE
    with world.services.run_context.health(due) as health:
        with database.begin(site, world.now, actor) as ctx:
            undo_refund(ctx, reader_id, refund_id)
            assert send.send_due(database, site, health, due) == 0
        assert send.send_due(database, site, health, due) == 0
    assert (states(world), world.sandbox.refunds()) == (["failed"], [])

    undo = give_back(world, staff("support", "nandi@paper.example"))
    with database.transaction() as session:
        lock_one(session, undo.split("/")[-2])
        with database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            late = TransactionContext(other, site, world.now, actor)
            with pytest.raises(OperationalError, match="lock timeout"):
                undo_refund(late, reader_id, undo.split("/")[-2])


@pytest.mark.parametrize(
    "point",
    [
        "refunds.send._claim commits",
        "refunds.send._claim has committed",
        "refund.intended",
        "refund.answered",
        "refunds.send._send commits",
        "refunds.send._send has committed",
    ],
)
def test_a_worker_that_dies_leaves_it_sent_once_and_not_undone(
    point: str, world: World, paid: Subscriber, staff: SignIn, crash: Crash
) -> None:
    member = staff("support", SIPHO)
    undo = give_back(world, member)
    shown = member.page
    world.skip_to(world.now + grace.GRACE)
    crash(point)
    assert pressed_late(member, undo, shown).status == 409
    world.advance(days=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [2000]
    assert states(world) == ["succeeded"]
    ledger_checks.check(world)


def test_what_is_undone_counts_towards_no_limit(world: World, paid: Subscriber, staff: SignIn) -> None:
    member = staff("support", SIPHO)
    for _ in range(3):  # together more than the payment, and than the limit for a reader in a month
        assert member.post(give_back(world, member, "75")).status == 200
    world.advance(minutes=2)
    give_back(world, staff("support", "nandi@paper.example"), "75")
    world.advance(minutes=2)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]


def test_a_colleague_who_undoes_it_gives_away_no_more_for_that(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    undo = give_back(world, staff("support", SIPHO))
    colleague = staff("support", "nandi@paper.example")
    colleague.get(undo.partition("/refunds/")[0])
    assert colleague.post(undo).status == 200
    assert world.rows("SELECT cents FROM audit_line WHERE act = 'undo_refund'") == [{"cents": 0}]
