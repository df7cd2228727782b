"""`kill -9` while a reader pays in person: after it there is one charge, one payment, one receipt, whoever goes on."""

import os
import signal
import subprocess
import sys

import pytest

from billing.settings import PREFIX
from tests.support import ledger_checks
from tests.support.polling import PATIENCE_SECONDS
from tests.support.worker_processes import ROOT, environment
from tests.support.world import World, local

EMAIL = "naledi@example.com"
PRESSED = """
import sys
from billing.app import build
from billing.renewals import pay
from billing.settings import read_settings
import os
parts = build(read_settings(os.environ))
act = {"card": pay.with_card_on_record, "page": pay.open_page, "back": pay.come_back}[sys.argv[1]]
print(act(parts.till, sys.argv[2], parts.clock.now()))
"""


def press(world: World, way: str, invoice_id: str, stop_at: str) -> None:
    """The reader's press, in a web process that dies at the stop point."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    variables = environment(world.settings) | {"BILLING_STOP_AT": stop_at}
    done = subprocess.run(
        [sys.executable, "-c", PRESSED, way, invoice_id],
        env=kept | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def overdue(world: World) -> str:
    """An open invoice whose card has money again; its id."""
    world.start_trial(EMAIL)
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    world.advance_to(local(2027, 3, 16, 12))
    world.sandbox.decline(card, None)
    world.sandbox.trouble({"effect": "drop", "type": "*"})  # no webhook may come to our help
    return str(world.rows("SELECT id FROM invoice")[0]["id"])


def whole(world: World) -> None:
    """One charge, told once."""
    world.settle()
    assert len(world.charges()) == 1
    assert world.told(EMAIL).count("receipt") == 1
    assert world.rows("SELECT state FROM subscription") == [{"state": "active"}]
    ledger_checks.check(world)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("stop_at", "charges"),
    [
        pytest.param("charge.intended", 0, marks=pytest.mark.prove),
        ("charge.answered", 1),
        pytest.param("charge.settled", 1, marks=pytest.mark.prove),
    ],
)
@pytest.mark.parametrize(
    "again", [True, pytest.param(False, marks=pytest.mark.prove)], ids=["pressed again", "left"]
)
def test_killed_while_the_card_on_record_is_charged(
    world: World, stop_at: str, charges: int, again: bool
) -> None:
    invoice_id = overdue(world)
    press(world, "card", invoice_id, stop_at)
    assert len(world.charges()) == charges
    if again:
        browser = world.browser()
        browser.get(world.mailed_link(EMAIL, "/pay/"))
        assert ("bank is being asked" in browser.page.words) == (stop_at != "charge.settled")
    whole(world)
    if again:
        assert "this is paid" in browser.get("/pay").words
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")] == [
        "declined",
        "charged",
    ]


@pytest.mark.prove
@pytest.mark.parametrize("stop_at", ["page.intended", "page.opened"])
def test_killed_while_the_page_is_opened(world: World, stop_at: str) -> None:
    invoice_id = overdue(world)
    press(world, "page", invoice_id, stop_at)
    browser = world.browser()
    browser.get(world.mailed_link(EMAIL, "/pay/"))
    browser.http.follow_redirects = False
    page = str(browser.post("/pay/page").response.headers["location"])
    browser.http.follow_redirects = True
    assert len(world.sandbox.objects("checkout.session")) == 1, "the same page, found again by its key"
    browser.get(world.sandbox.fill_in(page))
    assert "this is paid" in browser.page.words
    whole(world)


@pytest.mark.prove
def test_killed_while_the_page_is_opened_and_nobody_comes_again(world: World) -> None:
    invoice_id = overdue(world)
    press(world, "page", invoice_id, "page.opened")
    world.advance_to(local(2027, 3, 19, 9))
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")] == [
        "declined",
        "withdrawn",
        "charged",
    ]
    whole(world)


@pytest.mark.prove
def test_killed_as_the_reader_comes_back_from_the_page(world: World) -> None:
    invoice_id = overdue(world)
    browser = world.browser()
    browser.get(world.mailed_link(EMAIL, "/pay/"))
    browser.http.follow_redirects = False
    target = world.sandbox.fill_in(str(browser.post("/pay/page").response.headers["location"]))
    browser.http.follow_redirects = True
    page = world.rows("SELECT id FROM attempt WHERE invoice_id = :id AND by_page", id=invoice_id)[0]["id"]
    press(world, "back", page, "page.answered")
    assert len(world.charges()) == 1
    assert world.rows("SELECT id FROM payment") == []
    assert "this is paid" in browser.get(target).words
    whole(world)
