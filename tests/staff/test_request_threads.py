"""A request is a thread: staff answer, its reader replies on the account's pages, and it waits for staff again."""

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from billing.platform.actors import ReaderActor, StaffActor
from billing.platform.context import TransactionContext
from billing.staff import answer_requests, requests
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World

READER = "thandi@example.com"


def asked(world: World, words: str = "Did I pay twice?", kind: str = "wrong_charge") -> tuple[Browser, str]:
    """The signed-in browser of a reader in trial who has asked; the path of the thread."""
    in_trial_by_pages(world)
    browser = signed_in(world, READER)
    browser.get("/contact")
    browser.post("/contact", kind=kind, words=words)
    (request,) = world.rows("SELECT id FROM reader_request")
    return browser, f"/account/requests/{request['id']}"


def answer(member: Browser, thread: str, words: str) -> int:
    where = thread.replace("/account", "/staff")
    member.get(where)
    return member.post(f"{where}/answer", words=words).status


def waits(world: World) -> bool:
    (row,) = world.rows("SELECT waits_since FROM reader_request")
    return row["waits_since"] is not None


def test_the_thread_goes_back_and_forth(world: World, staff: SignIn) -> None:
    reader, thread = asked(world)
    assert "We have what you wrote on Monday 1 March 2027 at 10:00" in reader.get("/account").words
    assert "waits since Mon 1 Mar 2027, 10:00" in reader.get("/account/requests").words
    sipho = staff("support", "sipho@paper.example")
    answer(sipho, thread, "No, once.")
    assert not waits(world)
    assert "is answered." in reader.get("/account").words
    assert "answered Mon 1 Mar 2027, 10:00" in reader.get("/account/requests").words
    world.settle()
    mail = world.letter(READER, "Our answer")
    assert mail.header("reply-to") is None, "replies go to the sender, where no domain takes them"
    (link,) = [link for link in mail.links if "/account/requests/" in link]
    assert "Answer on this page" in " ".join(mail.text.split())
    page = world.browser().get(link)
    assert page.path == "/sign-in"

    world.advance(minutes=5)
    reader.get(thread)
    page = reader.post(thread, words="It is still there.")
    assert (page.path, "We have your reply." in page.text) == (thread, True)
    order = [page.words.index(words) for words in ("Did I pay twice?", "No, once.", "It is still there.")]
    assert order == sorted(order)
    assert "sipho" not in page.text, "a member's name is staff's own"
    assert waits(world)
    listed = sipho.get("/staff/requests").words
    assert "replied Mon 1 Mar 2027, 10:05" in listed
    assert "It is still there." in sipho.get(thread.replace("/account", "/staff")).words

    assert answer(sipho, thread, "It goes away on Friday.") == 200
    world.settle()
    assert "It is still there." in world.letter(READER, "Our answer").text
    assert world.mail_kinds(READER).count("request_answered") == 2
    facts = sipho.get(f"/staff/readers/{reader_of(world)}?only=requests").text
    assert "It goes away on Friday." in facts
    assert "Nobody is waiting" in sipho.get("/staff/requests").words


def reader_of(world: World) -> str:
    return str(world.rows("SELECT reader_id FROM reader_request")[0]["reader_id"])


def test_the_longest_wait_comes_first(world: World, staff: SignIn) -> None:
    reader, thread = asked(world)
    member = staff("support")
    answer(member, thread, "No, once.")
    world.advance(minutes=5)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="other", email="nobody@example.com", words="Do you deliver?")
    world.advance(minutes=5)
    reader.get(thread)
    reader.post(thread, words="Thanks, and the other one?")
    words = member.get("/staff/requests").words
    assert words.index("Do you deliver?") < words.index("Did I pay twice?")


def test_a_reply_does_not_undo_what_settled_a_request_to_cancel(world: World) -> None:
    """Its effect was a cancellation. What is said about it afterwards holds no charge and cancels nothing."""
    reader, thread = asked(world, "", "cancel")
    assert "What you asked for is settled" in reader.get(thread).words
    (before,) = world.rows("SELECT closed_at, closing_act, kind FROM reader_request")
    world.advance(minutes=1)
    reader.post(thread, words="Thank you.")
    assert waits(world)
    assert world.rows("SELECT closed_at, closing_act, kind FROM reader_request") == [before]


