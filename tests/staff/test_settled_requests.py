"""Answered and closed requests are listed, and found again by their id: also a stranger's, who has no page."""

import html
import re

from tests.staff.test_request_work import READER, ask, press
from tests.support.browser import Browser
from tests.support.finding import search
from tests.support.signed_in import in_trial_by_pages
from tests.support.staff_members import SignIn
from tests.support.world import World

STRANGER = "nobody@example.com"
LIST = "/staff/requests?state=settled"


def test_each_stands_there_with_what_settled_it(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    nandi = staff("support", "nandi@paper.example")
    assert "None is answered or closed yet." in nandi.get(LIST).words
    first = ask(world, "Do you deliver?", "other", STRANGER)
    world.advance(minutes=1)
    second = ask(world, "Buy my socks!", "other", "socks@example.com")
    world.advance(minutes=1)
    third = ask(world, "Please stop.", "cancel", READER)
    assert "Do you deliver?" not in nandi.get(LIST).words, "it waits"
    press(nandi, first, "answer", words="Online only.")
    press(nandi, second, "close", reason="Spam")
    (reader,) = world.rows("SELECT reader_id FROM reader_request WHERE reader_id IS NOT NULL")
    act = f"/staff/readers/{reader['reader_id']}/cancel"
    nandi.get(act)
    nandi.post(act, when="period_end", step="confirm", reason="asked by the form")

    page = nandi.get(LIST)
    places = [page.text.index(request) for request in (third, second, first)]
    assert places == sorted(places), "the newest first"
    by = "staff:nandi@paper.example"
    assert f"{by} answered it, Mon 1 Mar 2027" in page.words
    assert "Online only." in page.words
    assert f"{by} closed it without a mail, Mon 1 Mar 2027" in page.words
    assert "Spam" in page.words
    assert f"{by} closed it, Mon 1 Mar 2027" in page.words
    assert "the mail that confirms it is the answer" in page.words
    to_cancel = nandi.get(f"{LIST}&kind=cancel").words
    assert ("Please stop." in to_cancel, "Buy my socks!" in to_cancel) == (True, False)
    assert "None of these is answered or closed." in nandi.get(f"{LIST}&kind=access").words
    assert 'href="/staff/requests?state=settled"' in nandi.get("/staff/requests").text


def test_longer_lists_are_paged(world: World, support: Browser) -> None:
    with world.services.database.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO reader_request (id, kind, received_at, email, email_verified, words, ip, device, closed_at,"
            " closed_by_kind, closed_by_id, closing_act) SELECT 'req_' || n, 'other', now(), 'x@example.com', false,"
            " 'question ' || n, '', '', now(), 'staff', 'nandi@paper.example', 'Spam' FROM generate_series(10, 69) n"
        )
    first = support.get(f"{LIST}&kind=other")
    assert ("question 20" in first.words, "question 19" in first.words) == (True, False)
    (more,) = re.findall(r'href="([^"]*after=[^"]*)"', first.text)
    second = support.get(html.unescape(more))
    assert ("question 20" in second.words, "question 19" in second.words) == (False, True)
    assert "after=" not in second.text
    assert "question 69" in support.get(f"{LIST}&after=x").words, "a made-up place is the first page"


def test_the_search_finds_one_by_its_id(world: World, staff: SignIn) -> None:
    in_trial_by_pages(world)
    support = staff("support")
    strangers, readers = ask(world, "Do you deliver?", "other", STRANGER), ask(world)
    press(support, strangers, "answer", words="Online only.")
    for request in (strangers, readers):
        request_id = request.rpartition("/")[2]
        assert search(support, f" {request_id} ").path == request
        assert request_id in support.page.words, "members tell it to each other"
        typed = support.get(f"/staff/find/rows?q={request_id}")
        assert (typed.path, f'href="{request}"' in typed.text) == ("/staff/find/rows", True)
    lines = world.rows("SELECT after FROM audit_line WHERE act = 'find' ORDER BY id")
    assert [line["after"].get("request") for line in lines[:1]] == [strangers.rpartition("/")[2]]
    assert STRANGER not in str(lines)
    assert "Nobody fits" in search(support, "req_unknown").words
