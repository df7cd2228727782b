"""Members divide requests: take one, take it over, let it go, sort it, note something, close it without a mail."""

import html
import re
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.staff import request_work
from tests.support.browser import Answer, Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World

READER = "thandi@example.com"
NANDI, SIPHO = "nandi@paper.example", "sipho@paper.example"


def ask(
    world: World, words: str = "Did I pay twice?", kind: str = "wrong_charge", email: str = READER
) -> str:
    """Somebody's request; the address of its page."""
    browser = world.browser().again("/contact")
    browser.post("/contact", kind=kind, email=email, words=words)
    (request,) = world.rows("SELECT id FROM reader_request WHERE words = :words", words=words)
    return f"/staff/requests/{request['id']}"


def press(member: Browser, page: str, act: str, **fields: str) -> Answer:
    """Send the form from the page as it stands now, also where the page shows it no more."""
    token = re.findall(r'name="csrf" value="([^"]+)"', member.get(page).text)[0]
    sent = member.http.post(
        f"{page}/{act}", data={"csrf": token, **fields}, headers={"sec-fetch-site": "same-origin"}
    )
    return Answer(sent)


def member_id(world: World, email: str) -> str:
    return str(world.rows("SELECT id FROM staff_member WHERE email = :email", email=email)[0]["id"])


def steps(world: World) -> list[tuple[Any, ...]]:
    rows = world.rows("SELECT kind, actor_id, words FROM request_step ORDER BY id")
    return [(row["kind"], row["actor_id"], row["words"]) for row in rows]


def audited(world: World, act: str) -> list[dict[str, Any]]:
    return world.rows("SELECT actor_kind, reason, before, after FROM audit_line WHERE act = :act", act=act)


def test_a_member_takes_a_request_and_another_takes_it_over(world: World, staff: SignIn) -> None:
    page = ask(world)
    world.advance(hours=3)
    nandi, sipho = staff("support", NANDI), staff("finance", SIPHO)
    assert "Waits for 3 hours. Nobody has taken it." in nandi.get(page).words
    assert "You have it" in press(nandi, page, "claim", holder="").words
    assert f"{NANDI} has it" in sipho.get(page).words
    assert f"{NANDI} has it" in sipho.get("/staff/requests").words
    assert "None of these is waiting" in sipho.get("/staff/requests?whose=nobody").words
    assert "Did I pay twice?" in nandi.get("/staff/requests?whose=mine").words
    taken = press(sipho, page, "claim", holder=member_id(world, NANDI))
    assert "You have it" in taken.words
    assert f"staff:{SIPHO} took it over {NANDI}" in taken.words
    assert press(nandi, page, "release").status == 409, "it isn't hers any more"
    assert "Nobody has taken it." in press(sipho, page, "release").words
    assert steps(world) == [("claimed", NANDI, ""), ("taken_over", SIPHO, NANDI), ("released", SIPHO, "")]
    assert len(audited(world, "claim_request")) == 2


def test_of_two_who_take_it_at_once_one_has_it(world: World, staff: SignIn) -> None:
    """Both saw that nobody had it. The second reads who was first, and takes nothing over by accident."""
    page = ask(world)
    nandi, sipho = staff("support", NANDI), staff("support", SIPHO)
    nandi.get(page)
    sipho.get(page)
    assert nandi.post(f"{page}/claim", holder="").status == 200
    late = sipho.post(f"{page}/claim", holder="")
    assert (late.status, f"{NANDI} has taken it since you looked." in late.words) == (409, True)
    assert press(nandi, page, "claim", holder="").status == 200, "pressed twice it is still hers"
    assert [step[0] for step in steps(world)] == ["claimed"]


def test_taking_a_request_waits_for_whoever_takes_it_now(world: World, staff: SignIn) -> None:
    request_id = ask(world).rpartition("/")[2]
    staff("support", NANDI)
    staff("support", SIPHO)
    database, site = world.services.database, world.services.site
    nandi, sipho = (StaffActor(email, member_id(world, email)) for email in (NANDI, SIPHO))
    with database.begin(site, world.now, nandi) as ctx:
        request_work.claim(ctx, request_id, holder="")
        with database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            late = TransactionContext(other, site, world.now, sipho)
            with pytest.raises(OperationalError, match="lock timeout"):
                request_work.claim(late, request_id, holder="")
    with database.begin(site, world.now, sipho) as ctx, pytest.raises(request_work.ClaimedMeanwhile):
        request_work.claim(ctx, request_id, holder="")


