"""The mail that acknowledges a request at once, with its time; and the page after the form, which can be reloaded."""

from dataclasses import replace

import pytest

from billing.dev.mailbox import ReceivedMail
from emails import render
from emails.samples import HOUSE, samples
from tests.support.browser import Answer, Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER, STRANGER = "thandi@example.com", "nobody@example.com"
LURE = "Win at https://evil.example/x or www.evil.example or evil.example, mail me@evil.example now."


def ask(browser: Browser, **fields: str) -> Answer:
    browser.get("/contact")
    return browser.post("/contact", **fields)


def flat(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def receipts(world: World, email: str) -> list[ReceivedMail]:
    world.settle()
    return [letter for letter in world.letters(email) if letter.subject.startswith("We have your")]


def test_a_signed_in_reader_gets_the_time_and_the_words_at_once(world: World) -> None:
    browser = in_trial_by_pages(world)
    world.advance_to(local(2027, 3, 2, 14, 2))
    signed_in_by_link = signed_in(world, READER)
    ask(signed_in_by_link, kind="wrong_charge", words="Two lines, see https://bank.example/1.")
    (mail,) = receipts(world, READER)
    assert mail.subject == "We have your message"
    for text in (mail.text, mail.html):
        assert "Tuesday 2 March 2027 at 14:02" in text
        assert "A person reads it, and answers by mail." in flat(text)
        assert "https://bank.example/1" in text, "it is known to be the reader's"
    (request,) = world.rows("SELECT id FROM reader_request")
    assert f"{world.url}/account/requests/{request['id']}" in mail.links
    ask(browser, kind="other", words=LURE)
    by_start = receipts(world, READER)[-1]
    assert "evil" not in by_start.text + by_start.html, "no mailed link has proved that browser's address"


def test_it_says_when_somebody_is_there() -> None:
    house = replace(HOUSE, brand=replace(HOUSE.brand, support_hours="Weekdays, 8:00 to 17:00"))
    kinds = [mail for name, mail in samples().items() if name.startswith("request-received")]
    said = ["We are here: Weekdays, 8:00 to 17:00." in render(mail, house).text for mail in kinds]
    assert said.count(False) == 1, "only where nobody needs to read it"


@pytest.mark.parametrize("email", [READER, STRANGER])
def test_nobody_sends_their_message_to_others_by_our_mail(
    world: World, in_trial: Subscriber, email: str
) -> None:
    ask(world.browser(), kind="other", email=email, words=LURE)
    (mail,) = receipts(world, email)
    assert "evil" not in mail.text + mail.html + mail.subject
    assert ("Win at" in mail.text) is (email == READER), "an unknown address gets none of the words"
    assert ("/account/requests/" in mail.text) is (email == READER)
    assert "If it was not you who wrote, you need do nothing." in flat(mail.text)


@pytest.mark.parametrize("email", [READER, STRANGER])
def test_an_address_that_is_only_typed_gets_one_an_hour(
    world: World, in_trial: Subscriber, email: str
) -> None:
    for _ in range(3):
        page = ask(world.browser(), kind="other", email=email, words="Hello?")
        assert "unless we sent you one within the last hour" in page.words
    ask(world.browser(), kind="other", email=email.replace("@", "+more@"), words="Hello?")
    assert len(receipts(world, email)) == 1
    assert receipts(world, email.replace("@", "+more@")) == [], "the same mailbox"
    world.advance(minutes=70)
    ask(world.browser(), kind="other", email=email, words="Hello?")
    assert len(receipts(world, email)) == 2


def test_a_cancellation_confirms_itself_and_words_with_it_are_acknowledged(world: World) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    assert "Your subscription is cancelled" in ask(reader, kind="cancel", words="").words
    assert receipts(world, READER) == []
    assert "cancelled" in world.mail_kinds(READER)
    ask(reader, kind="cancel", words="")
    (again,) = receipts(world, READER)
    assert again.subject == "We have your request to cancel"
    assert "was cancelled already, and nothing more is charged." in flat(again.text)
    assert "A person reads" not in again.text
    ask(reader, kind="cancel", words="Why do you ask?")
    assert "A person reads what you wrote" in flat(receipts(world, READER)[-1].text)


def test_a_request_to_cancel_that_is_not_proved_gets_the_mail_that_asks_for_a_proof(
    world: World, in_trial: Subscriber
) -> None:
    ask(world.browser(), kind="cancel", email=READER, words="")
    ask(world.browser(), kind="cancel", email=READER, words="")
    ask(world.browser(), kind="cancel", email=STRANGER, words="")
    assert receipts(world, READER) == []
    assert world.mail_kinds(READER).count("cancel_requested") == 1
    (mail,) = receipts(world, STRANGER)
    assert "It counts from then." in flat(mail.text)
    assert "before anything is cancelled" in flat(mail.text)


def test_the_page_after_the_form_is_reloaded_without_sending_it_again(world: World) -> None:
    in_trial_by_pages(world)
    reader = signed_in(world, READER)
    page = ask(reader, kind="cancel", words="Bye.")
    assert page.path.startswith("/contact/sent/cancelled-1-")
    world.advance(hours=3)
    assert reader.get(page.path).words == page.words
    assert len(world.rows("SELECT 1 FROM reader_request")) == 1
    assert reader.get(page.path.replace("cancelled-1", "was_cancelled-1")).path == "/contact", "forged"
    assert world.browser().get(page.path).path == "/contact", "of another browser"


def test_the_page_after_a_confirmation_is_reloaded_too(world: World, in_trial: Subscriber) -> None:
    ask(world.browser(), kind="cancel", email=READER, words="")
    (request,) = world.rows("SELECT id FROM reader_request")
    world.execute("UPDATE reader_request SET confirm_asked_at = :at", at=world.now)
    person = world.browser()
    person.get(f"/request/{world.services.site.tokens.token('request', request['id'])}")
    done = person.post("/request")
    assert done.path.startswith("/request/confirmed/cancelled-")
    world.advance(hours=3)
    assert person.get(done.path).words == done.words
    assert person.get(done.path.replace("cancelled", "nothing_runs")).path == "/sign-in", "forged"


def test_a_request_that_is_not_kept_is_not_acknowledged(world: World) -> None:
    ask(world.browser(), kind="other", email=STRANGER, words="")
    ask(world.browser(), kind="other", email=STRANGER, words="4242 4242 4242 4242")
    ask(world.browser(), kind="other", email=STRANGER, words="Buy!", website="x.example")
    world.advance(minutes=1)
    assert world.letters(STRANGER) == []
