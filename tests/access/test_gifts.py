"""Gift links (PW-8): one article, for a limited time and number of people, off the meter; and the page when a gift is over."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.articles import Put
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

SPOKEN = "the-water-nobody-counted"


@pytest.fixture
def giver(world: World, paid: Subscriber) -> Browser:
    """The browser of a subscriber."""
    return signed_in(world, paid.email)


def link_of(giver: Browser, article: str) -> str:
    """Give it, by the button below the article."""
    giver.get(f"/articles/{article}")
    giver.post(f"/articles/{article}/gift")
    assert giver.page.status == 200, giver.page.words
    return giver.page.text.partition('readonly value="')[2].partition('"')[0]


def test_a_gift_opens_its_article_to_whoever_follows_it_and_no_other(world: World, giver: Browser) -> None:
    link = link_of(giver, SPOKEN)
    assert link.startswith(f"{world.url}/gift/")
    friend = world.browser()
    friend.http.follow_redirects = False
    landed = friend.http.get(link)
    assert (landed.status_code, landed.headers["location"]) == (303, f"/articles/{SPOKEN}")
    assert landed.headers["x-robots-tag"] == "noindex"
    assert landed.headers["referrer-policy"] == "no-referrer"
    assert world.rows("SELECT opened FROM gift") == [{"opened": 0}], "following alone uses nothing up"

    for _ in range(2):
        page = friend.get(f"/articles/{SPOKEN}")
        assert "as a gift" in page.words
        assert 'class="story-text paywall"' in page.text
        assert page.response.headers["x-robots-tag"] == "noindex"
        assert '<meta name="robots" content="noindex">' in page.text
        assert f'<link rel="canonical" href="{world.url}/articles/{SPOKEN}">' in page.text
        assert "<audio" not in page.text
    assert friend.http.get(f"/v1/audio/{SPOKEN}").status_code == 403, "never audio"
    answer = friend.http.get(f"/v1/access/{SPOKEN}").json()
    assert (answer["reason"], answer["features"], answer["until"]) == (
        "gift",
        ["read"],
        "2027-03-30T10:00:00Z",
    )
    assert world.rows("SELECT opened FROM gift") == [{"opened": 1}]
    other = next(one for one in world.articles["subscriber"] if one != SPOKEN)
    assert "The rest is for subscribers" in friend.get(f"/articles/{other}").words
    assert "x-robots-tag" not in friend.page.response.headers

    world.advance(days=14)
    over = friend.get(f"/articles/{SPOKEN}")
    assert over.status == 200
    assert "The time of this gift is over." in over.words
    assert 'class="story-text' not in over.text


def test_a_gift_leaves_the_meter_alone_and_is_asked_only_when_nothing_else_opens(
    world: World, giver: Browser
) -> None:
    article = world.articles["metered"][0]
    link = link_of(giver, article)
    giver.get(link)
    assert world.rows("SELECT opened FROM gift") == [{"opened": 0}], "the giver reads by the subscription"
    friend = world.browser()
    friend.get(link)
    assert "as a gift" in friend.page.words
    assert world.rows("SELECT * FROM meter_month") == []
    head = world.browser()
    head.http.head(link)
    head.http.get(link, headers={"sec-purpose": "prefetch"})
    assert head.http.get(f"/articles/{article}", headers={"sec-purpose": "prefetch"}).status_code == 503
    crawler = world.browser()
    crawler.http.headers["user-agent"] = "WhatsApp/2.23.20.0"
    assert "The rest is for subscribers" in crawler.get(link).words
    assert world.rows("SELECT opened FROM gift") == [{"opened": 1}], (
        "what looks ahead, or draws a preview, uses nothing"
    )
    friend.sign_in("friend@example.com")
    assert "as a gift" in friend.get(f"/articles/{article}").words, "signing in does not lose it"


def test_who_opened_a_gift_is_forgotten_forty_days_after_its_end(world: World, giver: Browser) -> None:
    friend = world.browser()
    friend.get(link_of(giver, SPOKEN))
    friend.get(f"/articles/{world.articles['metered'][0]}")
    assert len(world.rows("SELECT * FROM meter_month")) == 1
    world.advance_to(local(2027, 4, 11))
    assert world.rows("SELECT * FROM meter_month") == [], "what the month counted is forgotten"
    assert len(world.rows("SELECT * FROM gift_reading")) == 1, "the gift itself ended on 30 March"
    world.advance_to(local(2027, 5, 9, 11, 59))
    assert len(world.rows("SELECT * FROM gift_reading")) == 1
    world.advance_to(local(2027, 5, 9, 12))
    assert world.rows("SELECT * FROM gift_reading") == []


def test_so_many_people_and_no_more_even_at_once(make_world: Callable[..., World]) -> None:
    world = make_world(at=local(2027, 3, 30, 10), gift_readers=3, gifts_a_month=2)
    giver = in_trial_by_pages(world)
    link = link_of(giver, SPOKEN)
    friends = [world.browser() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda friend: friend.get(link).words, friends))
    assert sum("as a gift" in words for words in pages) == 3
    assert sum("opened by as many people as it could be" in words for words in pages) == 5
    assert world.rows("SELECT opened FROM gift") == [{"opened": 3}]

    # The link that is used up makes room for another, within the month's number.
    assert link_of(giver, SPOKEN) != link
    third = next(one for one in world.articles["subscriber"] if one != SPOKEN)
    giver.get(f"/articles/{third}")
    giver.post(f"/articles/{third}/gift")
    assert (giver.page.status, "All gifts of this month are given" in giver.page.words) == (409, True)
    world.advance_to(local(2027, 4, 1))
    assert link_of(giver, third)
    assert "You have 1 left this month." in giver.get("/account/gifts").words


def test_it_is_given_again_while_it_lasts_and_taken_back_with_one_button(
    world: World, giver: Browser
) -> None:
    link = link_of(giver, SPOKEN)
    assert link_of(giver, SPOKEN) == link
    friend = world.browser()
    friend.get(link)
    giver.get("/account/gifts")
    gift = world.rows("SELECT id FROM gift")[0]["id"]
    assert "Opened by 1 of 25" in giver.page.words
    giver.post(f"/account/gifts/{gift}/revoke")
    assert "This gift was taken back." in giver.page.words
    assert "This gift was taken back." in friend.get(f"/articles/{SPOKEN}").words, "also who has opened it"
    assert "This gift was taken back." in world.browser().get(link).words
    stranger = world.browser()
    stranger.sign_in("stranger@example.com")
    token = stranger.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = stranger.http.post(f"/account/gifts/{gift}/revoke", data={"csrf": token})
    assert answer.status_code == 404, "only whoever gave it"


def test_only_subscribers_give_and_only_what_is_not_everybodys(
    world: World, giver: Browser, put: Put
) -> None:
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    put("town", "free")
    put("locked", "subscriber")
    other = world.browser()
    other.sign_in("sipho@example.com")
    assert "Give this article" not in other.get(f"/articles/{SPOKEN}").text
    second = world.rows("SELECT id FROM reader WHERE email = 'sipho@example.com'")[0]["id"]

    def give(article: str, by: str) -> tuple[int, str]:
        answer = world.api.post(f"/v1/articles/{article}/gifts", json={"reader_id": by})
        return answer.status_code, answer.json().get("code", "given")

    assert give("town", reader) == (409, "needs_no_gift")
    assert give("locked", second) == (403, "not_a_subscriber")
    assert give("locked", "rdr_nobody") == (404, "unknown_reader")
    assert give("nothing", reader) == (404, "unknown_article")
    assert give("locked", reader) == (201, "given")


def test_programs_give_and_a_site_elsewhere_asks_with_the_gift(
    world: World, giver: Browser, put: Put
) -> None:
    put("locked", "subscriber")
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    made = world.api.post("/v1/articles/locked/gifts", json={"reader_id": reader}).json()
    assert (made["readers"], made["left_this_month"]) == ({"used": 0, "limit": 25}, 9)
    browser = world.browser()
    browser.http.follow_redirects = False
    assert (
        browser.http.get(made["url"]).headers["location"]
        == f"https://news.example/locked?gift={made['token']}"
    )
    opened = world.api.get("/v1/access/locked", params={"gift": made["token"]}).json()
    assert (opened["reason"], opened["until"]) == ("gift", made["until"])
    again = world.api.get("/v1/access/locked", params={"visitor": opened["visitor"]}).json()
    assert again["reason"] == "gift", "known by the visitor's token from then on"
    for wrong in (made["token"][:-1], "x", f"{made['id']}.{'A' * 32}"):
        assert world.api.get("/v1/access/locked", params={"gift": wrong}).json()["reason"] == "subscribe"
        assert browser.http.get(f"/gift/{wrong}").status_code == 404
    listed = world.api.get(f"/v1/readers/{reader}/gifts").json()
    assert [(gift["id"], gift["readers"]["used"]) for gift in listed["data"]] == [(made["id"], 1)]
    assert world.api.delete(f"/v1/gifts/{made['id']}").status_code == 204
    assert world.api.delete("/v1/gifts/none").status_code == 404
    gone = world.api.get("/v1/access/locked", params={"visitor": opened["visitor"]}).json()
    assert gone["reason"] == "subscribe"
    secrets = world.rows("SELECT row_to_json(gift)::text AS row FROM gift")
    assert made["token"].rpartition(".")[2] not in secrets[0]["row"], "the secret stands in no table"


def test_gifts_die_when_the_card_that_paid_for_them_was_a_fraud(world: World) -> None:
    reader = world.start_trial("thandi@example.com", "pm_card_createIssuerFraudRecord")["reader"]["id"]
    world.advance(days=13)
    made = world.api.post(f"/v1/articles/{SPOKEN}/gifts", json={"reader_id": reader}).json()
    assert made["over"] is None
    world.advance(days=3)
    assert len(world.charges()) == 1
    listed = world.api.get(f"/v1/readers/{reader}/gifts").json()["data"]
    assert [gift["over"] for gift in listed] == ["revoked"]
    assert (
        world.api.get(f"/v1/access/{SPOKEN}", params={"gift": made["token"]}).json()["reason"] == "subscribe"
    )