def test_whoever_answers_keeps_it_when_the_reader_replies(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    reader.again("/contact").post("/contact", kind="other", words="Hello?")
    page = f"/staff/requests/{world.rows('SELECT id FROM reader_request')[0]['id']}"
    nandi = staff("support", NANDI)
    press(nandi, page, "claim", holder="")
    press(nandi, page, "answer", words="Good morning.")
    assert press(staff("support", SIPHO), page, "claim", holder=member_id(world, NANDI)).status == 409
    thread = page.replace("/staff", "/account")
    reader.get(thread)
    reader.post(thread, words="And good night.")
    assert "Hello?" in nandi.get("/staff/requests?whose=mine").words


def test_members_say_what_a_request_is_about(world: World, staff: SignIn) -> None:
    page = ask(world, "It asks me to subscribe.", "other")
    nandi = staff("support")
    shown = press(nandi, page, "kind", kind="access")
    assert "Can’t sign in or read" in shown.words
    assert "It asks me to subscribe." in nandi.get("/staff/requests?kind=access").words
    assert "None of these" in nandi.get("/staff/requests?kind=other").words
    for kind in ("cancel", "withdraw", "nonsense", ""):
        assert press(nandi, page, "kind", kind=kind).status == 409
    (line,) = audited(world, "sort_request")
    assert (line["before"], line["after"]) == ({"kind": "other"}, {"kind": "access"})


def test_a_request_to_cancel_stays_one_and_is_owed_a_word(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    page = ask(world, "Please stop.", "cancel")
    nandi = staff("support")
    shown = nandi.get(page)
    assert "Close without a mail" not in shown.words
    assert "What it is about" not in shown.words
    assert press(nandi, page, "kind", kind="other").status == 409
    refused = press(nandi, page, "close", reason="Spam")
    assert (refused.status, "owed a word" in refused.words) == (409, True)
    assert world.rows("SELECT kind, closed_at FROM reader_request") == [{"kind": "cancel", "closed_at": None}]


def test_notes_are_for_members_alone(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    reader.again("/contact").post("/contact", kind="other", words="Hello?")
    page = f"/staff/requests/{world.rows('SELECT id FROM reader_request')[0]['id']}"
    nandi = staff("support", NANDI)
    world.settle()
    mails = len(world.letters(READER))
    for _ in range(2):  # a double click
        shown = press(nandi, page, "note", words="Called her.\nShe calls back.")
    assert f"staff:{NANDI} wrote a note Called her. She calls back." in shown.words
    assert "She calls back" not in reader.get(page.replace("/staff", "/account")).words
    world.settle()
    assert len(world.letters(READER)) == mails
    assert [step[0] for step in steps(world)] == ["note"]
    for words, said in ((" ", "Write a few words"), ("4242 4242 4242 4242", "like a card number")):
        refused = press(nandi, page, "note", words=words)
        assert (refused.status, said in refused.words) == (422, True)
    assert "4242 4242" in refused.text, "what was typed is not lost"
    assert "What was charged since" not in shown.words


def test_no_form_of_a_request_keeps_what_cannot_be_read(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    signed_in(world, READER).again("/contact").post("/contact", kind="other", words="Hello?")
    page = f"/staff/requests/{world.rows('SELECT id FROM reader_request')[0]['id']}"
    member = staff("support", NANDI)
    for form, field in (("answer", "words"), ("note", "words"), ("close", "reason")):
        refused = press(member, page, form, **{field: "A \x00 here"})
        assert (refused.status, "can’t be read" in refused.words) == (422, True), form
    assert steps(world) == []


def test_what_needs_no_answer_is_closed_without_a_mail_and_opens_again(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    reader.again("/contact").post("/contact", kind="other", words="Thank you!")
    page = f"/staff/requests/{world.rows('SELECT id FROM reader_request')[0]['id']}"
    nandi = staff("support", NANDI)
    world.settle()
    mails = len(world.letters(READER))
    assert press(nandi, page, "close", reason=" ").status == 422
    shown = press(nandi, page, "close", reason="She says thank you")
    assert f"staff:{NANDI} closed it without a mail She says thank you" in shown.words
    assert "Nobody is waiting" in nandi.get("/staff/requests").words
    world.settle()
    assert len(world.letters(READER)) == mails
    late = press(staff("support", SIPHO), page, "answer", words="You are welcome.")
    assert (late.status, "closed it without a mail: “She says thank you”" in late.words) == (409, True)
    assert press(nandi, page, "close", reason="Twice").status == 409
    thread = page.replace("/staff", "/account")
    reader.get(thread)
    reader.post(thread, words="One more thing.")
    assert "Thank you!" in nandi.get("/staff/requests").words
    (line,) = audited(world, "close_request")
    assert line["reason"] == "She says thank you"


def test_readers_choose_what_it_is_about(world: World) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    reader.get("/contact")
    reader.post("/contact", kind="newsletter", words="It comes twice.")
    assert world.rows("SELECT kind FROM reader_request") == [{"kind": "newsletter"}]
    assert "A newsletter" in reader.get("/account/requests").words


def test_longer_lists_are_paged_and_a_made_up_place_is_the_first_page(world: World, staff: SignIn) -> None:
    with world.services.database.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO reader_request (id, kind, received_at, email, email_verified, words, ip, device, waits_since)"
            " SELECT 'req_' || n, 'other', now(), 'x@example.com', false, 'question ' || n, '', '',"
            " timestamptz '2027-02-01' + n / 2 * interval '1 minute' FROM generate_series(10, 69) n"
        )
    nandi = staff("support")
    first = nandi.get("/staff/requests")
    assert ("question 59" in first.words, "question 60" in first.words) == (True, False)
    (more,) = re.findall(r'href="([^"]*after=[^"]*)"', first.text)
    second = nandi.get(html.unescape(more))
    assert ("question 59" in second.words, "question 60" in second.words) == (False, True)
    for made_up in ("x", "2027-02-01~req_1", "~", "2027-02-01T00:00:00~req_1"):
        assert "question 10" in nandi.get(f"/staff/requests?after={made_up}").words


@pytest.mark.parametrize("statement", ["UPDATE request_step SET words = 'x'", "DELETE FROM request_step"])
def test_the_history_is_never_rewritten(world: World, staff: SignIn, statement: str) -> None:
    press(staff("support"), ask(world), "note", words="So it was.")
    with pytest.raises(IntegrityError, match="append-only"):
        world.execute(statement)
