"""Policies of sections for articles without their own, and windows in which everyone may read."""

from datetime import timedelta

from billing.access.policies import NO_TERMS
from billing.dev import seed
from billing.dev.paper.sample_articles import sample_articles
from billing.platform.actors import WORKER
from tests.support.articles import Put
from tests.support.staff_members import SignIn
from tests.support.world import World, local


def reason(world: World, article: str) -> str:
    return str(world.browser().http.get(f"/v1/access/{article}").json()["reason"])


def test_a_section_speaks_for_articles_that_say_nothing_and_nobody_means_subscribers(
    world: World, put: Put
) -> None:
    quiet, own = put("quiet"), put("own", "free")
    assert reason(world, quiet) == "subscribe", "what is forgotten stays closed"
    world.api.put("/v1/sections/Town", json={"access": "registered"}).raise_for_status()
    assert (reason(world, quiet), reason(world, own)) == ("register", "free")
    shape = world.api.get(f"/v1/articles/{quiet}").json()
    assert (shape["access"], shape["access_from"]) == ("registered", "section")
    listed = world.api.get("/v1/sections").json()["data"]
    assert {"section": "Town", "access": "registered", "free_hours": None, "open_after_days": None} in listed
    assert world.api.delete("/v1/sections/Town").status_code == 204
    assert reason(world, quiet) == "subscribe"
    acts = world.rows(
        "SELECT subject, before, after FROM audit_line WHERE act = 'section_policy' ORDER BY id"
    )
    assert [(row["before"]["access"], row["after"]["access"]) for row in acts] == [
        ("nothing said", "registered"),
        ("registered", "nothing said"),
    ]
    bad = world.api.put("/v1/articles/bad", json={"title": "x", "url": "https://news.example", "section": "Town",
        "published_at": "2027-03-01T00:00:00Z", "free_hours": 2})  # fmt: skip
    assert (bad.status_code, bad.json()["code"]) == (422, "window_without_level")
    assert world.api.put("/v1/sections/Town", json={}).status_code == 422


def test_windows_open_and_close_by_the_clock_alone(world: World, put: Put) -> None:
    news = put("news", "subscriber", free_hours=48, open_after_days=30)
    world.api.put("/v1/sections/Nature", json={"access": "metered", "free_hours": 1}).raise_for_status()
    birds = put("birds", section="Nature")
    until = world.api.get(f"/v1/access/{news}").json()["until"]
    assert until == "2027-03-03T08:00:00Z"
    seen = []
    for at in (
        world.now,
        world.now + timedelta(hours=1),
        local(2027, 3, 3, 9, 59, 59),
        local(2027, 3, 3, 10),
        local(2027, 3, 30, 23, 59, 59),
        local(2027, 3, 31),
    ):
        world.advance_to(at)
        seen.append((reason(world, news), reason(world, birds)))
    assert seen == [
        ("free", "free"),
        ("free", "meter"),
        ("free", "meter"),
        ("subscribe", "meter"),
        ("subscribe", "meter"),
        ("free", "meter"),
    ]


def test_the_sample_paper_uses_them(world: World) -> None:
    browser = world.browser()
    assert (
        "Free for everyone from Thursday 18 November 2027"
        in browser.get("/articles/who-leases-the-wind").words
    )
    fresh = "/articles/snow-closes-the-pass"
    assert "Free for everyone until Tuesday 2 March 2027 at 10:00" in browser.get(fresh).words
    world.advance(days=1)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        seed.articles(ctx)
    assert "The rest is for subscribers" in browser.get(fresh).words, (
        "a second start of the demo doesn't publish it anew"
    )
    samples = sample_articles()
    assert {sample.teaser.access for sample in samples} == {"free", "registered", "metered", "subscriber"}
    assert any(sample.terms == NO_TERMS for sample in samples)
    assert any(sample.opened for sample in samples)
    assert any(sample.teaser.audio for sample in samples)
    seed_plans(world)
    reader = world.start_trial("thandi@example.com")["reader"]["id"]
    features = world.access("the-water-nobody-counted", reader)["features"]
    assert features == ["listen", "newsletter:from-the-newsroom", "read"]
    school = world.api.get("/v1/articles/the-school-on-platform-two").json()
    assert (school["access"], school["access_from"]) == ("registered", "section")


def seed_plans(world: World) -> None:
    """As the demo does, at every start."""
    for _ in range(2):
        with world.services.database.transaction() as session:
            seed.newsletters_of_plans(session)


def test_an_editor_says_it_on_a_page(world: World, put: Put, staff: SignIn) -> None:
    quiet, editor = put("quiet", section="Weather"), staff("editor")
    editor.get("/staff/articles")

    def change(**typed: str) -> str:
        return editor.post(
            "/staff/articles/sections", **{"section": "Weather", "reason": "Storms", **typed}
        ).words

    assert "whole numbers" in change(access="metered", free_hours="x")
    assert editor.page.status == 422
    assert all(f'value="{typed}"' in editor.page.text for typed in ("x", "Storms")), "what was typed is kept"
    assert '<option value="metered" selected>' in editor.page.text
    assert "Free for 1 to 8784 hours" in change(access="metered", free_hours="9999")
    assert "Say why; the reason is kept" in change(access="free", open_after_days="17", reason=" ")
    assert (editor.page.status, 'value="17"' in editor.page.text) == (422, True)
    change(section="Nowhere", access="free")
    assert editor.page.status == 404
    assert reason(world, quiet) == "subscribe", "nothing has changed"
    editor.get("/staff/articles")
    change(access="registered", free_hours="2", reason=" Storms,\nby 4242 4242 4242 4242 ")
    assert editor.page.status == 200
    (line,) = world.rows(
        "SELECT subject, reason, before, after, actor_id FROM audit_line WHERE act = 'section_policy' AND outcome = 'done'"
    )
    assert line == {
        "subject": "section Weather",
        "reason": "Storms, by [number removed]",
        "before": {"access": "nothing said", "free_hours": None, "open_after_days": None},
        "after": {"access": "registered", "free_hours": 2, "open_after_days": None},
        "actor_id": "editor@paper.example",
    }
    assert reason(world, quiet) == "free"
    world.advance(hours=2)
    assert reason(world, quiet) == "register"
