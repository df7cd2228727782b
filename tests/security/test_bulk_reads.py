"""A leaked key can't copy all readers unseen: reads are counted by key, route and hour, and have a daily ceiling."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.platform.actors import ApiActor
from billing.platform.context import TransactionContext
from billing.rules.ceilings import Ceilings
from billing.staff import reads
from billing.staff.key_limits import KeyOverLimit
from tests.support.programs import program
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World


def readers(world: World, many: int) -> list[str]:
    """So many readers; their ids."""
    for number in range(many):
        world.execute(
            "INSERT INTO reader (id, email, created_at) VALUES (:id, :email, :at)",
            id=f"rdr_{number}",
            email=f"{number}@example.com",
            at=world.now,
        )
    return [f"rdr_{number}" for number in range(many)]


def counted(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT by, what, hour, calls, readers FROM bulk_read ORDER BY hour, what")


def test_reads_are_one_line_by_key_route_and_hour(world: World, paid: Subscriber) -> None:
    readers(world, 4)
    client, reader = program(world, "readers:read", "money"), f"/v1/readers/{paid.reader_id}"
    hour = world.now.replace(minute=0, second=0, microsecond=0)
    for _ in range(2):
        assert len(client.get("/v1/readers?limit=3").json()["data"]) == 3
    (invoice,) = client.get(f"{reader}/invoices").json()["data"]
    for path in (
        reader,
        f"{reader}/events",
        f"{reader}/standing",
        f"{reader}/forecast",
        f"{reader}/gifts",
        f"/v1/subscriptions/{paid.subscription_id}",
        f"/v1/invoices/{invoice['id']}",
        f"/v1/invoices/{invoice['id']}.pdf",
    ):
        assert client.get(path).status_code == 200, path
    by = "api:readers:read-money"
    found = {
        line["what"]: (line["by"], line["hour"], line["calls"], line["readers"]) for line in counted(world)
    }
    assert found.pop("GET /v1/readers") == (by, hour, 2, 6)
    assert len(found) == 9
    assert set(found.values()) == {(by, hour, 1, 1)}
    client.get("/v1/readers?email=nobody@example.com")
    assert [line["calls"] for line in counted(world) if line["what"] == "GET /v1/readers"] == [3]
    world.advance_to(world.now + timedelta(hours=1))
    client.get("/v1/readers?limit=3")
    assert [line["calls"] for line in counted(world) if line["what"] == "GET /v1/readers"] == [3, 1]


def test_a_key_reads_of_so_many_different_readers_in_a_day(world: World) -> None:
    ids = readers(world, 6)
    client = program(world, "readers:read", ceilings=Ceilings(readers=4))
    first = client.get("/v1/readers?limit=3").json()["data"]
    assert len(first) == 3
    for _ in range(3):
        assert client.get("/v1/readers?limit=3").status_code == 200, "the same ones again"
    refused = client.get(f"/v1/readers?limit=3&after={first[-1]['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "over_limit")
    assert refused.json()["ceiling"] == "readers_a_day"
    assert "4 readers" in refused.json()["detail"]
    assert ids[4] not in refused.text
    assert client.get(f"/v1/readers/{ids[3]}").status_code == 200, "one more may be read"
    assert client.get(f"/v1/readers/{ids[4]}").status_code == 403
    assert client.get(f"/v1/readers/{ids[0]}").status_code == 200, "those it has read may be read again"
    assert len(world.rows("SELECT 1 FROM staff_case WHERE kind = 'key_limit'")) == 1
    (line,) = world.rows("SELECT act, after FROM audit_line WHERE outcome = 'refused'")
    assert line == {"act": "over_limit", "after": {"asked": "GET /v1/readers"}}
    world.advance_to(world.now + timedelta(hours=24))
    assert client.get(f"/v1/readers/{ids[4]}").status_code == 200


def test_two_reads_at_once_do_not_exceed_it_together(world: World) -> None:
    ids = readers(world, 4)
    program(world, "readers:read", ceilings=Ceilings(readers=2))
    (key,) = world.rows("SELECT id FROM api_key WHERE name = 'readers:read'")
    actor = ApiActor("x", key_id=key["id"])
    with world.services.database.begin(world.services.site, world.now, actor) as ctx:
        reads.note(ctx, "GET /v1/readers", ids[:2])
        with world.services.database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            with pytest.raises(OperationalError, match="lock timeout"):
                reads.note(
                    TransactionContext(other, world.services.site, world.now, actor),
                    "GET /v1/readers",
                    ids[2:],
                )
    with (
        pytest.raises(KeyOverLimit),
        world.services.database.begin(world.services.site, world.now, actor) as ctx,
    ):
        reads.note(ctx, "GET /v1/readers", ids[2:])


def test_admins_see_who_read_how_much_staff_too(world: World, paid: Subscriber, staff: SignIn) -> None:
    program(world, "readers:read").get("/v1/readers")
    finance, admin = staff("finance"), staff("admin")
    finance.get("/staff/invoices")
    finance.get("/staff/requests")
    page = admin.get("/staff/audit/reads")
    for said in ("api:readers:read", "GET /v1/readers", "staff:finance@paper.example", "GET /staff/invoices"):
        assert said in page.words
    assert staff("support").get("/staff/audit/reads").status == 403
