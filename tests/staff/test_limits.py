"""Limits of staff's gifts count by member and day, and by reader and month, over all acts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.platform.context import TransactionContext
from billing.staff import audit
from billing.staff.acts.cancelling import CancelAct
from billing.staff.acts.days import ExtendAct
from billing.staff.acts.free_reading import ComplimentaryAct
from billing.staff.acts.limits import OverLimit
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.perform import perform
from billing.staff.acts.shape import Act
from billing.staff.acts.withdrawing import WithdrawAct
from billing.staff.models import AuditLine, StaffMember
from tests.changes.test_withdrawing_again import withdrawn_then_started_again
from tests.support.polling import until
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber, subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local

MakeWorld = Callable[..., World]


def act_in(session: Session, world: World, member: StaffMember, act: Act) -> AuditLine:
    ctx = TransactionContext(session, world.services.site, world.now, audit.of(member, "127.0.0.1"))
    return perform(ctx, act, role=member.role, reason="kindness", version=None)


def give(world: World, member: StaffMember, act: Act) -> str:
    """Do it; what the refusal says, or nothing."""
    try:
        with world.services.database.transaction() as session:
            act_in(session, world, member, act)
    except OverLimit as refusal:
        return refusal.detail
    return ""


def payment_of(world: World, email: str) -> tuple[str, str]:
    """The reader and their payment."""
    (row,) = world.rows(
        "SELECT p.reader_id, p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = :email",
        email=email,
    )
    return row["reader_id"], row["id"]


def test_five_refunds_of_the_limit_to_one_reader_are_one(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    support, finance = staff("support"), staff("finance")
    reader, payment = payment_of(world, yearly.email)
    form = f"/staff/readers/{reader}/refund?payment={payment}"
    support.get(form)
    page = support.post(f"/staff/readers/{reader}/refund", amount="150", step="preview")
    assert (
        "Your role leaves you R150.00 incl. VAT for this reader this month, and R750.00 incl. VAT for all readers today"
        in page.words
    )
    support.post(f"/staff/readers/{reader}/refund", amount="150", step="confirm", reason="a bad month")
    for _ in range(4):
        page = support.get(form)
        assert "Your role leaves you R0.00 incl. VAT for this reader this month" in page.words
        page = support.post(f"/staff/readers/{reader}/refund", amount="150", step="confirm", reason="again")
        assert page.status == 403
        assert "R0.00 incl. VAT for this reader this month" in page.words
    world.advance(minutes=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [15000]
    finance.get(form)
    finance.post(f"/staff/readers/{reader}/refund", amount="150", step="preview")
    finance.post(f"/staff/readers/{reader}/refund", amount="150", step="confirm", reason="a decision")
    world.advance(minutes=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [15000, 15000], "finance has no limit"


def test_a_reader_is_given_no_more_by_several_members_until_the_next_month(
    world: World, yearly: Subscriber
) -> None:
    sipho, nandi = add(world, "support"), add(world, "support", "nandi@paper.example")
    reader, payment = payment_of(world, yearly.email)
    assert give(world, sipho, GiveBackAct(reader, payment, 10000)) == ""
    assert "leaves you R50.00 incl. VAT for this reader this month" in give(
        world, nandi, GiveBackAct(reader, payment, 5001)
    )
    assert give(world, nandi, GiveBackAct(reader, payment, 5000)) == ""
    assert give(world, nandi, GiveBackAct(reader, payment, 1)) != ""
    world.advance_to(local(2027, 3, 31, 23, 59, 59))
    assert give(world, nandi, GiveBackAct(reader, payment, 1)) != ""
    world.advance_to(local(2027, 4, 1))
    assert give(world, nandi, GiveBackAct(reader, payment, 15000)) == ""


def two_payers(make_world: MakeWorld, **settings: object) -> tuple[World, list[tuple[str, str]]]:
    world = make_world(**settings)
    for number, email in enumerate(("a@example.com", "b@example.com")):
        world.start_trial(email, f"pm_card_visa__{number}")
    world.advance_to(local(2027, 3, 16, 12))
    return world, [payment_of(world, email) for email in ("a@example.com", "b@example.com")]


def test_a_member_gives_no_more_in_a_day_to_all_readers_together(make_world: MakeWorld) -> None:
    world, (first, second) = two_payers(make_world, support_refund_day_limit=10000)
    sipho, nandi = add(world, "support"), add(world, "support", "nandi@paper.example")
    assert give(world, sipho, GiveBackAct(*first, 7500)) == ""
    assert "and R25.00 incl. VAT for all readers today" in give(world, sipho, GiveBackAct(*second, 2501))
    assert give(world, nandi, GiveBackAct(*second, 2501)) == "", "each member has a day of their own"
    world.advance_to(local(2027, 3, 17))
    assert give(world, sipho, GiveBackAct(*second, 4999)) == ""


def test_two_acts_of_one_member_at_once_are_done_one_after_the_other(make_world: MakeWorld) -> None:
    world, (first, second) = two_payers(make_world, support_refund_day_limit=10000)
    sipho = add(world, "support")
    with world.services.database.transaction() as one:
        act_in(one, world, sipho, GiveBackAct(*first, 7500))
        with world.services.database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            with pytest.raises(OperationalError, match="lock timeout"):
                act_in(other, world, sipho, GiveBackAct(*second, 7500))
    assert "R25.00" in give(world, sipho, GiveBackAct(*second, 7500))


def waiting(world: World) -> bool:
    """Whether some transaction waits for another's lock."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    return world.rows(asked) != []


