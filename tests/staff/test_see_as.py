"""Seeing an account as its reader does: for a reason, for a quarter of an hour, without doing anything there."""

import re

from tests.support.actors import BY
from tests.support.browser import Browser
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.table_contents import changed, contents
from tests.support.world import World


def page_of(paid: Subscriber) -> str:
    return f"/staff/readers/{paid.reader_id}/see"


def test_a_member_says_why_and_sees_what_the_reader_sees(
    world: World, paid: Subscriber, support: Browser
) -> None:
    page = page_of(paid)
    assert support.get(f"{page}/account").path == page, "a reason first"
    support.post(page, reason=" ")
    assert (support.page.status, world.rows("SELECT * FROM audit_line WHERE act = 'see_as'")) == (422, [])
    shown = support.post(page, reason="She sees no button to cancel")
    assert shown.path == f"{page}/account"
    line = world.rows(f"SELECT {BY}, reader_id, reason FROM audit_line WHERE act = 'see_as'")
    assert line == [
        {
            "by": "staff:support@paper.example",
            "reader_id": paid.reader_id,
            "reason": "She sees no button to cancel",
        }
    ]
    own = signed_in(world, paid.email).get("/account")
    shown = support.get(f"{page}/account")
    assert shown.words.partition("Test/1")[0] == own.words.partition("Test/1")[0]
    assert "Cancel my subscription" in shown.words
    assert f"You see this account as {paid.email} sees it." in shown.text
    assert "See an account as its reader sees it" in support.get(f"/staff/readers/{paid.reader_id}").words


def test_nothing_can_be_done_there(world: World, paid: Subscriber, support: Browser) -> None:
    page = page_of(paid)
    support.get(page)
    shown = support.post(page, reason="looks wrong")
    assert "form-action 'none'" in shown.response.headers["content-security-policy"]
    assert "script-src" not in shown.response.headers["content-security-policy"]
    assert re.findall(r'name="csrf" value="([^"]+)"', shown.text) == []
    assert "set-cookie" not in shown.response.headers
    before = contents(world)
    headers = {"origin": world.url, "sec-fetch-site": "same-origin"}
    actions = set(re.findall(r'<form method="post" action="([^"]+)"', shown.text))
    assert actions
    for action in actions:
        answer = support.http.post(action, data={"csrf": ""}, headers=headers, follow_redirects=False)
        assert answer.status_code in (303, 403), action
    assert support.get("/account").path == "/sign-in", "the reader isn't signed in by it"
    assert changed(before, contents(world)) == []


def test_it_ends_after_a_quarter_of_an_hour_and_is_this_members_alone(
    world: World, paid: Subscriber, staff: SignIn, support: Browser
) -> None:
    page = page_of(paid)
    support.get(page)
    support.post(page, reason="looks wrong")
    admin = staff("admin")
    assert admin.get(f"{page}/account").path == page
    world.advance(minutes=14)
    assert support.get(f"{page}/account").path == f"{page}/account"
    world.advance(minutes=2)
    assert support.get(f"{page}/account").path == page
    assert staff("finance").get(page).status == 403