def test_a_reply_to_an_open_request_outlives_the_act_that_closes_it(world: World) -> None:
    in_trial_by_pages(world)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="cancel", email=READER, words="")
    (request,) = world.rows("SELECT id FROM reader_request")
    reader, thread = signed_in(world, READER), f"/account/requests/{request['id']}"
    assert "By the form, with your address" in reader.get(thread).words
    reader.post(thread, words="That was me. And where is my mug?")
    reader.get("/account/cancel")
    reader.post("/account/cancel")
    (row,) = world.rows("SELECT closed_at, waits_since FROM reader_request")
    assert (row["closed_at"], row["waits_since"]) == (world.now, world.now), "the mug is still asked for"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (" ", "Write a few words"),
        ("4242 4242 4242 4242", "like a card number"),
        ("a\0b", "can’t be read"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_stays_in_the_form(world: World, words: str, said: str) -> None:
    reader, thread = asked(world)
    reader.get(thread)
    page = reader.post(thread, words=words)
    assert (page.status, page.path) == (422, thread)
    assert said in page.words
    assert world.rows("SELECT 1 FROM request_message") == []


def test_replies_count_as_requests_and_the_same_words_twice_as_one(world: World) -> None:
    reader, thread = asked(world)
    for words in ("One.", "One.", "Two.", "Three."):
        reader.get(thread)
        assert reader.post(thread, words=words).status == 200
    reader.get(thread)
    assert reader.post(thread, words="Four.").status == 429
    rows = world.rows("SELECT words FROM request_message ORDER BY id")
    assert [row["words"] for row in rows] == ["One.", "Two.", "Three."]


def test_a_browser_whose_address_is_not_proved_reads_no_thread(world: World) -> None:
    """A trial can be started with another person's address, who then writes to us by the form."""
    by_start = in_trial_by_pages(world)
    owner = world.browser()
    owner.get("/contact")
    owner.post("/contact", kind="other", email=READER, words="A secret.")
    (request,) = world.rows("SELECT id FROM reader_request")
    for path in ("/account/requests", f"/account/requests/{request['id']}"):
        assert by_start.get(path).path == "/sign-in"
    assert "A secret." not in by_start.get("/account").text


def test_a_reply_and_an_answer_at_once_are_both_kept(world: World) -> None:
    """One waits for the other. The request waits for staff if the reply comes last."""
    _, thread = asked(world)
    request_id, reader_id = thread.rpartition("/")[2], reader_of(world)
    database, site = world.services.database, world.services.site
    member, person = StaffActor("sipho@paper.example"), ReaderActor(reader_id)

    with database.begin(site, world.now, member) as ctx:
        answer_requests.answer(ctx, request_id, "No, once.")
        with database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            late = TransactionContext(other, site, world.now, person)
            with pytest.raises(OperationalError, match="lock timeout"):
                requests.reply(late, reader_id, request_id, "It is gone.")
    with database.begin(site, world.now, person) as ctx:
        requests.reply(ctx, reader_id, request_id, "It is gone.")
    assert waits(world)

    with database.begin(site, world.now, person) as ctx:
        requests.reply(ctx, reader_id, request_id, "No, there.")
        with database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            late = TransactionContext(other, site, world.now, member)
            with pytest.raises(OperationalError, match="lock timeout"):
                answer_requests.answer(late, request_id, "Until Friday.")
    with database.begin(site, world.now, member) as ctx:
        answer_requests.answer(ctx, request_id, "Until Friday.")
    assert not waits(world)
    rows = world.rows("SELECT words FROM request_message ORDER BY id")
    assert [row["words"] for row in rows] == ["No, once.", "It is gone.", "No, there.", "Until Friday."]


@pytest.mark.parametrize(
    "statement", ["UPDATE request_message SET words = ''", "DELETE FROM request_message"]
)
def test_what_was_written_is_never_rewritten(world: World, statement: str) -> None:
    reader, thread = asked(world)
    reader.get(thread)
    reader.post(thread, words="One more thing.")
    with pytest.raises(IntegrityError, match="append-only"):
        world.execute(statement)