def test_two_members_acting_for_one_reader_at_once_are_done_one_after_the_other(
    world: World, yearly: Subscriber
) -> None:
    """The second begins before the first's commit, and must not have read the limit by then."""
    sipho, nandi = add(world, "support"), add(world, "support", "nandi@paper.example")
    reader, payment = payment_of(world, yearly.email)
    with ThreadPoolExecutor(1) as others:
        with world.services.database.transaction() as one:
            act_in(one, world, sipho, GiveBackAct(reader, payment, 15000))
            second = others.submit(give, world, nandi, GiveBackAct(reader, payment, 15000))
            until(lambda: waiting(world) or second.done(), "the second to wait for the first")
        assert "R0.00 incl. VAT for this reader this month" in second.result()


def test_days_of_every_kind_are_counted_together(world: World, in_trial: Subscriber) -> None:
    sipho, boss = add(world, "support"), add(world, "admin")
    reader = in_trial.reader_id
    assert give(world, sipho, ExtendAct(reader, 20)) == ""
    assert "leaves you 11 days for this reader this month, and 290 days for all readers today" in give(
        world, sipho, ExtendAct(reader, 12)
    )
    assert give(world, sipho, ExtendAct(reader, 11)) == ""
    assert "no days for this reader" in give(world, sipho, ExtendAct(reader, 1))
    assert "leaves you 335 days for this reader this month." in give(world, boss, ExtendAct(reader, 336))
    world.api.post(f"/v1/subscriptions/{in_trial.subscription_id}/cancel", json={"when": "now"})
    assert give(world, boss, ComplimentaryAct(reader, 335)) == ""
    assert give(world, sipho, ComplimentaryAct(reader, 1)) != ""


def test_a_member_gives_no_more_days_in_a_day_to_all_readers_together(world: World) -> None:
    sipho, nandi = add(world, "support"), add(world, "support", "nandi@paper.example")
    readers = [
        world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}")["reader"]["id"] for n in range(11)
    ]
    for reader in readers[:10]:
        assert give(world, sipho, ExtendAct(reader, 31)) == ""
    assert "31 days for this reader this month, and no days for all readers today" in give(
        world, sipho, ExtendAct(readers[10], 1)
    )
    assert give(world, nandi, ExtendAct(readers[10], 1)) == ""
    world.advance_to(local(2027, 3, 2))
    assert give(world, sipho, ExtendAct(readers[10], 30)) == ""


