"""A start records the article and the newsletter that led to it; the record lives and goes with its reader."""

import re

from billing.personal_data import register
from tests.support.erasures import ask_for, left_over
from tests.support.leaps import leap_to
from tests.support.newsroom import Newsroom, parts_of
from tests.support.world import World, local

LOCKED = "the-water-nobody-counted"
EMAIL = "thandi@example.com"
ORIGINS = "SELECT article_id, section, issue_id, is_trial FROM start_origin ORDER BY at, subscription_id"
UNUSED = "SELECT FROM card_setup WHERE num_nonnulls(origin_article_id, origin_section, origin_issue_id) > 0"


def section_of(world: World, article: str) -> str:
    (row,) = world.rows("SELECT section FROM article WHERE id = :id", id=article)
    return str(row["section"])


def sent_issue(world: World) -> str:
    """The first issue of a newsletter that one reader gets."""
    newsroom = Newsroom(world)
    newsroom.people(1)
    issue = newsroom.send()
    world.settle()
    return issue


def origins(world: World) -> list[dict[str, object]]:
    return world.rows(ORIGINS)


def test_from_the_wall_of_an_article_to_a_trial(world: World) -> None:
    browser = world.browser()
    browser.get(f"/?article={LOCKED}")
    browser.start(EMAIL)
    assert origins(world) == [
        {"article_id": LOCKED, "section": section_of(world, LOCKED), "issue_id": None, "is_trial": True}
    ]
    assert world.rows(UNUSED) == []


def test_who_comes_by_nothing_leaves_no_row(world: World) -> None:
    browser = world.browser()
    browser.get("/?article=nobody-registered-this&issue=iss_unknown")
    browser.start(EMAIL)
    assert origins(world) == []


def test_by_a_newsletters_article_and_its_wall(world: World) -> None:
    issue = sent_issue(world)
    browser = world.browser()
    browser.get(f"/articles/{LOCKED}?issue={issue}")
    assert browser.page.response.headers["cache-control"] == "private, no-store"
    wall = re.search(rf'href="(/\?article={LOCKED}|/subscribe\?article={LOCKED})"', browser.page.text)
    assert wall is not None
    browser.get(wall[1])
    browser.start(EMAIL)
    (row,) = origins(world)
    assert (row["article_id"], row["issue_id"]) == (LOCKED, issue)


def test_the_links_of_an_issue_name_it_and_no_recipient(world: World) -> None:
    newsroom = Newsroom(world)
    newsroom.people(2)
    offer = world.services.site.page("/subscribe")
    source = f"Good morning.\n\n[[article:{LOCKED}]]\n\n[Read it all]({offer}?plan=yearly) or [the dam](https://example.com/dam).\n"
    issue = newsroom.send(source=source)
    world.settle()
    first, second = newsroom.arrived()
    for mail in (first, second):
        for part in parts_of(mail):
            assert f"?issue={issue}" in part
            assert re.search(rf"/subscribe\?plan=yearly(&amp;|&)issue={issue}", part)
            assert "example.com/dam?" not in part


def test_a_draft_names_no_issue_and_a_paid_start_is_recorded_too(world: World) -> None:
    draft = Newsroom(world).draft()
    browser = world.browser()
    browser.start(EMAIL)
    world.advance(days=2)
    browser.get("/account/cancel")
    browser.post("/account/cancel", reason="price", comment="")
    leap_to(world, local(2027, 3, 23, 10), days=1)
    browser.get(f"/?article={LOCKED}&issue={draft}")
    browser.get("/subscribe")
    if browser.page.path != "/subscribe/review":
        browser.post("/subscribe/without-trial")
    browser.agree_and_pay()
    (row,) = origins(world)
    assert (row["article_id"], row["issue_id"], row["is_trial"]) == (LOCKED, None, False)


def test_a_program_names_the_article_and_the_issue(world: World) -> None:
    issue = sent_issue(world)
    world.start_trial(EMAIL, article=LOCKED, issue=issue)
    world.start_trial("pieter@example.com", "pm_card_visa__2", article="not-registered")
    (row,) = origins(world)
    assert (row["article_id"], row["issue_id"]) == (LOCKED, issue)
    refused = world.try_trial("sipho@example.com", "pm_card_visa__3", article="no such/article")
    assert refused.status_code == 422


def test_the_readers_own_file_has_it_and_an_erasure_leaves_a_count(world: World) -> None:
    reader = world.start_trial(EMAIL, article=LOCKED)["reader"]["id"]
    leap_to(world, local(2027, 3, 17), days=10)
    leap_to(world, local(2027, 4, 5, 12), days=1)  # past the days in which the payment of 16 March goes back
    (one,) = [table for table in register.TABLES if table.table == "start_origin"]
    (row,) = world.rows(one.select, reader_id=reader)
    assert row["article_id"] == LOCKED
    api = world.api
    (subscription,) = world.rows("SELECT id FROM subscription")
    api.post(f"/v1/subscriptions/{subscription['id']}/cancel").raise_for_status()
    leap_to(world, local(2027, 4, 18, 12), days=3)
    ask_for(world, reader)
    world.advance(days=2)
    assert left_over(world, reader) == []
    assert origins(world) == []
    (count,) = world.rows("SELECT * FROM erased_origin")
    assert {str(value) for value in count.values()} == {
        "2027-03-01", LOCKED, section_of(world, LOCKED), "", "1", "0",
    }  # fmt: skip
    assert (count["trials"], count["paid_starts"], count["converted"]) == (1, 0, 1)
