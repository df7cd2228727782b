"""Readers' requests: stored with their time, shown with the rand at risk, answered once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def ask(browser: Browser, **fields: str) -> str:
    browser.get("/contact")
    return browser.post("/contact", **fields).words


def requests_of(world: World) -> list[dict[str, object]]:
    return world.rows("SELECT * FROM reader_request ORDER BY id")


def test_a_request_without_signing_in_tells_nobody_whether_the_address_is_known(
    world: World, in_trial: Subscriber
) -> None:
    known = ask(world.browser(), kind="other", email=READER.upper(), words="Where is my paper?")
    unknown = ask(world.browser(), kind="other", email="nobody@example.com", words="Where is my paper?")
    assert known == unknown
    second, first = sorted(requests_of(world), key=lambda row: str(row["email"]) != "nobody@example.com")
    assert str(first["reader_id"]).startswith("rdr_")
    assert second["reader_id"] is None
    assert (first["email_verified"], first["received_at"], first["words"]) == (
        False,
        world.now,
        "Where is my paper?",
    )


def test_a_signed_in_reader_asks_from_the_account(world: World) -> None:
    browser = in_trial_by_pages(world)
    assert "/contact" in browser.get("/account").text
    assert READER in browser.get("/contact").words
    browser.post("/contact", kind="wrong_charge", email="other@example.com", words="I paid twice?")
    request = requests_of(world)[0]
    assert (request["email"], request["email_verified"], request["kind"]) == (READER, True, "wrong_charge")


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_question_sent_twice_waits_once(world: World, in_trial: Subscriber, is_signed_in: bool) -> None:
    browser = signed_in(world, in_trial.email) if is_signed_in else world.browser()
    browser.get("/contact")
    asked = browser.filled("/contact", kind="other", email=READER, words="Where is my paper?")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: browser.http.send(asked).url.path, range(2)))
    assert all(path.startswith("/contact/sent/") for path in answers)
    assert len(requests_of(world)) == 1
    ask(browser, kind="other", email=READER, words="And where is yesterday's?")
    world.advance(hours=1)
    ask(browser, kind="other", email=READER, words="Where is my paper?")
    assert len(requests_of(world)) == 3, "other words, and the same an hour later"
    world.settle()
    assert world.subjects(READER).count("We have your message") == (3 if is_signed_in else 1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "other", "email": READER, "words": ""}, "Write a few words"),
        ({"kind": "other", "email": READER, "words": "my card 4242-4242-4242-4242"}, "like a card number"),
        ({"kind": "other", "email": "nonsense", "words": "hello"}, "look like an email address"),
        ({"kind": "love", "email": READER, "words": "hello"}, "Say what it is about"),
        ({"email": READER, "words": "hello"}, "Say what it is about"),
        ({"kind": "other", "email": READER, "words": "a\x00b"}, "can’t be read"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_stays_in_the_form(
    world: World, fields: dict[str, str], said: str
) -> None:
    browser = world.browser()
    assert said in ask(browser, **fields)
    assert browser.page.status == 422
    if "\x00" not in fields["words"]:
        assert fields["words"] in browser.page.text
    assert requests_of(world) == []


def test_robots_are_thanked_and_not_kept_and_the_eager_are_slowed(world: World) -> None:
    assert "We have it" in ask(world.browser(), kind="other", email=READER, words="Buy!", website="x.example")
    assert requests_of(world) == []
    browser = world.browser()
    for n in range(4):
        assert "We have it" in ask(browser, kind="other", email=READER, words=f"hello {n}")
    ask(browser, kind="other", email=READER, words="hello again")
    assert browser.page.status == 429
    assert len(requests_of(world)) == 4


def test_the_queue_is_oldest_first_with_the_rand_at_risk(
    world: World, notified: Subscriber, staff: SignIn
) -> None:
    ask(world.browser(), kind="cancel", email=READER, words="")
    world.advance_to(local(2027, 3, 25, 9))
    ask(world.browser(), kind="other", email="nobody@example.com", words="Do you deliver?")
    page = staff("support").get("/staff/requests")
    first, second = page.words.index(READER), page.words.index("nobody@example.com")
    assert first < second
    assert "R75.00 incl. VAT charged since" in page.words[first:second]
    assert "and R75.00 incl. VAT on Sat 24 Apr 2027" in page.words[first:second]
    assert "not a reader" in page.words[second:]
    assert "nothing" in page.words[second:]


def test_an_answer_goes_by_mail_and_closes_it_for_everybody(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    ask(world.browser(), kind="wrong_charge", email=READER, words="Did I pay twice?\nMy bank says so.")
    sipho, nandi = staff("support", "sipho@paper.example"), staff("support", "nandi@paper.example")
    where = f"/staff/requests/{requests_of(world)[0]['id']}"
    reader = f"/staff/readers/{requests_of(world)[0]['reader_id']}"
    nandi.get(where)
    assert "Did I pay twice?" in sipho.get(reader).words
    assert sipho.post(f"{where}/answer", words="  ").status == 422
    sipho.get(reader)
    page = sipho.post(f"{where}/answer", words="No, once.\n\nThe other line is a reservation.")
    assert (page.path, "Answered" in page.text) == (reader, True)
    late = nandi.post(f"{where}/answer", words="Let me look.")
    assert late.status == 409
    assert "staff:sipho@paper.example answered it" in late.words
    assert "Let me look." in late.words, "what was typed is not lost"
    world.settle()
    mail = world.letters(READER)[-1]
    assert mail.subject == "Our answer to what you asked"
    assert "Did I pay twice? My bank says so." in mail.text
    assert "No, once.\n\nThe other line is a reservation." in mail.text
    assert "No, once.<br><br>The other line" in mail.html
    row = requests_of(world)[0]
    assert (row["closed_by_id"], row["closed_at"]) == ("sipho@paper.example", world.now)
    assert sum("Our answer" in subject for subject in world.subjects(READER)) == 1
    assert "Nobody is waiting" in sipho.get("/staff/requests").words
    assert "answered by" in sipho.get(f"{reader}?only=requests").words


def test_somebody_unknown_is_answered_too(world: World, staff: SignIn) -> None:
    ask(world.browser(), kind="other", email="nobody@example.com", words="Do you deliver?")
    support = staff("support")
    support.get(f"/staff/requests/{requests_of(world)[0]['id']}")
    page = support.post(f"/staff/requests/{requests_of(world)[0]['id']}/answer", words="Online only.")
    assert page.path == "/staff/requests"
    world.settle()
    assert "Online only." in world.letters("nobody@example.com")[-1].text
