"""Explanations: an access decision of any moment can be repeated later, with its facts."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.support.articles import Put
from tests.support.cancel_helpers import cancel
from tests.support.plans import whole_tables_read
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

ARTICLES = ("locked", "metered", "quiet", "passing")


class Diary:
    """Requests decisions at moments of a story, and records them."""

    def __init__(self, world: World, reader: str) -> None:
        self.world = world
        self.reader = reader
        self.lines: list[tuple[datetime, str, dict[str, Any]]] = []

    def write(self) -> None:
        """What may this reader read now?"""
        for article in ARTICLES:
            answer = self.world.access(article, self.reader)
            self.lines.append((self.world.now, article, answer))

    def compare(self, forgotten: tuple[str, ...] = ()) -> None:
        """Ask again about each moment written down."""
        for at, article, answer in self.lines:
            again = self.standing(at, article)["decision"]
            known = {name: answer[name] for name in ("allowed", "reason", "features", "until")}
            if answer["reason"] not in forgotten:
                assert {name: again[name] for name in known} == known, f"{article} at {at}"

    def standing(self, at: datetime | None = None, article: str = "") -> dict[str, Any]:
        params = {"at": at.isoformat() if at else "", "article": article}
        given = {name: value for name, value in params.items() if value}
        answer = self.world.api.get(f"/v1/readers/{self.reader}/standing", params=given)
        return dict(answer.raise_for_status().json())


def test_every_past_answer_is_given_again_from_the_facts_of_then(world: World, put: Put) -> None:
    put("locked", "subscriber"), put("metered", "metered"), put("quiet")
    put("passing", "registered", free_hours=30 * 24, open_after_days=120)
    begun = world.start_trial("thandi@example.com", "pm_card_visa__1")
    reader, subscription = begun["reader"]["id"], begun["subscription"]["id"]
    diary = Diary(world, reader)
    diary.write()
    world.advance(days=3)
    world.api.put("/v1/sections/Town", json={"access": "metered"}).raise_for_status()
    world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={})
    diary.write()
    world.advance(days=1)
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    world.advance_to(local(2027, 3, 20, 12))
    diary.write()
    world.advance(minutes=1)  # within one instant, what came last is what was so
    world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={"when": "now", "refund": "none"})
    diary.write()
    world.advance(hours=1)
    body = {"until": local(2027, 3, 22).isoformat(), "reason": "flood"}
    opened = world.api.post("/v1/openings", json={"article": "locked", **body}).json()
    diary.write()
    world.advance(hours=1)
    world.api.delete(f"/v1/openings/{opened['id']}").raise_for_status()
    put("metered", "subscriber")
    diary.write()
    world.advance(days=2)
    diary.compare()
    world.advance_to(local(2027, 5, 2))
    put("metered", "free")
    diary.write()
    world.advance(days=90)

    assert {line[2]["reason"] for line in diary.lines} >= {
        "trial",
        "subscription",
        "open",
        "meter",
        "subscribe",
        "free",
    }
    diary.compare(forgotten=("meter", "meter_used"))  # the counts, by now, as PW-13 wants

    before = diary.standing(local(2027, 2, 28))
    assert (before["registered"], before["sentence"][-32:]) == (False, "you were not registered with us.")
    unknown = world.api.get(
        f"/v1/readers/{reader}/standing", params={"at": "2027-02-01T00:00:00Z", "article": "locked"}
    )
    assert unknown.json()["code"] == "unknown_article", "nobody knew of it then"
    future = world.api.get(f"/v1/readers/{reader}/standing", params={"at": "2030-01-01T00:00:00Z"})
    assert (future.status_code, future.json()["code"]) == (422, "future_moment")
    assert world.api.get("/v1/readers/rdr_x/standing").status_code == 404


def test_the_chain_names_each_fact_and_each_ground(world: World, in_trial: Subscriber, put: Put) -> None:
    put("metered", "metered")
    cancel(world, in_trial.subscription_id, when="now", reason="price")
    reader = in_trial.reader_id
    world.access("metered", reader)
    answer = Diary(world, reader).standing(article="metered")
    assert (
        answer["sentence"]
        == "You can read this article as one of your free ones this month: 1 of 10 are used."
    )
    assert answer["decision"]["meter"] == {"used": 1, "limit": 10}
    what = [fact["what"] for fact in answer["facts"]]
    assert what[0] == "Registered"
    assert "Subscription: started; from then on trialing" in what
    assert any(fact["why"] == "price" and fact["by"] == "api:tests" for fact in answer["facts"])
    history = [
        fact["what"].split(",")[0] for fact in answer["facts"] if fact["what"].startswith("Subscription")
    ]
    assert history == ["Subscription: started; from then on trialing", "Subscription: ended now"], (
        "both of one moment, and in their order"
    )
    assert "The article is a metered article" in what
    assert [(fact["what"], fact["holds"]) for fact in answer["facts"] if fact["holds"] is not None] == [
        ("It is not free for everyone", False),
        ("No editor has it open to everyone", False),
        ("The meter lets in, until 1 April 2027, 00:00", True),
    ]
    alone = Diary(world, reader).standing()
    assert (alone["decision"], alone["held"]) == (None, [])


def test_staff_ask_on_the_readers_page(world: World, in_trial: Subscriber, put: Put, staff: SignIn) -> None:
    put("locked", "subscriber")
    reader = in_trial.reader_id
    world.advance(days=2)
    support = staff("support")
    support.get(f"/staff/readers/{reader}")
    assert f'href="/staff/readers/{reader}/why"' in support.page.text
    page = support.get(f"/staff/readers/{reader}/why?article=locked&at=2027-03-02T09:00")
    assert (
        "As of 2 March 2027, 09:00: you can read this article because your free trial is running, through Monday 15 March 2027."
        in page.words
    )
    assert "The free trial opens it" in page.words
    assert "started; from then on trialing" in page.words
    assert "How they stood" in support.get(f"/staff/readers/{reader}/why").words
    for query, status, words in (
        ("article=nothing", 404, "We can’t find this article"),
        ("at=soon", 422, "Give the day and the time"),
        ("at=2028-01-01T00:00", 422, "What will be isn’t decided yet"),
    ):
        page = support.get(f"/staff/readers/{reader}/why?{query}")
        assert (page.status, words in page.words) == (status, True), page.words
    assert staff("editor").get(f"/staff/readers/{reader}/why").status == 403


def test_staff_name_an_article_by_words_of_its_title(
    world: World, in_trial: Subscriber, put: Put, staff: SignIn
) -> None:
    put("dam-1", "subscriber", title="The dam at Gariep is full")
    put("dam-2", "metered", title="A second dam")
    why = f"/staff/readers/{in_trial.reader_id}/why"
    support = staff("support")
    page = support.get(f"{why}?article=gariep+dam")
    assert "The dam at Gariep is full" in page.words
    assert "Yes" in page.words
    assert "your free trial is running" in page.words
    page = support.get(f"{why}?article=dam")
    assert "Which article?" in page.words
    assert "your free trial is running" not in page.words
    assert f'href="{why}?article=dam-1&amp;at="' in page.text
    assert f'href="{why}?article=dam-2&amp;at="' in page.text
    assert "A second dam" in support.get(f"{why}?article=dam-2").words
    for words in ("no such words", "da%", "%"):
        page = support.get(f"{why}?{urlencode({'article': words})}")
        assert page.status == 404, page.words
        assert "No registered article has this id, or these words in its title" in page.words
    with_index = whole_tables_read(world.services.database, lambda: support.get(f"{why}?article=gariep+dam"))
    assert with_index == []
