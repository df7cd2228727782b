"""The meter: so many metered articles a month, each counted once, by whom it can name."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.world import World, local

LIMIT = 10


def metered(world: World, count: int) -> list[str]:
    """So many metered articles, registered by the API."""
    ids = [f"story-{number}" for number in range(count)]
    for article in ids:
        body = {
            "title": article,
            "url": f"https://news.example/{article}",
            "section": "Town",
            "access": "metered",
            "published_at": "2027-02-01T00:00:00Z",
        }
        world.api.put(f"/v1/articles/{article}", json=body).raise_for_status()
    return ids


def ended_reader(world: World) -> str:
    """A reader with an account, and nothing held."""
    begun = world.start_trial("naledi@example.com")
    world.api.post(f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={"when": "now"})
    return str(begun["reader"]["id"])


def test_a_registered_reader_reads_ten_a_month_again_and_again_and_ten_more_in_the_next(
    world: World,
) -> None:
    reader, articles = ended_reader(world), metered(world, LIMIT + 2)
    for number, article in enumerate(articles[:LIMIT], start=1):
        answer = world.access(article, reader)
        assert answer["reason"] == "meter"
        assert answer["meter"] == {"used": number, "limit": LIMIT}
    for article in articles[LIMIT:]:
        answer = world.access(article, reader)
        assert (answer["allowed"], answer["reason"]) == (False, "meter_used")
        assert answer["meter"] == {"used": LIMIT, "limit": LIMIT}
    for article in articles[:LIMIT]:
        assert world.access(article, reader)["allowed"], "reading again is free"

    world.advance_to(local(2027, 3, 31, 23, 59, 59))
    assert not world.access(articles[-1], reader)["allowed"]
    world.advance_to(local(2027, 4, 1))
    assert world.access(articles[-1], reader)["meter"] == {"used": 1, "limit": LIMIT}
    assert world.access(articles[0], reader)["meter"] == {"used": 2, "limit": LIMIT}


def test_a_browser_without_an_account_reads_three_and_a_prefetch_reads_nothing(world: World) -> None:
    browser, articles = world.browser(), metered(world, 5)
    limit = world.settings.meter_anonymous
    assert limit == 3
    pages = world.articles["metered"]
    assert len(pages) == 3
    for purpose in ("prefetch", "prefetch;prerender"):
        for article in pages:
            browser.http.get(f"/articles/{article}", headers={"sec-purpose": purpose}).raise_for_status()
            browser.http.get(f"/v1/access/{article}", headers={"sec-purpose": purpose}).raise_for_status()
    assert world.rows("SELECT * FROM meter_read") == []

    for number, article in enumerate(pages, start=1):
        page = browser.get(f"/articles/{article}")
        assert f"{number} of 3 free articles this month" in page.words
        assert f"{number} of 3 free articles this month" in browser.get(f"/articles/{article}").words
    answer: dict[str, Any] = browser.http.get(f"/v1/access/{articles[0]}").json()
    assert (answer["reason"], answer["meter"]) == ("meter_used", {"used": 3, "limit": 3})
    another = world.browser().http.get(f"/v1/access/{articles[0]}").json()
    assert another["allowed"], "another browser has its own"


def test_reading_at_once_never_exceeds_the_limit(world: World) -> None:
    reader, articles = ended_reader(world), metered(world, 24)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda article: world.access(article, reader), articles * 2))
    opened = {answer["article"] for answer in answers if answer["allowed"]}
    assert len(opened) == LIMIT
    assert world.rows("SELECT used FROM meter_month") == [{"used": LIMIT}]
    assert world.rows("SELECT count(*) AS n FROM meter_read") == [{"n": LIMIT}]


def test_a_subscriber_uses_up_nothing(world: World) -> None:
    begun, articles = world.start_trial("naledi@example.com"), metered(world, LIMIT + 5)
    for article in articles:
        answer = world.access(article, begun["reader"]["id"])
        assert (answer["reason"], answer["meter"]) == ("trial", None)
    assert world.rows("SELECT * FROM meter_month") == []


def test_an_article_opened_in_the_public_interest_is_everybodys_until_it_closes(world: World) -> None:
    article = world.articles["subscriber"][0]
    body = {"until": "2027-03-03T08:00:00Z", "reason": "flood warning"}
    opened = world.api.post(f"/v1/articles/{article}/open", json=body)
    assert opened.json()["open_reason"] == "flood warning"
    browser = world.browser()
    page = browser.get(f"/articles/{article}")
    assert "Open to everyone, in the public interest." in page.words
    answer = browser.http.get(f"/v1/access/{article}").json()
    assert (answer["reason"], answer["features"]) == ("open", ["read"]), "listening stays the subscribers'"
    assert answer["until"] == "2027-03-03T08:00:00Z"
    assert browser.get(f"/articles/{article}/audio").status == 403
    world.advance_to(local(2027, 3, 3, 9, 59, 59))
    assert browser.http.get(f"/v1/access/{article}").json()["reason"] == "open"
    world.advance_to(local(2027, 3, 3, 10))
    assert browser.http.get(f"/v1/access/{article}").json()["reason"] == "subscribe"
    again = world.api.post(f"/v1/articles/{article}/open", json=body)
    assert (again.status_code, again.json()["code"]) == (422, "past_moment")