def test_what_is_owed_and_what_programs_do_counts_for_nothing(world: World, paid: Subscriber) -> None:
    sipho = add(world, "support")
    reader, payment = payment_of(world, paid.email)
    key = {"Idempotency-Key": "k1"}
    path = f"/v1/payments/{payment}/refunds"
    world.api.post(path, json={"amount": 2500, "reason": "x"}, headers=key).raise_for_status()
    asked: datetime = local(2027, 3, 15, 12)
    world.execute(
        "INSERT INTO reader_request (id, kind, received_at, email, reader_id, subscription_id, email_verified, confirmed_at, words, ip, device, waits_since)"
        " SELECT 'req_x', 'cancel', :at, :email, reader_id, id, true, :at, '', '', '', :at FROM subscription WHERE reader_id = :reader",
        at=asked,
        email=paid.email,
        reader=reader,
    )
    assert give(world, sipho, CancelAct(reader, asked)) == ""
    lines = world.rows("SELECT cents, days FROM audit_line WHERE outcome = 'done' AND staff_id IS NOT NULL")
    assert {(line["cents"], line["days"]) for line in lines} == {(0, 0)}


def test_days_that_notices_need_are_given_and_count(world: World, in_trial: Subscriber) -> None:
    world.advance_to(local(2027, 3, 15, 12))
    sipho = add(world, "support")
    assert give(world, sipho, ExtendAct(in_trial.reader_id, 1)) == ""
    assert world.rows("SELECT charge_on FROM subscription") == [{"charge_on": date(2027, 3, 23)}]
    (line,) = world.rows("SELECT days FROM audit_line WHERE outcome = 'done' AND act = 'extend'")
    assert line["days"] == 7, "the charge of the 16th moves to the 23rd"


def test_a_year_that_grows_by_two_months_for_its_notice_needs_an_admin(world: World) -> None:
    """Its notice was never accepted, so one more day becomes more than forty business days."""
    year_ending = subscriber(world, "year_ending")
    (row,) = world.rows("SELECT period_end_on FROM subscription")
    world.smtp.refuse(550, "no such mailbox", to=year_ending.email)
    world.advance_to(local(row["period_end_on"].year, row["period_end_on"].month, 1, 12) - timedelta(days=20))
    said = give(world, add(world, "support"), ExtendAct(year_ending.reader_id, 1))
    assert "Ask an admin." in said
    assert world.rows("SELECT period_end_on FROM subscription") == [row]


def test_a_withdrawal_that_the_law_gives_is_within_any_limit(world: World, yearly: Subscriber) -> None:
    sipho = add(world, "support")
    reader, _ = payment_of(world, yearly.email)
    assert give(world, sipho, WithdrawAct(reader)) == "", "R750 of a year, where R150 may be given"
    (line,) = world.rows("SELECT cents FROM audit_line WHERE outcome = 'done' AND act = 'refund'")
    assert line["cents"] == 0


def test_a_withdrawal_that_staff_decide_about_is_given(world: World, paid: Subscriber) -> None:
    withdrawn_then_started_again(world, paid)
    assert give(world, add(world, "support"), WithdrawAct(paid.reader_id)) == ""
    (line,) = world.rows("SELECT cents FROM audit_line WHERE outcome = 'done' AND act = 'refund'")
    assert line["cents"] == 7500


def test_the_page_of_a_role_without_limits_speaks_of_none(world: World, paid: Subscriber) -> None:
    finance = sign_in(world, add(world, "finance").email)
    reader, payment = payment_of(world, paid.email)
    assert (
        "Your role leaves you" not in finance.get(f"/staff/readers/{reader}/refund?payment={payment}").words
    )
