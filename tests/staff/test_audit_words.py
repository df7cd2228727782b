"""The audit is searched by the words that its page shows, also where an act's code has others."""

import pytest
import sqlalchemy as sa

from billing.platform.actors import Command
from billing.staff import audit
from billing.staff.audit import Sought
from tests.staff.test_request_work import ask, press
from tests.support.browser import Browser
from tests.support.plans import plans_of
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

NEW = "new@paper.example"


def reasons(world: World, words: str) -> set[str]:
    """The reasons of the lines with these words, of those that have one."""
    with world.services.database.transaction() as session:
        return {line.reason for line in audit.search(session, Sought(words=words), limit=100)} - {""}


def keep(world: World, act: str, reason: str) -> None:
    """A line of the audit."""
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        audit.write(ctx, act, reason=reason)


def shown(member: Browser, words: str) -> str:
    """The lines that the page finds, without its form."""
    page = member.get(f"/staff/audit?words={words}")
    assert page.status == 200
    return page.words.partition("Who read how much of readers")[2]


def test_acts_are_found_by_the_words_that_the_page_shows(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    request = ask(world)
    press(admin, request, "claim", holder="")
    admin.get("/staff/members")
    admin.post("/staff/members", email=NEW, role="finance", reason="starts on Monday")
    finance = staff("finance")
    finance.http.get("/staff/books/invoices.csv?month=2027-03").raise_for_status()
    found = shown(admin, "invite")
    assert "Invite a member of staff" in found
    assert "starts on Monday" in found
    assert "Take a request" in shown(admin, "take+request")
    assert "Take a request" in shown(admin, "CLAIM"), "the code counts as before"
    assert "Download the books" in shown(admin, "download+books")
    assert "starts on Monday" in shown(admin, "invite+monday"), "a word of the act and one of the reason"
    assert "No line fits" in shown(admin, "invite+tuesday")
    assert "Download the books" in shown(admin, "%22download+the+books%22")
    assert "No line fits" in shown(admin, "%22books+download%22")


def test_another_trial_is_found_by_the_words_of_its_act_alone(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    path, cancel = f"/v1/readers/{in_trial.reader_id}", f"/v1/subscriptions/{in_trial.subscription_id}/cancel"
    world.api.post(cancel, json={"when": "now", "reason": "moved"}).raise_for_status()
    world.api.post(f"{path}/trial-exceptions", json={"reason": "asked by phone"}).raise_for_status()
    world.api.post(f"{path}/notes", json={"words": "by a program"}).raise_for_status()
    found = shown(staff("finance"), "allow+trial")
    assert "asked by phone" in found
    assert "by a program" not in found
    assert "moved" not in found


def test_a_line_that_only_mentions_the_code_of_such_an_act_does_not_fit(world: World) -> None:
    keep(world, "note", "a claim request of the insurer, and a plan")
    keep(world, "claim_request", "the act")
    keep(world, "plan", "cheaper")
    assert reasons(world, "take request") == {"the act"}
    assert reasons(world, "change plan") == {"cheaper"}
    assert reasons(world, "claim request") == {"the act", "a claim request of the insurer, and a plan"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("take or cheaper", {"the act", "cheaper"}),
        ("request -take", {"of the insurer"}),
        ("-take -plan", {"of the insurer"}),
        ('"take a request" act', {"the act"}),
        ('"take request"', set()),
        ("…", set()),
    ],
)
def test_words_may_be_left_out_or_stand_for_each_other(world: World, words: str, found: set[str]) -> None:
    keep(world, "note_on_request", "of the insurer")
    keep(world, "claim_request", "the act")
    keep(world, "plan", "cheaper")
    assert reasons(world, words) == found


@pytest.mark.parametrize("words", ["take request", "monday", 'invite or "download the books" -monday'])
def test_words_are_found_by_their_index(world: World, words: str) -> None:
    with world.services.database.transaction() as session:
        session.execute(sa.text("SET LOCAL enable_indexscan = off"))  # as if there were many lines
        with plans_of(session, "audit_line") as plans:
            audit.search(session, Sought(words=words), limit=51)
    assert "Bitmap Index Scan on audit_line_words" in plans[0], plans
