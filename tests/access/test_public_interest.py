"""Public windows: an editor opens an article, a section or the site to everyone, until it closes."""

from datetime import date
from urllib.parse import quote

import psycopg
import pytest

from billing.access import visitors
from billing.access.check import AccessRequest, check
from billing.access.entitlements import ANONYMOUS
from billing.access.visitors import FirstReading
from billing.app import build
from billing.platform.actors import WORKER
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import Reason
from tests.support.actors import BY
from tests.support.articles import Put
from tests.support.cancel_helpers import damaged
from tests.support.meter import counted
from tests.support.staff_members import SignIn
from tests.support.world import ZONE, World, local


def reasons(world: World, *articles: str) -> list[str]:
    return [world.browser().http.get(f"/v1/access/{article}").json()["reason"] for article in articles]


def test_an_article_a_section_the_site_each_until_its_time(world: World, put: Put) -> None:
    one, two, far = put("one", "subscriber"), put("two", "metered"), put("far", "subscriber", section="Sport")

    def open_until(hour: int, **what: object) -> str:
        body = {"until": local(2027, 3, 1, hour).isoformat(), "reason": "flood", **what}
        answer = world.api.post("/v1/openings", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    assert reasons(world, one, two, far) == ["subscribe", "meter", "subscribe"]
    before = counted(world)
    open_until(12, article=one)
    open_until(13, section="Town")
    whole = open_until(15, site=True)
    assert reasons(world, one, two, far) == ["open", "open", "open"]
    assert counted(world) == before, "meters do not count meanwhile"
    shape = world.api.get(f"/v1/articles/{one}").json()
    assert (shape["open_until"], shape["open_reason"]) == ("2027-03-01T13:00:00Z", "flood")
    assert world.api.get(f"/v1/access/{one}").json()["until"] == "2027-03-01T13:00:00Z"
    assert len(world.api.get("/v1/openings").json()["data"]) == 3
    assert world.api.delete(f"/v1/openings/{whole}").json()["closed_at"] == "2027-03-01T08:00:00Z"
    assert world.api.delete(f"/v1/openings/{whole}").json()["code"] == "is_closed"
    assert reasons(world, one, two, far) == ["open", "open", "subscribe"]
    assert world.api.post(f"/v1/articles/{one}/close").json()["open_until"] == "2027-03-01T11:00:00Z", (
        "its section's"
    )
    world.advance_to(local(2027, 3, 1, 12, 59, 59))
    assert reasons(world, one, two) == ["open", "open"]
    world.advance_to(local(2027, 3, 1, 13))
    assert reasons(world, one, two) == ["subscribe", "meter"], "it closed by itself"
    for wrong in ({}, {"article": one, "site": True}, {"section": "Nowhere"}, {"article": "nothing"}):
        body = {"until": "2027-03-02T08:00:00Z", "reason": "x", **wrong}
        assert world.api.post("/v1/openings", json=body).status_code in (404, 422)


def test_an_editor_opens_and_closes_on_a_page_and_it_is_audited(
    world: World, put: Put, staff: SignIn
) -> None:
    article, editor = put("dam", "subscriber"), staff("editor")
    editor.get("/staff/articles")
    editor.post("/staff/articles", what=f"article:{article}", until="2027-02-01T10:00", reason="flood")
    assert (editor.page.status, "still to come" in editor.page.words) == (422, True)
    assert 'value="flood"' in editor.page.text, "what was typed is kept"
    editor.post("/staff/articles", what="everything", until="2027-03-01T12:00", reason="flood")
    assert (editor.page.status, "Choose what" in editor.page.words) == (422, True)
    editor.post("/staff/articles", what=f"article:{article}", until="2027-03-01T12:00", reason=" ")
    assert (editor.page.status, "Say why" in editor.page.words) == (422, True)
    editor.post(
        "/staff/articles", what=f"article:{article}", until="2027-03-01T12:00", reason="The dam is full."
    )
    assert "About the dam" in editor.page.words
    assert reasons(world, article) == ["open"]
    opening = world.rows("SELECT id FROM public_window")[0]["id"]
    editor.post(f"/staff/articles/openings/{opening}/close")
    assert "closed by staff:editor@paper.example" in editor.page.words
    assert reasons(world, article) == ["subscribe"]
    lines = world.rows(
        f"SELECT act, {BY}, subject, reason FROM audit_line WHERE act LIKE '%to_all' ORDER BY id"
    )
    assert [(row["act"], row["reason"]) for row in lines] == [
        ("open_to_all", "The dam is full."),
        ("close_to_all", ""),
    ]
    assert {(row["by"], row["subject"]) for row in lines} == {("staff:editor@paper.example", "article dam")}


def test_another_process_follows_at_once_and_whoever_listens_is_told_after_the_commit(
    world: World, put: Put
) -> None:
    article, other = put("dam", "subscriber"), build(world.settings)
    listener = psycopg.connect(world.url_of_database, autocommit=True)
    try:
        listener.execute("LISTEN access")
        asking = AccessRequest(ANONYMOUS)
        body = {"until": "2027-03-02T08:00:00Z", "reason": "flood"}
        world.api.post(f"/v1/articles/{article}/open", json=body).raise_for_status()
        with other.database.begin(other.site, world.now, WORKER) as ctx:
            checked = check(ctx, other.limits, article, asking)
        assert checked.decision.reason is Reason.OPEN
        world.api.put("/v1/sections/Town", json={"access": "free"}).raise_for_status()
        put("dam", "metered")
        world.api.delete(f"/v1/articles/{article}").raise_for_status()
        notices = [notice.payload for notice in listener.notifies(timeout=5, stop_after=4)]
        changed = [payload.replace("\x1f", " ") for payload in notices]
        assert changed == ["public_window dam", "section_policy Town", "article dam", "article dam"]
    finally:
        listener.close()
        other.database.close()


def test_the_reason_is_for_readers_to_see(world: World) -> None:
    article = world.articles["subscriber"][0]
    body = {"until": "2027-03-02T08:00:00Z", "reason": "The dam wall is being watched."}
    world.api.post(f"/v1/articles/{article}/open", json=body).raise_for_status()
    browser = world.browser()
    assert (
        "Open to everyone, in the public interest. The dam wall is being watched."
        in browser.get(f"/articles/{article}").words
    )
    assert '"isAccessibleForFree":true' in browser.page.text
    assert "Open to everyone" in browser.get("/articles").words


@pytest.mark.parametrize("article", [None, "bridge", "x" * 200, "ｘ." * 100, "\U0001f4f0" * 200])
def test_a_visitors_token_is_ours_or_nobodys(article: str | None) -> None:
    site = Site(ZONE, "http://127.0.0.1", Tokens("a secret of enough length for a test 0123456789"))
    first = FirstReading(date(2027, 3, 1), article) if article is not None else None
    visitor = visitors.new()._replace(first=first)
    token = visitors.token(site, visitor)
    assert len(token) <= visitors.LONGEST_TOKEN
    assert quote(token, safe="") == token, "it goes into cookies and addresses as it is"
    assert visitors.by_token(site, token) == visitor._replace(is_new=False)
    for forged in ("", "x", "vis_a.b", "rdr_1.", "é", damaged(token), token[1:]):
        assert visitors.by_token(site, forged) is None
    assert visitors.by_token(site, site.tokens.token("gift", "gft_1")) is None, "one made for something else"
