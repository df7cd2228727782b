"""Concurrent events are stored together, but each has its own answer."""

import asyncio
import json
from typing import Any

import sqlalchemy as sa

from billing.acquirer.signals import ForgedWebhook, NotAnEvent
from billing.web.api.webhook_batcher import WebhookBatcher
from tests.support.broken_tables import refused_rows
from tests.support.installation import WEBHOOK_SECRET
from tests.support.webhook_messages import event, signature
from tests.support.world import World


def test_each_of_many_at_once_has_its_own_answer(world: World) -> None:
    def signed(secret: str = WEBHOOK_SECRET, **more: Any) -> tuple[bytes, dict[str, str]]:
        body = json.dumps(event(world, **more)).encode()
        return body, {"stripe-signature": signature(body, int(world.now.timestamp()), secret)}

    messages = [
        signed(id="evt_first"),
        *(signed(id=f"evt_{number}") for number in range(100)),
        signed(id="evt_7"),
        signed("whsec_of_somebody_else", id="evt_forged"),
        signed(id="evt_nothing", data=None),
        signed(id="evt_odd"),
        signed(id="evt_first"),
    ]

    async def all_at_once() -> list[Any]:
        batcher = WebhookBatcher(world.services.database, world.services.gateway, world.services.clock)
        return await asyncio.gather(
            *(batcher.store(*message) for message in messages), return_exceptions=True
        )

    with refused_rows(world, "inbound_event", "event_ref <> 'evt_odd'"):
        said = asyncio.run(all_at_once())
    assert said[:101] == [True] * 101
    assert said[101] is False
    assert [type(one) for one in said[102:105]] == [ForgedWebhook, NotAnEvent, sa.exc.IntegrityError]
    assert said[105] is False
    kept = {
        row["id"]
        for row in world.rows("SELECT event_ref AS id FROM inbound_event WHERE event_ref LIKE 'evt\\_%'")
    }
    assert kept == {"evt_first"} | {f"evt_{number}" for number in range(100)}
