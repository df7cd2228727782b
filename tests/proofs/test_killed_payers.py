"""`kill -9` while a reader pays in person: there is one charge, one payment and one receipt."""

import pytest

from tests.support import ledger_checks
from tests.support.browser import Browser
from tests.support.fork_server import Crash
from tests.support.world import World, local

EMAIL = "naledi@example.com"


def overdue(world: World) -> None:
    """An open invoice whose card can pay again."""
    world.start_trial(EMAIL)
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    world.advance_to(local(2027, 3, 16, 12))
    world.sandbox.decline(card, None)
    world.sandbox.trouble({"effect": "drop", "type": "*"})  # no webhook may come to our help


def from_the_mail(world: World) -> Browser:
    """The reader's browser, on the page behind the mailed link."""
    browser = world.browser()
    browser.get(world.mailed_link(EMAIL, "/pay/"))
    return browser


def whole(world: World) -> None:
    """One charge and one mail about it."""
    world.settle()
    assert len(world.charges()) == 1
    assert world.mail_kinds(EMAIL).count("receipt") == 1
    assert world.rows("SELECT state FROM subscription") == [{"state": "active"}]
    ledger_checks.check(world)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("stop_at", "charges"), [("charge.intended", 0), ("charge.answered", 1), ("charge.settled", 1)]
)
@pytest.mark.parametrize("again", [True, False], ids=["pressed again", "left"])
def test_killed_while_the_card_on_record_is_charged(
    world: World, crash: Crash, stop_at: str, charges: int, again: bool
) -> None:
    overdue(world)
    crash(stop_at, from_the_mail(world).filled("/pay"))
    assert len(world.charges()) == charges
    if again:
        browser = from_the_mail(world)
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
def test_killed_while_the_page_is_opened(world: World, crash: Crash, stop_at: str) -> None:
    overdue(world)
    crash(stop_at, from_the_mail(world).filled("/pay/page"))
    browser = from_the_mail(world)
    page = browser.sent_to("/pay/page")
    assert len(world.sandbox.objects("checkout.session")) == 1, "the same page, found again by its key"
    browser.get(world.sandbox.fill_in(page))
    assert "this is paid" in browser.page.words
    whole(world)


@pytest.mark.prove
def test_killed_while_the_page_is_opened_and_nobody_comes_again(world: World, crash: Crash) -> None:
    overdue(world)
    crash("page.opened", from_the_mail(world).filled("/pay/page"))
    world.advance_to(local(2027, 3, 19, 9))
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")] == [
        "declined",
        "not_sent",
        "charged",
    ]
    whole(world)


@pytest.mark.prove
def test_killed_as_the_reader_comes_back_from_the_page(world: World, crash: Crash) -> None:
    overdue(world)
    browser = from_the_mail(world)
    target = world.sandbox.fill_in(browser.sent_to("/pay/page"))
    crash("page.answered", browser.http.build_request("GET", target))
    assert len(world.charges()) == 1
    assert world.rows("SELECT id FROM payment") == []
    assert "This page moves on by itself" in browser.get(target).words, (
        "the dead process's question may be under way"
    )
    world.advance(seconds=45)
    assert "this is paid" in browser.get(target).words
    whole(world)
