"""Answers that are sent often: written on a page, filled in for a reader, and sent only once nothing is left open."""

import re

import httpx
import pytest

from billing.platform.actors import StaffActor
from billing.staff import canned_answers
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

READER = "thandi@example.com"
WORDS = "We charge {next charge} for {plan} on {next charge day}. Yours, {paper}"


def ask(world: World, email: str = READER) -> str:
    """A question; the address of its page."""
    browser = world.browser().again("/contact")
    browser.post("/contact", kind="other", email=email, words="When do you charge me?")
    (request,) = world.rows("SELECT id FROM reader_request WHERE email = :email", email=email)
    return f"/staff/requests/{request['id']}"


def write(member: Browser, title: str = "Next charge", words: str = WORDS) -> str:
    """Keep an answer; its id."""
    member.get("/staff/answers")
    page = member.post("/staff/answers", title=title, words=words)
    assert page.status == 200, page.words
    return str(re.findall(r"/staff/answers/(can_\w+)/remove", page.text)[-1])


def filled(member: Browser, page: str, answer_id: str, words: str) -> httpx.Request:
    """The answer's form as its second button sends it."""
    request = member.filled(f"{page}/answer", words=words, canned=answer_id)
    request.url = request.url.copy_with(path=f"{page}/fill")
    return request


def put_in(member: Browser, page: str, answer_id: str, words: str = "") -> tuple[int, str]:
    """Press the second button of the answer's form; the status, and what stands in the field then."""
    member.get(page)
    sent = member.http.send(filled(member, page, answer_id, words))
    return sent.status_code, sent.text.partition('<textarea id="words"')[2].partition(">")[2].partition("<")[
        0
    ]


def test_it_is_filled_in_for_the_reader_and_sent(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    member = staff("support")
    answer_id, page = write(member), ask(world)
    status, draft = put_in(member, page, answer_id, "Good morning,")
    said = "We charge R75.00 incl. VAT for Full access on Tuesday 16 March 2027. Yours, The Swartberg Post"
    assert (status, draft) == (200, f"Good morning,\n\n{said}")
    assert world.rows("SELECT 1 FROM request_message") == [], "nothing is sent yet"
    member.get(page)
    member.post(f"{page}/answer", words=draft)
    world.settle()
    assert said in " ".join(world.letter(READER, "Our answer").text.split())


def test_what_has_no_value_stays_open_and_is_not_sent(world: World, staff: SignIn) -> None:
    member = staff("finance")
    answer_id, page = write(member), ask(world, "nobody@example.com")
    _, draft = put_in(member, page, answer_id)
    assert draft.startswith("We charge {next charge} for {plan}")
    refused = member.again(page).post(f"{page}/answer", words=draft)
    assert (refused.status, "has no value for this reader" in refused.words) == (422, True)
    assert "We charge {next charge}" in refused.words, "what was typed is not lost"
    status, draft = put_in(member, page, "can_nothing", "Good morning,")
    assert (status, draft) == (422, "Good morning,")


def test_what_is_too_long_comes_back_to_be_shortened(world: World, staff: SignIn) -> None:
    """A browser's `maxlength` doesn't look at what "Put it in" put there, so such a draft reaches the server."""
    member = staff("support")
    answer_id, page = write(member, "Long", "We are sorry. " * 140), ask(world)
    long = ("We are sorry. " * 140).strip()
    greeting = "Good morning, and thank you for your patience with us. We have looked."
    status, draft = put_in(member, page, answer_id, greeting)
    assert (status, draft) == (422, f"{greeting}\n\n{long}")
    member.get(page)
    assert "Shorten this one by 31." in member.http.send(filled(member, page, answer_id, greeting)).text
    status, kept = put_in(member, page, answer_id, draft)
    assert (status, kept) == (422, draft), "nothing more is put below it"
    refused = member.again(page).post(f"{page}/answer", words=draft)
    assert (refused.status, "up to 2000 characters. Shorten this one by 31." in refused.words) == (422, True)
    assert draft in refused.text
    assert world.rows("SELECT 1 FROM request_message") == []
    member.again(page).post(f"{page}/answer", words=draft[32:])
    (sent,) = world.rows("SELECT words FROM request_message")
    assert sent["words"] == draft[32:]


@pytest.mark.parametrize(
    ("title", "words", "said"),
    [
        ("Price", "It is {amount}.", "There is no field {amount}."),
        ("Price", "It is {price.", "A brace stands alone."),
        (" ", "It is {price}.", "needs a title"),
        ("Price", " ", "Write a few words"),
        ("Price", "4242 4242 4242 4242", "like a card number"),
        ("NEXT charge", "Again.", "Another answer has this title"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_stays_in_the_form(
    title: str, words: str, said: str, world: World, staff: SignIn
) -> None:
    member = staff("support")
    write(member)
    member.get("/staff/answers")
    page = member.post("/staff/answers", title=title, words=words)
    assert (page.status in (409, 422), said in page.words) == (True, True)
    assert words.strip() in page.words
    assert len(world.rows("SELECT 1 FROM canned_answer")) == 1


def test_it_is_changed_and_removed_and_each_is_audited(world: World, staff: SignIn) -> None:
    member = staff("support")
    answer_id, page = write(member), ask(world)
    where = f"/staff/answers/{answer_id}"
    refused = member.again("/staff/answers").post(where, title="Next charge", words="{nothing}")
    assert (refused.status, "{nothing}" in refused.words) == (422, True)
    member.get("/staff/answers")
    member.post(where, title="Price", words="It is {price}.")
    assert "Price" in member.get(page).words
    member.get("/staff/answers")
    member.post(f"{where}/remove")
    assert "Put in an answer" not in member.get(page).words
    assert write(member, "Price"), "its title is free again"
    acts = world.rows(
        "SELECT act, before, after FROM audit_line WHERE subject = :id ORDER BY id", id=answer_id
    )
    assert [row["act"] for row in acts] == ["canned_answer", "canned_answer", "remove_answer"]
    assert acts[1]["before"] == {"title": "Next charge", "words": WORDS}


def test_a_removed_one_is_unknown(world: World, staff: SignIn) -> None:
    with world.services.database.begin(world.services.site, world.now, StaffActor("x@paper.example")) as ctx:
        row = canned_answers.save(ctx, None, "Price", "It is {price}.")
        canned_answers.remove(ctx, row.id)
        with pytest.raises(canned_answers.UnknownAnswer):
            canned_answers.save(ctx, row.id, "Price", "Another.")


def test_one_that_another_member_removes_meanwhile_is_not_changed(world: World) -> None:
    database, site, actor = world.services.database, world.services.site, StaffActor("x@paper.example")
    with database.begin(site, world.now, actor) as ctx:
        answer_id = canned_answers.save(ctx, None, "Price", "It is {price}.").id
    with database.begin(site, world.now, actor) as ctx:
        seen = canned_answers.one(ctx.session, answer_id)
        with database.begin(site, world.now, actor) as other:
            canned_answers.remove(other, answer_id)
        with pytest.raises(canned_answers.UnknownAnswer):
            canned_answers.save(ctx, seen.id, "Price", "Another.")
    assert world.rows("SELECT words FROM canned_answer") == [{"words": "It is {price}."}]
