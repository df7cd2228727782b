"""An erasure against a sign-in, a start, a charge, and news that comes later: whoever is first, nothing of the reader comes back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from billing.acquirer.answers import CustomerGone
from billing.dev.sandbox import faults
from billing.dev.simulate.owed_refunds import pay_owed
from billing.personal_data import ask, erase
from billing.personal_data.models import Erasure
from billing.platform import stop_points
from billing.platform.actors import ReaderActor
from billing.readers.models import Reader
from billing.readers.register import lock_reader
from billing.reports.doctor import values
from tests.support import ledger_checks
from tests.support.erasures import ask_for, left_over, mentions
from tests.support.independent_calendar import BROKEN
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.two_connections import fail_instead_of_waiting, until_one_waits
from tests.support.world import World, local

LOCKED = sa.exc.OperationalError


def asked(world: World, who: Subscriber) -> str:
    """Ask, do what follows at once, and come to the moment of the erasure without doing it."""
    erasure = world.once("asks for an erasure", lambda: ask_for(world, who.reader_id))
    (due,) = world.rows("SELECT erases_at FROM erasure")
    world.skip_to(due["erases_at"] + timedelta(minutes=1))
    return erasure


@contextmanager
def under_way(world: World, erasure_id: str) -> Iterator[None]:
    """The erasure's last transaction, open during the block."""
    services = world.services
    with services.database.begin(services.site, world.now, erase.ERASER) as ctx:
        erasure = ctx.session.get_one(Erasure, erasure_id, with_for_update=True)
        reader = ctx.session.get_one(Reader, erasure.reader_id, with_for_update=True)
        erase.erase_rows(ctx, erasure, reader)
        erasure.done_at = ctx.at
        ctx.session.flush()
        yield


SESSION = (
    "INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)"
    " VALUES ('ses_late', 'x', :reader, now(), now(), '196.25.1.9', 'Phone', true)"
)


def sign_in(world: World, who: Subscriber, *, waiting: bool = True) -> None:
    with world.services.database.transaction() as session:
        if not waiting:
            fail_instead_of_waiting(session)
        session.execute(sa.text(SESSION), {"reader": who.reader_id})


def lock_at_once(world: World, who: Subscriber) -> None:
    with world.services.database.transaction() as session:
        fail_instead_of_waiting(session)
        session.get_one(Reader, who.reader_id, with_for_update=True)


def test_a_session_that_begins_meanwhile_waits_and_is_refused(world: World, paid: Subscriber) -> None:
    erasure = asked(world, paid)
    with under_way(world, erasure), pytest.raises(LOCKED):
        sign_in(world, paid, waiting=False)
    with pytest.raises(sa.exc.IntegrityError):
        sign_in(world, paid)
    assert left_over(world, paid.reader_id) == []


def test_a_session_that_is_nearly_there_is_erased_with_the_others(world: World, paid: Subscriber) -> None:
    asked(world, paid)
    with psycopg.connect(world.services.database.address) as other:
        other.execute(SESSION.replace(":reader", f"'{paid.reader_id}'").encode())
        with pytest.raises(LOCKED):
            lock_at_once(world, paid)
    world.settle()
    assert left_over(world, paid.reader_id) == []


@contextmanager
def taking_back(world: World, who: Subscriber) -> Iterator[None]:
    """The transaction in which the reader keeps the account, after its first lock."""
    services = world.services
    with services.database.begin(services.site, world.now, ReaderActor(who.reader_id)) as ctx:
        lock_reader(ctx.session, who.reader_id)
        yield
        fail_instead_of_waiting(ctx.session)
        ask.take_back(ctx, who.reader_id)


@pytest.mark.parametrize("transaction", ["first", "last"])
def test_an_erasure_and_its_taking_back_never_wait_for_each_other(
    world: World, in_trial: Subscriber, transaction: str
) -> None:
    """Both lock the reader, then the erasure."""
    asked(world, in_trial)
    services, ends = world.services, ExitStack()

    def take_back(passed: str = "customer.deleted") -> None:
        if passed == "customer.deleted":
            ends.enter_context(taking_back(world, in_trial))

    if transaction == "first":
        take_back()
    else:
        stop_points.listen(take_back)
    with ThreadPoolExecutor(1) as other:
        try:
            erasing = other.submit(
                erase.erase_due, services.database, services.acquirers, services.site, world.now
            )
            until_one_waits(world)
        finally:
            stop_points.listen(None)
            ends.close()
        assert erasing.result() == 1
    assert world.rows("SELECT done_at FROM erasure WHERE taken_back_at IS NOT NULL") == [{"done_at": None}]
    assert mentions(world, in_trial.email)


