"""`billing webhooks register` makes the endpoint before anything else runs, and can be repeated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import environment, refused, run
from tests.support.sandbox import Sandbox, running

URL = "https://accounts.paper.co.za"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running() as started:
        yield started


def test_the_secret_is_shown_once(sandbox: Sandbox, tmp_path: Path) -> None:
    given = environment("postgresql://127.0.0.1:1/none", stripe_api_base=sandbox.url, public_url=URL)
    first = run(given, "webhooks", "register", folder=tmp_path)
    [row] = sandbox.objects("webhook_endpoint")
    assert row["url"] == f"{URL}/webhooks/stripe"
    assert row["secret"] in first.stdout.splitlines()
    again = run(given, "webhooks", "register", folder=tmp_path)
    assert again.stdout.startswith(f"Up to date already: {row['id']}")
    assert len(sandbox.objects("webhook_endpoint")) == 1
    sandbox.client().v1.webhook_endpoints.update(row["id"], {"enabled_events": ["refund.created"]})
    third = run(given, "webhooks", "register", folder=tmp_path)
    assert third.stdout.startswith(f"Brought up to date: {row['id']}")
    assert row["secret"] not in again.stdout + third.stdout


def test_an_acquirer_that_refuses_is_said_in_one_line(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.banks("restrict_key", lacking=["webhook_write"])
    given = environment(
        "x=y", stripe_api_base=sandbox.url, public_url=URL, stripe_secret_key="rk_test_restricted"
    )
    refused(
        run(given, "webhooks", "register", folder=tmp_path), "Stripe didn't do it", "required permissions"
    )
    assert sandbox.objects("webhook_endpoint") == []


def test_an_unsafe_live_installation_is_refused_but_for_the_secret(tmp_path: Path) -> None:
    given = environment("postgresql:///none", environment="live", stripe_secret_key="rk_live_4f9a8b7c6d5e")
    done = run(given, "webhooks", "register", folder=tmp_path)
    refused(done, "BILLING_PUBLIC_URL isn't https")
    assert "WEBHOOK_SECRETS" not in done.stderr
