"""The database restarts while a billing run holds charges: the run ends, and the next one finds what it sent."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from billing.acquirer.answers import ChargeRequest, Outcome
from billing.billing_run.run import run
from tests.support import ledger_checks
from tests.support.lost_claims import lose_claims
from tests.support.one_acquirer import only
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)


class Restarting:
    """The gateway; the database restarts while the first charge is at Stripe."""

    def __init__(self, world: World) -> None:
        self._world, self._charges = world, 0

    def charge(self, request: ChargeRequest) -> Outcome:
        """As Stripe answers it."""
        outcome = self._world.services.gateway.charge(request)
        self._charges += 1
        if self._charges == 1:
            lose_claims(self._world.services.database)
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.services.gateway, name)


def test_a_run_whose_claims_are_lost_takes_no_more_and_charges_nobody_twice(world: World) -> None:
    for number in range(6):
        world.start_trial(f"r{number}@example.com", f"pm_card_visa__{number}")
    world.advance_to(CHARGE_AT.replace(hour=8, minute=59))
    world.skip_to(CHARGE_AT)
    with pytest.raises(sa.exc.OperationalError):
        run(replace(world.services.run_context, acquirers=only(Restarting(world)), concurrency=1), CHARGE_AT)
    assert len(world.charges()) <= 4, "what it had in hand, a stride of one sender at most"
    world.settle()
    assert len(world.charges()) == 6
    assert world.rows("SELECT DISTINCT state FROM attempt") == [{"state": "charged"}]
    ledger_checks.check(world)
