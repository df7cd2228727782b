"""A stranger finds an old mail: its links cancel, and start no charge again."""

import pytest

from tests.support.browser import Answer, Browser
from tests.support.cancel_helpers import cancel, cancel_signed_out
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def send(browser: Browser, action: str, **fields: str) -> Answer:
    """A form that no page shows, as a page of ours would send it."""
    token = browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    headers = {"sec-fetch-site": "same-origin"}
    return Answer(browser.http.post(action, data={"csrf": token, **fields}, headers=headers))


def stands(world: World) -> list[dict[str, object]]:
    """Whether it is cancelled, and what its history says."""
    return world.rows(
        "SELECT s.state, s.cancel_asked_at, s.cancels_at, count(*) AS changes FROM subscription s"
        " JOIN subscription_change c ON c.subscription_id = s.id GROUP BY s.id"
    )


@pytest.mark.parametrize("kind", ["/cancel/", "/account/cancelled"])
def test_no_link_that_was_mailed_takes_a_cancellation_back(world: World, paid: Subscriber, kind: str) -> None:
    cancel(world, paid.subscription_id)
    world.settle()
    before = stands(world)
    finder = world.browser()
    finder.get(world.mailed_link(paid.email, kind))
    for action in ("/cancel/undo", "/account/resume"):
        send(finder, action)
        assert stands(world) == before, action
    world.advance_to(local(2027, 6, 1))
    assert len(world.charges()) == 1, "nothing is charged again"


def test_the_page_behind_the_link_says_what_undoing_needs_and_mails_it_to_the_reader_alone(
    world: World, paid: Subscriber
) -> None:
    cancel(world, paid.subscription_id)
    finder = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    assert "This link only cancels" in finder.page.words
    before = stands(world)
    assert finder.post("/cancel/undo").path == "/sign-in/sent"
    world.settle()
    assert stands(world) == before
    assert world.mailed_link(paid.email, "/sign-in/link/")
    assert {one.recipient for one in world.letters()} == {paid.email}


def test_the_reader_undoes_it_with_the_fresh_mail_and_lands_where_the_button_is(
    world: World, paid: Subscriber
) -> None:
    cancel(world, paid.subscription_id)
    reader = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    reader.post("/cancel/undo")
    world.settle()
    reader.get(world.mailed_link(paid.email, "/sign-in/link/"))
    assert reader.post("/sign-in/confirm").path == "/account/cancelled"
    assert "goes on as before" in reader.undo("/account/resume").text
    assert world.subscription(paid.subscription_id)["cancels_at"] is None


def test_the_link_of_the_confirmation_leads_through_signing_in_to_the_same_button(
    world: World, paid: Subscriber
) -> None:
    cancel(world, paid.subscription_id)
    world.settle()
    reader = world.browser()
    assert reader.get(world.mailed_link(paid.email, "/account/cancelled")).path == "/sign-in"
    reader.post("/sign-in", email=paid.email)
    world.settle()
    reader.get(world.mailed_link(paid.email, "/sign-in/link/"))
    assert reader.post("/sign-in/confirm").path == "/account/cancelled"
    reader.undo("/account/resume")
    assert world.subscription(paid.subscription_id)["cancels_at"] is None


def test_where_the_reader_is_signed_in_the_link_offers_to_undo_at_once(
    world: World, paid: Subscriber
) -> None:
    cancel(world, paid.subscription_id)
    reader = signed_in(world, paid.email)
    reader.get(world.mailed_link(paid.email, "/cancel/"))
    reader.undo("/account/resume")
    assert world.subscription(paid.subscription_id)["cancels_at"] is None


def test_another_readers_session_undoes_nothing(world: World, paid: Subscriber) -> None:
    other = world.start_trial("pieter@example.org", "pm_card_visa__7")
    cancel(world, paid.subscription_id)
    browser = signed_in(world, "pieter@example.org")
    page = browser.get(world.mailed_link(paid.email, "/cancel/"))
    assert "/account/resume" not in page.text
    for action in ("/cancel/undo", "/account/resume"):
        send(browser, action)
    assert world.subscription(paid.subscription_id)["cancels_at"] is not None
    assert world.subscription(other["subscription"]["id"])["cancels_at"] is None


def test_a_finder_who_asks_again_and_again_is_slowed_down(world: World, paid: Subscriber) -> None:
    cancel(world, paid.subscription_id)
    world.settle()
    before = len(world.letters(paid.email))
    finder = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    form = finder.filled("/cancel/undo")
    answers = [finder.http.send(form).status_code for _ in range(7)]
    assert answers[-1] == 429
    world.settle()
    assert len(world.letters(paid.email)) - before <= 5
