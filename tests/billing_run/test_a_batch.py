"""A batch with every kind of case: each row ends as it would alone."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billing.acquirer.answers import ChargeRequest, Declined, Outcome, Unknown
from billing.acquirer.decline import Decline
from billing.billing_run import pay_in_person
from billing.billing_run.context import RunContext, RunReport
from billing.billing_run.run import run, run_for
from billing.billing_run.settle import settle
from billing.platform.actors import Acquirer
from billing.platform.context import TransactionContext
from billing.rules.dunning import DeclineKind
from tests.support import ledger_checks
from tests.support.one_acquirer import only
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
SCENARIOS = (
    "plain",
    "refused",
    "unheard",
    "cancels",
    "leaves",
    "pays_twice",
    "breaks",
    "unbillable",
    "plain_too",
)

BROKEN = {"payment": "breaks", "invoice": "unbillable"}
"""What the database won't have of whom: so one breaks us when it is settled, the other before it is charged."""


class Eventful:
    """The real gateway, with an event for a reader between our claim and the answer."""

    def __init__(self, world: World, scenarios: dict[str, str]) -> None:
        self.world, self.scenarios = world, scenarios
        self.met: set[str] = set()

    def charge(self, request: ChargeRequest) -> Outcome:
        """Run the scenario of this reader once, then charge normally."""
        row = self.world.rows(
            "SELECT subscription_id FROM attempt WHERE id = :id", id=request.claim.attempt_id
        )[0]
        subscription = row["subscription_id"]
        scenario = self.scenarios[subscription] if subscription not in self.met else "plain"
        self.met.add(subscription)
        if scenario == "unheard":
            return Unknown("nobody answered")
        outcome = self.world.services.gateway.charge(request)
        if scenario == "cancels":
            self.world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={}).raise_for_status()
        if scenario == "leaves":
            body = {"when": "now"}
            self.world.api.post(f"/v1/subscriptions/{subscription}/cancel", json=body).raise_for_status()
        if scenario == "pays_twice":
            self._pay_otherwise(request)
        return outcome

    def _pay_otherwise(self, request: ChargeRequest) -> None:
        """Settle the attempt as declined, and let the reader pay in person, before the answer arrives."""
        world = self.world
        no = Declined(Decline(DeclineKind.SOFT), None, "no")
        with world.services.database.transaction() as session:
            settle(
                TransactionContext(session, world.services.site, world.now, Acquirer("stripe")),
                request.claim.attempt_id,
                no,
            )
        pay_in_person.with_card_on_record(world.services.run_context, request.claim.invoice_id, world.now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.services.gateway, name)


def everything(world: World) -> tuple[RunContext, list[str]]:
    """One trial for each scenario, all due now, without events from Stripe."""
    ids = {
        scenario: world.start_trial(f"{scenario}@example.com", f"pm_card_visa__{n}")
        for n, scenario in enumerate(SCENARIOS)
    }
    world.advance_to(CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    method = (
        "SELECT gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = :email"
    )
    world.sandbox.decline(
        world.rows(method, email="refused@example.com")[0]["gateway_ref"], "insufficient_funds"
    )
    with world.services.database.engine.begin() as connection:
        for table, scenario in BROKEN.items():
            reader = ids[scenario]["reader"]["id"]
            connection.exec_driver_sql(
                f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (reader_id <> '{reader}')"
            )
    scenarios = {one["subscription"]["id"]: scenario for scenario, one in ids.items()}
    return replace(world.services.run_context, acquirers=only(Eventful(world, scenarios))), list(scenarios)


def mend(world: World) -> None:
    """Remove the faults, and let time pass until all is settled."""
    with world.services.database.engine.begin() as connection:
        for table in BROKEN:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT broken")
    world.sandbox.trouble()
    world.advance(hours=2)


@pytest.mark.prove
def test_everything_at_once_ends_as_one_by_one(world: World, own_world: World) -> None:
    together, alone = world, own_world
    run_context, _ = everything(together)
    report = run(run_context, CHARGE_AT)
    # What comes twice may come the second time in this run's own hands, and before its first answer: then that one is paid for.
    own_claims = report.counts["charged"] - 2
    assert own_claims in (0, 1)
    assert report.counts == {
        "due": len(SCENARIOS) - 1,
        "charged": 2 + own_claims,
        "declined": 1,
        "unknown": 1,
        "refunded": 3,  # who cancelled, who left, and what came twice
        "ended": 1,  # who cancelled in the trial
        "stuck": 1,
    }
    assert [problem.partition(":")[0] for problem in report.stuck.values()] == ["IntegrityError"] * 2
    assert run(run_context, CHARGE_AT).done() == 0
    before = ledger_checks.end_state(together)

    run_context, subscriptions = everything(alone)
    counts: Counter[str] = Counter()
    for subscription in subscriptions:
        one: RunReport = run_for(run_context, subscription, CHARGE_AT)
        counts += one.counts
    assert counts + Counter(charged=own_claims) == report.counts
    assert ledger_checks.end_state(alone) == before

    for each in (together, alone):
        mend(each)
        ledger_checks.check(each)
    assert ledger_checks.end_state(together) == ledger_checks.end_state(alone)