WAYS_IN = {
    "sign_in_link": (
        "INSERT INTO sign_in_link (id, token_hash, email, browser_hash, created_at, expires_at, wrong_codes)"
        " SELECT 'late', 'late', email, 'late', :now, :now, 0 FROM reader WHERE id = :reader"
    ),
    "passkey": (
        "INSERT INTO passkey (id, reader_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)"
        " VALUES ('late', :reader, 'late', 'late', 0, 'Phone', '', false, :now)"
    ),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_an_erasure_and_a_sign_in_never_wait_for_each_other(
    world: World, in_trial: Subscriber, way: str
) -> None:
    """Both lock the link or the passkey, then the reader."""
    asked(world, in_trial)
    world.execute(WAYS_IN[way], reader=in_trial.reader_id, now=world.now)
    services = world.services
    with ThreadPoolExecutor(1) as other:
        with services.database.transaction() as session:
            session.execute(sa.text(f"SELECT FROM {way} WHERE id = 'late' FOR UPDATE"))
            erasing = other.submit(
                erase.erase_due, services.database, services.acquirers, services.site, world.now
            )
            until_one_waits(world)
            fail_instead_of_waiting(session)
            session.execute(sa.text(SESSION), {"reader": in_trial.reader_id})
        assert erasing.result() == 1
    assert left_over(world, in_trial.reader_id) == []


def test_an_erasure_waits_for_a_charge_under_way(world: World, paid: Subscriber) -> None:
    asked(world, paid)
    world.execute("UPDATE attempt SET state = 'open', settled_at = NULL")
    world.execute("UPDATE attempt SET next_poll_at = 'infinity'")
    world.settle()
    assert left_over(world, paid.reader_id)
    assert world.rows("SELECT done_at FROM erasure") == [{"done_at": None}]
    world.execute("UPDATE attempt SET state = 'charged', settled_at = intended_at")
    world.advance(hours=2)
    assert left_over(world, paid.reader_id) == []


def test_late_news_of_an_erased_reader_is_settled_and_brings_nothing_back(
    world: World, paid: Subscriber
) -> None:
    fast_forward(world, local(2027, 3, 31, 14))  # the first charge doesn't go back any more
    ask_for(world, paid.reader_id)
    world.advance(days=2)
    assert mentions(world, paid.email) == []
    events = world.rows("SELECT DISTINCT event_type FROM inbound_event")
    world.execute("UPDATE inbound_event SET settled_at = NULL, outcome = NULL, next_attempt_at = received_at")
    world.settle()
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])
    world.advance(days=1)
    assert {row["event_type"] for row in events} >= {"customer.deleted", "setup_intent.succeeded"}
    assert world.rows("SELECT event_type, last_error FROM inbound_event WHERE settled_at IS NULL") == []
    assert world.rows("SELECT id FROM dispute") != []
    assert mentions(world, paid.email) == []
    assert [
        table for table in left_over(world, paid.reader_id) if table not in ("dispute", "staff_case")
    ] == []
    ledger_checks.check(world)
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []


def test_news_of_the_moment_of_an_erasure_is_no_breach(world: World, paid: Subscriber) -> None:
    ask_for(world, paid.reader_id)
    world.advance(days=1)
    (erasure,) = world.rows("SELECT done_at FROM erasure")
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])
    world.settle()
    (case,) = world.rows("SELECT opened_at, what FROM staff_case")
    assert case["opened_at"] == erasure["done_at"], "the held clock has not moved"
    assert case["what"] != ""
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []


def charged(world: World) -> str:
    """A reader who was charged, and to whose card no refund returns: each bounces a day later. The reader's id."""

    def live() -> str:
        started = world.start_trial("thandi@example.com", "pm_card_refundFail")
        world.advance(days=16)
        return str(started["reader"]["id"])

    return world.once("charged on a card that no refund reaches", live)


def test_an_erasure_waits_until_money_that_did_not_go_back_is_paid(world: World) -> None:
    reader_id = charged(world)
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    world.advance(hours=1)
    ask_for(world, reader_id)
    for paid_days, is_paid in ((2, False), (1, True)):  # staff take three days
        world.advance(days=paid_days)
        assert "message" in left_over(world, reader_id)
        pay_owed(world.services, world.now)
        assert bool(world.rows("SELECT id FROM refund WHERE paid_back_at IS NOT NULL")) is is_paid
    world.advance(days=1)
    assert left_over(world, reader_id) == []


def test_a_refund_that_bounces_just_after_an_erasure_asks_nobody_for_an_account(world: World) -> None:
    reader_id, services = charged(world), world.services
    ask_for(world, reader_id)  # which gives the first charge back
    world.settle()
    (due,) = world.rows("SELECT erases_at FROM erasure")
    world.skip_to(due["erases_at"])
    assert erase.erase_due(services.database, services.acquirers, services.site, world.now) == 1
    world.settle()
    (erasure,) = world.rows("SELECT done_at FROM erasure")
    (refund,) = world.rows("SELECT bounced_at FROM refund")
    assert erasure["done_at"] == refund["bounced_at"] == world.now
    (case,) = world.rows("SELECT what FROM staff_case")
    assert "nobody can be asked for a bank account" in case["what"]
    assert "was told" not in case["what"]
    assert world.rows(BROKEN, **values(services.site, world.now)) == []


@pytest.mark.parametrize("effect", faults.EFFECTS)
def test_whatever_becomes_of_the_call_to_the_acquirer(
    world: World, in_trial: Subscriber, effect: str
) -> None:
    asked(world, in_trial)
    # twice, as the library itself tries again
    call = {"method": "DELETE", "path": "/v1/customers*", "times": 2, "seconds": 0.2}
    world.sandbox.faults(call | {"effect": effect})
    world.settle()
    (customer,) = world.rows("SELECT customer_ref FROM payment_method")
    world.advance(hours=2)
    assert left_over(world, in_trial.reader_id) == []
    assert world.services.gateway.fetch_customer(customer["customer_ref"]) == CustomerGone()


def test_while_the_acquirer_is_away_it_waits(world: World, in_trial: Subscriber) -> None:
    asked(world, in_trial)
    world.sandbox.faults(
        {"method": "DELETE", "path": "/v1/customers*", "times": None, "effect": "500_before"}
    )
    world.settle()
    assert left_over(world, in_trial.reader_id)
    world.sandbox.faults()
    world.advance(hours=2)
    assert left_over(world, in_trial.reader_id) == []
