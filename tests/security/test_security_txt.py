"""A person who finds a weakness learns where to report it (RFC 9116)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from billing.platform.errors import RefusesToStart
from billing.platform.settings import read_settings
from tests.support.world import World

PATH = "/.well-known/security.txt"
NEEDED = {
    "BILLING_DATABASE_URL": "postgresql://127.0.0.1/paper",
    "BILLING_SECRET_KEY": "kR7!pW2@zX9#mN4$vB6%cL1^hJ8&gF3*",
    "BILLING_STRIPE_SECRET_KEY": "sk_test_1",
}


def fields(world: World) -> dict[str, str]:
    answer = httpx.get(world.url + PATH, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("\n")
    return dict(line.split(": ", 1) for line in answer.text.splitlines())


def test_it_names_the_contact_and_is_never_out_of_date(make_world: Callable[..., World]) -> None:
    world = make_world(security_contact="https://paper.example/report")
    for days in (0, 400):
        world.advance(days=days)
        found = fields(world)
        assert found["Contact"] == "https://paper.example/report"
        assert found["Canonical"] == world.url + PATH
        left = datetime.fromisoformat(found["Expires"]).astimezone(UTC) - world.now
        assert timedelta(days=29) <= left <= timedelta(days=30)


def test_without_a_setting_it_is_where_readers_write_to(world: World) -> None:
    assert fields(world)["Contact"] == f"mailto:{world.settings.mail_from}"


@pytest.mark.parametrize(
    "contact", ["security@paper.example", "http://paper.example/", "mailto:x", "https://a b"]
)
def test_what_is_no_contact_refuses_the_start(contact: str) -> None:
    with pytest.raises(RefusesToStart, match="BILLING_SECURITY_CONTACT"):
        read_settings(NEEDED | {"BILLING_SECURITY_CONTACT": contact})
