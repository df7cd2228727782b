"""Two acquirers in one installation: each row is looked up at its own acquirer, and one's outage doesn't affect the other."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa

from billing.acquirer import breaker
from billing.acquirer.answers import ChargeRequest, Outcome, Unknown
from billing.acquirer.port import Gateway
from billing.acquirer.registry import AcquirerMissing, Acquirers
from billing.acquirer.signals import Notification, Signal
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.billing_run import run
from billing.cases.models import CaseKind
from billing.container import Services
from billing.reconcile.catch_up import poll_cards_that_end
from billing.reconcile.reconcile import reconcile
from billing.webhooks import inbox
from billing.webhooks.settle import settle_due
from tests.proofs.many_readers import due
from tests.support import ledger_checks
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


class Another:
    """A second acquirer: the sandbox under another name. It records charge requests, and can be unreachable."""

    name, display_name = "another", "Another"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.capabilities = CAPABILITIES
        self.charged: list[str] = []
        self.away = False

    @property
    def books(self) -> "NothingMoved":
        """Where nothing ever moved."""
        return NothingMoved()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def charge(self, request: ChargeRequest) -> Outcome:
        """As the sandbox, or no answer at all."""
        self.charged.append(request.claim.subscription_id)
        return Unknown("no connection", down=True) if self.away else self._gateway.charge(request)

    def answers(self) -> Unknown | None:
        """Whether it is there."""
        return Unknown("no connection", down=True) if self.away else None


class NothingMoved:
    """Books without a line."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_: []


def house(world: World, another: Another) -> Services:
    """The world's parts with both."""
    gateways = [world.services.gateway, cast(Gateway, another)]
    acquirers = Acquirers(gateways, 0, world.services.monotonic)
    return replace(world.services, acquirers=acquirers)


@pytest.fixture
def another(world: World) -> Another:
    return Another(world.services.gateway)


def move_card(world: World, subscription_id: str) -> None:
    """Its card has always been at the other one."""
    world.execute(
        "UPDATE payment_method SET acquirer = 'another'"
        " WHERE id = (SELECT payment_method_id FROM subscription WHERE id = :id)",
        id=subscription_id,
    )


def test_the_default_is_the_first_and_a_name_that_is_gone_is_named(world: World, another: Another) -> None:
    acquirers = house(world, another).acquirers
    assert [gateway.name for gateway in acquirers] == ["stripe", "another"]
    assert acquirers.default.name == "stripe"
    assert acquirers.named("another") is another
    assert acquirers.rate_limiter("stripe") is not acquirers.rate_limiter("another")
    with pytest.raises(AcquirerMissing):
        acquirers.named("one_that_left")


def test_a_charge_goes_to_the_acquirer_of_its_card_and_all_that_follows_names_it(
    world: World, another: Another
) -> None:
    first, second = due(world, 2)
    move_card(world, second)
    run.run(house(world, another).run_context, world.now)
    assert another.charged == [second]
    for table in ("attempt", "payment"):
        rows = world.rows(f"SELECT acquirer, count(*) AS n FROM {table} GROUP BY 1 ORDER BY 1")
        assert rows == [{"acquirer": "another", "n": 1}, {"acquirer": "stripe", "n": 1}], table
    assert world.subscription(first)["status"] == world.subscription(second)["status"] == "active"


def test_the_pause_of_one_holds_nothing_at_the_other(world: World, another: Another) -> None:
    """Five failed charges pause the unreachable acquirer, and its others wait for the probe. The other acquirer's are made."""
    started = due(world, 8)
    for one in started[:6]:
        move_card(world, one)
    another.away = True
    run_context = house(world, another).run_context
    run.run(run_context, world.now)
    with world.services.database.transaction() as session:
        assert breaker.paused(session, "another") is not None
        assert breaker.paused(session, "stripe") is None
        assert breaker.paused(session) == breaker.paused(session, "another")
    states = "SELECT acquirer, state FROM attempt ORDER BY 1, 2"
    assert world.rows(states) == [
        *[{"acquirer": "another", "state": "open"}] * 6,
        *[{"acquirer": "stripe", "state": "charged"}] * 2,
    ]
    (pause,) = world.rows("SELECT acquirer, probe_at FROM charging_pause WHERE paused_at IS NOT NULL")
    assert pause["acquirer"] == "another"
    another.away = False
    world.skip_to(pause["probe_at"] + timedelta(minutes=1))
    assert run.probe(run_context, world.now) == 1
    run.run(run_context, world.now)
    world.skip_to(world.now + timedelta(hours=2))
    run.run(run_context, world.now)
    assert {row["state"] for row in world.rows(states)} == {"charged"}
    world.settle()
    ledger_checks.check(world)


