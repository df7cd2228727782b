"""The check that every due charge was made knows a charge that waits for the answer to a request."""

from datetime import timedelta

import pytest

from billing.platform.actors import WORKER
from billing.staff.models import RequestKind
from billing.staff.requests import RequestSender, record_request
from tests.support.independent_calendar import nothing_is_missed
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def test_a_charge_that_waits_for_an_answer_is_not_missed_and_any_other_is(
    world: World, paid: Subscriber
) -> None:
    world.advance_to(local(2027, 4, 10, 9))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        sender = RequestSender(None, paid.email, "196.25.1.9", "Test")
        record_request(ctx, sender, RequestKind.CANCEL, "Please stop this.")
    world.advance_to(local(2027, 4, 18, 9))
    assert len(world.charges()) == 1, "the charge of 16 April is held"
    nothing_is_missed(world)
    world.execute(
        "UPDATE reader_request SET closed_at = :at, closed_by_kind = 'staff', closed_by_id = 'x', waits_since = NULL",
        at=world.now - timedelta(hours=1),
    )
    with pytest.raises(AssertionError):
        nothing_is_missed(world)
