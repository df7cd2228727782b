"""Readers who have died, on the pages of support: no page says that a mail goes to them."""

from tests.staff.test_deceased import EXECUTOR, READER, page_of, received, record
from tests.support import many
from tests.support.another_address import confirmed
from tests.support.many import prepare, send_again
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

GOES = f"goes by mail to A. van Wyk, {EXECUTOR}, as the reader has died"


def ask(world: World, words: str, kind: str = "other") -> str:
    """Somebody's request with the reader's address; the address of its page."""
    browser = world.browser().again("/contact")
    browser.post("/contact", kind=kind, email=READER, words=words)
    (request,) = world.rows("SELECT id FROM reader_request WHERE words = :words", words=words)
    return f"/staff/requests/{request['id']}"


def test_an_answer_goes_to_the_correspondent(world: World, paid: Subscriber, staff: SignIn) -> None:
    request, support = ask(world, "Where is my paper?"), staff("support")
    assert f"goes by mail to {READER}" in support.get(request).words
    record(support, paid)
    world.settle()
    before = received(world)
    for page in (request, page_of(paid)):
        words = support.get(page).words
        assert GOES in words
        assert f"goes by mail to {READER}" not in words
    sent = support.post(f"{request}/answer", words="It comes no more.")
    assert "The mail is on its way." in sent.text
    world.settle()
    letter = world.letter(EXECUTOR, "Our answer about an account with")
    words = " ".join(letter.text.split())
    assert f"about the account of {READER}: Where is my paper? It comes no more." in words
    assert "named as the person to write to" in words
    assert [link for link in letter.links if "/account/" in link] == [], "they have no account"
    assert received(world) == before


def test_a_request_that_nobody_would_be_answered_is_closed_without_a_mail(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    """Somebody writes with an address that the reader had before: it is no account's any more, and gets no mail."""
    support = staff("support")
    record(support, paid)
    confirmed(world, paid.reader_id)
    request = ask(world, "Is anybody there?")
    page = support.get(request)
    assert f"Mail to {READER} is stopped: nobody would read an answer." in page.words
    assert "Send the answer" not in page.words
    assert send_again(support, f"{request}/answer", words="Yes, we are.") == 409
    assert world.rows("SELECT 1 FROM request_message") == []
    support.get(request)
    assert "closed it without a mail" in support.post(f"{request}/close", reason="No sender").words


def test_nobody_is_asked_to_confirm_a_cancellation_for_them(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    record(support, paid)
    request = ask(world, "Please stop.", "cancel")
    page = support.get(request)
    assert "Mail the reader a link" not in page.words
    assert send_again(support, f"{request}/ask-to-confirm") == 409
    assert world.rows("SELECT 1 FROM message WHERE kind = 'confirm_request'") == []
    support.get(request)
    assert "closed it without a mail" in support.post(f"{request}/close", reason="They have died").words


def test_no_link_to_sign_in_is_mailed(world: World, paid: Subscriber, staff: SignIn) -> None:
    support, act = staff("support"), f"{page_of(paid)}/mail-link"
    assert "Mail a link to sign in" in support.get(page_of(paid)).words
    support.get(act)
    pressed = support.filled(act, step="confirm", reason="No mail arrived")
    record(support, paid)
    world.settle()
    links = "SELECT count(*) AS n FROM message WHERE kind = 'sign_in_link'"
    before = world.rows(links)
    assert "Mail a link to sign in" not in support.get(page_of(paid)).words
    page = support.get(act)
    assert "This reader has died, so no link to sign in is mailed." in page.words
    assert f"{READER} gets a link" not in page.words
    assert support.http.send(pressed).status_code == 409
    assert world.rows(links) == before


def test_a_mail_to_many_leaves_them_out_and_says_why(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    record(staff("support"), Subscriber(many.addresses(1)[0], readers[0], ""))
    page = prepare(staff("finance"), "mail", readers, subject="The paper is back", text="We are sorry.")
    assert "1: This reader has died, so no mail goes to them." in page.words
    assert "come back" not in page.words


def test_a_copy_of_an_invoice_goes_to_the_correspondent(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    record(support, paid)
    world.settle()
    (invoice,) = world.rows("SELECT id FROM invoice WHERE number IS NOT NULL")
    act = f"{page_of(paid)}/send-invoice?chosen={invoice['id']}"
    page = support.get(act)
    assert f"goes to A. van Wyk, {EXECUTOR}, as the reader has died" in page.words