def test_one_name_at_two_acquirers_is_two_events(world: World, another: Another) -> None:
    """Each is settled with its own acquirer. The same event once more changes nothing."""
    event = Notification("evt_1", "some.thing", Signal.CARD_CHANGED, "pm_1", world.now)
    with world.services.database.transaction() as session:
        assert inbox.store(session, "stripe", [event, event], world.now) == [True, False]
        assert inbox.store(session, "another", [event], world.now) == [True]
        assert inbox.store(session, "stripe", [event], world.now) == [False]
    settle_due(house(world, another).webhook_context, world.now)
    rows = world.rows("SELECT acquirer, tries FROM inbound_event ORDER BY 1")
    assert rows == [{"acquirer": "another", "tries": 1}, {"acquirer": "stripe", "tries": 1}]


@pytest.mark.usefixtures("paid")
def test_one_name_may_stand_at_both_and_only_once_at_each(world: World) -> None:
    """Ids are unique at one acquirer, not across two."""
    copied = "INSERT INTO payment_method SELECT (jsonb_populate_record(m, CAST(:patch AS jsonb))).* FROM payment_method m LIMIT 1"
    world.execute(copied, patch='{"id": "pmt_2", "acquirer": "another"}')
    with pytest.raises(sa.exc.IntegrityError, match="one_row_a_card"):
        world.execute(copied, patch='{"id": "pmt_3"}')


@pytest.mark.usefixtures("paid")
def test_an_acquirer_that_is_not_set_up_any_more_holds_up_no_other(world: World, another: Another) -> None:
    """Its events wait, as for an unreachable acquirer."""
    event = Notification("evt_1", "some.thing", Signal.CARD_CHANGED, "pm_1", world.now)
    with world.services.database.transaction() as session:
        inbox.store(session, "one_that_left", [event], world.now)
    settle_due(house(world, another).webhook_context, world.now)
    (row,) = world.rows(
        "SELECT failures, settled_at, last_error FROM inbound_event WHERE event_ref = 'evt_1'"
    )
    assert (row["failures"], row["settled_at"]) == (0, None)
    assert "not set up here" in row["last_error"]


@pytest.mark.usefixtures("paid")
def test_each_row_is_compared_with_the_books_of_its_own_acquirer(world: World, another: Another) -> None:
    context = house(world, another).reconcile_context
    day = local(2027, 3, 16).date()
    assert reconcile(context, day, day, world.now).differences == []
    world.execute("UPDATE payment SET acquirer = 'another'")
    (ref,) = (row["charge_ref"] for row in world.rows("SELECT charge_ref FROM payment"))
    found = reconcile(context, day, day, world.now).differences
    assert [(one.kind, one.subject) for one in found] == [
        (CaseKind.UNKNOWN_CHARGE, ref),
        (CaseKind.MISSING_CHARGE, ref),
    ]
    assert found[0].what.startswith("Stripe's charge ")
    assert "and Another moved nothing for it" in found[1].what


@pytest.mark.rare
def test_where_no_webhook_says_so_new_cards_are_asked_for_each_morning(
    world: World, notified: Subscriber, another: Another
) -> None:
    """One that a network has replaced, and one that is gone."""
    world.sandbox.trouble({"effect": "drop"})
    move_card(world, notified.subscription_id)
    (card,) = world.rows("SELECT id, gateway_ref FROM payment_method")
    world.execute("UPDATE subscription SET card_expires_on = '2027-03-31'")
    world.sandbox.replace(card["gateway_ref"], exp_month=5, exp_year=2031)
    context = replace(house(world, another).reconcile_context, gateway=cast(Gateway, another))
    shown = "SELECT exp_month, exp_year, gone_at IS NULL AS here FROM payment_method"
    assert poll_cards_that_end(context, world.now) == []
    assert world.rows(shown) != [{"exp_month": 5, "exp_year": 2031, "here": True}], "a webhook says so"
    another.capabilities = replace(CAPABILITIES, card_updates=False)
    assert poll_cards_that_end(context, world.now) == []
    assert world.rows(shown) == [{"exp_month": 5, "exp_year": 2031, "here": True}]
    world.execute("UPDATE subscription SET card_expires_on = '2027-03-31'")
    world.sandbox.banks("remove_card", payment_method=card["gateway_ref"])
    assert poll_cards_that_end(context, world.now) == []
    assert world.rows(shown) == [{"exp_month": 5, "exp_year": 2031, "here": False}]
