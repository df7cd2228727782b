"""A standby without the last commits takes over after asking Stripe; an old restore or a copy doesn't."""

import logging
from datetime import timedelta

import httpx
import pytest

from billing.billing_run.run import run
from billing.platform.installation import AsksAcquirer, NotAdopted
from billing.rules.absence import LISTED_WITHIN
from billing.timetable import tick
from tests.support.actors import BY
from tests.support.failover import beat, older
from tests.support.metrics import metrics
from tests.support.restored import adopt, all_kept, last_evening
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


@pytest.fixture
def evening(world: World) -> World:
    """See `restored.last_evening`."""
    return last_evening(world)


def fail_over(world: World) -> None:
    """Promote the standby, which lacks the last commits. An earlier worker finds itself connected to it."""
    world.restore_backup(home=older(world))


def test_a_failover_goes_on_by_itself_after_asking_stripe(
    evening: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = evening
    world.skip_to(local(2027, 3, 16, 9))
    beat(world)
    world.back_up()
    world.settle()
    assert len(world.charges()) == 3
    fail_over(world)
    world.skip_to(local(2027, 3, 16, 9, 2))
    with pytest.raises(NotAdopted):
        run(world.services.run_context, world.now)
    with caplog.at_level(logging.WARNING):
        tick(world.services)
    assert "a standby took over" in caplog.text
    assert "3 charges, R225.00, taken in" in caplog.text
    acts = world.rows(f"SELECT {BY}, at FROM audit_line WHERE act = 'take_over_database'")
    assert acts == [{"by": "worker", "at": world.now}]
    [case] = world.rows("SELECT what FROM staff_case WHERE kind = 'took_over'")
    assert "A worker was last heard of in it on 16 March 2027, 09:02" in case["what"]
    with pytest.raises(AsksAcquirer):
        run(world.services.run_context, world.now)
    world.skip_to(world.now + LISTED_WITHIN)
    tick(world.services)
    run(world.services.run_context, world.now)
    beat(world)
    world.advance(days=1)
    assert len(world.charges()) == 3
    assert httpx.get(f"{world.url}/readyz", trust_env=False).json()["money_and_mail"] == "moving"
    all_kept(world)


def test_a_restore_of_long_ago_waits_for_an_operator(evening: World) -> None:
    """The same cluster and a later timeline, but no heartbeat. A worker that starts there writes none."""
    world = evening
    beat(world)
    world.back_up()
    world.advance_to(local(2027, 3, 16, 12))
    fail_over(world)
    beat(world)
    tick(world.services)
    tick(world.services)
    with pytest.raises(NotAdopted):
        run(world.services.run_context, world.now)
    assert len(world.charges()) == 3
    ready = httpx.get(f"{world.url}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()["worker"]["state"]) == (200, "silent")
    assert ready.json()["stopped"] == ["charges", "refunds", "mail except sign-in links", "newsletters"]
    for what in ("charges", "refunds", "mail", "newsletters"):
        assert f'masthead_stopped{{what="{what}"}} 1.0' in metrics(world)
    assert "3 charges" in adopt(world)


@pytest.mark.parametrize("reason", ["home = 'somewhere else'", "asks_since = :later, next_poll_at = :later"])
def test_a_link_to_sign_in_with_goes_out_while_all_else_is_held(
    world: World, paid: Subscriber, reason: str
) -> None:
    """From a database that isn't adopted, and from one that hasn't fetched Stripe's events yet."""
    world.execute(f"UPDATE installation SET {reason}", later=world.now + timedelta(hours=1))
    world.execute("UPDATE message SET state = 'queued', accepted_at = NULL WHERE kind = 'receipt'")
    letters = len(world.letters(paid.email))
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=paid.email)
    tick(world.services)
    new = world.letters(paid.email)[letters:]
    assert ["/sign-in" in letter.text for letter in new] == [True]
    assert world.rows("SELECT kind FROM message WHERE state = 'queued'") == [{"kind": "receipt"}]


def test_a_reader_who_pays_is_not_charged_by_a_copy(world: World, owing: Subscriber) -> None:
    world.sandbox.decline(world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], None)
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    world.execute("UPDATE installation SET home = 'somewhere else'")
    said = browser.post("/pay")
    assert said.status == 503
    assert "Payments stand still for the moment, and nothing was charged." in said.words
    browser.get("/pay")
    assert browser.post("/pay/page").status == 503
    assert len(world.charges()) == 1
