"""A reader's subscription in a browser on the running demo: 14 days free, then R75 a month.

Walks whose steps all have a test without a browser run with the long proofs.
"""

import re
from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest
from playwright.sync_api import Route

from tests.support.demo import ZONE, Demo
from tests.support.person import LAPTOP, Arrive

pytestmark = pytest.mark.browser

LOCKED = "the-water-nobody-counted"
LAST_WORDS = "stays under its tarpaulin"


def card(copy: int, number: str = "4242424242424242") -> str:
    """A card of its own that behaves like this one: a trial is one for each card."""
    return f"{number}__{copy}"


def in_words(on: date) -> str:
    return f"{on:%A} {on.day} {on:%B %Y}"


def test_a_reader_starts_a_trial_reads_pays_and_gets_a_receipt(demo: Demo, arrive: Arrive) -> None:
    today = demo.now().date()
    thandi = arrive()
    assert LAST_WORDS not in thandi.read(LOCKED)
    thandi.see("The rest is for subscribers")

    thandi.start_trial("thandi@example.com", "4242 4242 4242 4242")
    thandi.see(f"Your trial runs until {in_words(today + timedelta(days=14))}")
    assert LAST_WORDS in thandi.read(LOCKED)
    thandi.see("Open to you: your free trial is running.")

    thandi.move_clock("+1 week", "+1 week")  # still the trial's last day, whatever hour it is
    assert demo.now().date() == today + timedelta(days=14)
    assert demo.charges("thandi@example.com") == []
    thandi.move_clock("+1 day", "+1 day")
    assert demo.now().date() == today + timedelta(days=16)

    mails = Counter(letter.subject.partition(":")[0] for letter in demo.letters("thandi@example.com"))
    assert mails["Your free trial has started"] == 1
    assert mails["Your free trial is ending"] == mails["Last reminder"] == 1
    receipt = demo.letter("thandi@example.com", "Tax invoice")
    number = re.search(r"INV-\d{6}", receipt.subject)
    assert number is not None
    shown = thandi.open_letter(receipt).locator("body").inner_text()
    for words in ("Tax invoice", number.group(), "R65.22", "R9.78", "R75.00", "VAT number"):
        assert words in shown
        assert words.casefold() in receipt.text.casefold()

    charges = demo.charges("thandi@example.com")
    assert [(row["amount"], row["currency"], row["paid"]) for row in charges] == [(7500, "zar", True)]
    assert "/v1/payment_intents" in {exchange["path"] for exchange in demo.exchanges()}
    thandi.open(f"{demo.card['sandbox_url']}/_sandbox")
    rows = thandi.page.locator("section[aria-labelledby=charges] tbody tr", has_text="thandi@example.com")
    assert rows.count() == 1
    assert "paid" in rows.inner_text()
    assert "R75.00" in rows.inner_text()

    assert LAST_WORDS in thandi.read(LOCKED)
    thandi.open("/account")
    thandi.see("Your subscription is paid through", number.group(), "Visa", "4242")
    thandi.press(number.group())
    thandi.see("Tax invoice", "R65.22", "R9.78", "R75.00", "Copy")


@pytest.mark.prove
def test_a_reader_cancels_in_the_last_minute_of_the_trial_and_never_pays(demo: Demo, arrive: Arrive) -> None:
    sipho = arrive(LAPTOP)
    today = demo.now().date()
    sipho.start_trial("sipho@example.com", card(2))
    last_day = today + timedelta(days=14)
    said = demo.command("clock", "to", f"{last_day.isoformat()}T23:59")
    assert in_words(last_day) in said
    assert "23:59" in said

    sipho.open("/account")
    sipho.clicks = 0
    sipho.press("Cancel my subscription")
    sipho.see("You are not billed", f"You read on through {in_words(last_day)}")
    sipho.press("Cancel my subscription")
    assert sipho.clicks <= 3
    sipho.see("You will not be billed", f"You can read through {in_words(last_day)}")
    assert LAST_WORDS in sipho.read(LOCKED)

    demo.advance(minutes=1)
    assert LAST_WORDS not in sipho.read(LOCKED)
    assert "You were not charged" in demo.letter("sipho@example.com", "is cancelled").text
    demo.advance(days=60)
    sipho.open("/account")
    sipho.see(f"Your subscription ended on {in_words(last_day)}", "None yet.")
    demo.advance(days=120)
    assert demo.charges("sipho@example.com") == []
    assert not [one for one in demo.letters("sipho@example.com") if "Tax invoice" in one.subject]


def test_a_declined_reader_is_told_reads_on_and_heals_with_a_new_card(demo: Demo, arrive: Arrive) -> None:
    lerato = arrive()
    today = demo.now().date()
    lerato.start_trial("lerato@example.com", "4000 0000 0000 0341")
    # The evening of the charge: where payday is near, the card is tried again on the day after.
    demo.advance_to(datetime.combine(today + timedelta(days=15), time(20), ZONE))
    attempts = demo.charges("lerato@example.com")
    assert [(row["paid"], row["amount"]) for row in attempts] == [(False, 7500)]

    grace = in_words(today + timedelta(days=15 + 20))
    letter = demo.letter("lerato@example.com", "We could not take your payment")
    assert grace in letter.text
    assert LAST_WORDS in lerato.read(LOCKED)
    lerato.see("Open to you while your payment is being sorted out.")
    lerato.open("/account")
    lerato.see(f"you can read through {grace}", "a new card is tried at once")

    phone = arrive()  # the mail is read elsewhere, by somebody who isn't signed in there
    phone.open_letter(letter).get_by_role("link", name="Give us another card").click()
    phone.press("Go to the card page")
    phone.page.wait_for_url("**/c/pay/**")
    phone.save_card(card(3))
    phone.page.wait_for_url("**/sign-in")
    assert "The charge went through" in phone.page.locator("[role=status]").inner_text()

    demo.now()
    assert [row["paid"] for row in demo.charges("lerato@example.com")] == [False, True]
    assert "R75.00" in demo.letter("lerato@example.com", "Tax invoice").text
    lerato.open("/account")
    lerato.see("Your subscription is paid through", "INV-")
    assert "did not go through" not in lerato.page.get_by_role("main").inner_text()


def test_the_tab_is_closed_on_the_card_page_and_the_trial_runs_all_the_same(
    demo: Demo, arrive: Arrive
) -> None:
    naledi = arrive()
    naledi.agree("naledi@example.com")
    naledi.type_card(card(4))
    sent: list[int] = []

    def send_and_go(route: Route) -> None:
        """Submit the form and leave before the answer."""
        sent.append(route.fetch(max_redirects=0).status)
        route.abort()

    naledi.page.route("**/c/pay/**", send_and_go)
    with naledi.page.expect_event("requestfailed"):
        naledi.page.get_by_role("button", name="Save card").click(no_wait_after=True)
    naledi.page.close()
    naledi.troubles.clear()  # the answer that did not come
    assert sent == [303]

    demo.now()
    assert "R75.00" in demo.letter("naledi@example.com", "Your free trial has started").text
    found = demo.http.get(f"{demo.url}/v1/readers", params={"email": "naledi@example.com"}).json()
    (reader,) = found["data"]
    access = demo.http.get(f"{demo.url}/v1/access/{LOCKED}", params={"reader_id": reader["id"]}).json()
    assert (access["allowed"], access["reason"]) == (True, "trial")


def test_a_reader_signs_in_at_the_desk_with_the_mail_on_the_phone(demo: Demo, arrive: Arrive) -> None:
    demo.trial("zanele@example.com", "pm_card_visa__5")
    laptop, phone = arrive(LAPTOP), arrive()
    laptop.open("/sign-in")
    laptop.page.get_by_label("Your email").fill("zanele@example.com")
    laptop.press("Mail me a link")
    laptop.see("We have written to zanele@example.com")
    demo.now()
    letter = demo.letter("zanele@example.com", "sign-in link")

    phone.open(letter.link("/sign-in/link/"))
    phone.see("Type the code from the mail", "Or sign in here instead, as zanele@example.com")
    (code,) = re.findall(r"^ *(\d{8}) *$", letter.text, re.MULTILINE)
    phone.open("/account")
    phone.see("Sign in")

    laptop.page.get_by_label("Reading your mail on another device?").fill("1234 5678")
    laptop.press("Sign in with the code")
    laptop.see("That isn’t the code from the mail")
    laptop.page.get_by_label("Reading your mail on another device?").fill(code)
    laptop.press("Sign in with the code")
    laptop.see("zanele@example.com", "Your free trial runs through", "Chrome on Linux")

    laptop.open(letter.link("/sign-in/link/"))
    laptop.see("This link no longer works")


@pytest.mark.prove
def test_a_reader_signs_in_with_the_link_in_the_same_browser(demo: Demo, arrive: Arrive) -> None:
    demo.trial("ayanda@example.com", "pm_card_visa__6")
    ayanda = arrive()
    ayanda.open("/sign-in")
    ayanda.page.get_by_label("Your email").fill("ayanda@example.com")
    ayanda.press("Mail me a link")
    demo.now()
    letter = demo.letter("ayanda@example.com", "sign-in link")
    ayanda.open_letter(letter).get_by_role("link", name="Sign in", exact=True).click()
    ayanda.press("Sign me in")
    ayanda.see("ayanda@example.com")


@pytest.mark.prove
def test_a_cancellation_is_undone_from_the_account_and_from_the_mail(demo: Demo, arrive: Arrive) -> None:
    bongi = arrive()
    bongi.start_trial("bongi@example.com", card(7))
    bongi.open("/account")
    bongi.press("Cancel my subscription")
    bongi.press("Cancel my subscription")
    bongi.press("Undo: keep my subscription")
    bongi.see("The next charge is")
    bongi.press("Keep my subscription")
    bongi.see("Your free trial runs through")
    assert "goes on as before" in bongi.page.locator("[role=status]").inner_text()

    elsewhere = arrive(LAPTOP)
    demo.now()
    welcome = demo.letter("bongi@example.com", "Your free trial has started")
    elsewhere.open_letter(welcome).get_by_role("link", name="Cancel your trial").click()
    elsewhere.see("Subscription of bongi@example.com")
    elsewhere.press("Cancel my subscription")
    elsewhere.see("You will not be billed")
    demo.now()
    mail = demo.letter("bongi@example.com", "is cancelled")
    elsewhere.open_letter(mail).get_by_role("link", name="Undo the cancellation").click()
    elsewhere.page.get_by_label("Your email").fill("bongi@example.com")
    elsewhere.press("Mail me a link")
    demo.now()
    letter = demo.letter("bongi@example.com", "sign-in link")
    elsewhere.open_letter(letter).get_by_role("link", name="Sign in", exact=True).click()
    elsewhere.press("Sign me in")
    elsewhere.press("Undo: keep my subscription")
    elsewhere.press("Keep my subscription")
    demo.advance(days=16)
    assert [row["paid"] for row in demo.charges("bongi@example.com")] == [True]


@pytest.mark.prove
def test_a_card_that_had_its_trial_starts_without_one_and_opens_everything_at_once(
    demo: Demo, arrive: Arrive
) -> None:
    arrive().start_trial("kagiso@example.com", card(8))
    again = arrive()
    again.agree("kagiso.again@example.com")
    again.save_card(card(8))
    again.see("One more step: check your mail", "Nothing has started and nothing is charged")
    demo.now()
    mail = demo.letter("kagiso.again@example.com", "One more step")
    again.open_letter(mail).get_by_role("link", name="Confirm and go on").click()
    again.press("Sign me in")
    again.see("This card has had its free trial", "Start without a trial")
    again.press("Continue without a trial")
    again.page.locator(".consent input").check()
    again.press("Agree, and pay R75.00 incl. VAT now")
    again.see("Welcome. Everything is open to you")
    assert LAST_WORDS in again.read(LOCKED)

    again.open("/account/cancel")
    again.page.get_by_label("End today and get").check()
    again.press("Cancel my subscription")
    again.see("R75.00", "is on its way back to your card")
    demo.now()
    credit = demo.letter("kagiso.again@example.com", "You have withdrawn")
    assert "You withdrew within 14 days of your first payment" in " ".join(credit.text.split())
    assert LAST_WORDS not in again.read(LOCKED)


@pytest.mark.prove
def test_a_3d_secure_card_is_confirmed_at_the_bank(demo: Demo, arrive: Arrive) -> None:
    mpho = arrive()
    mpho.agree("mpho@example.com")
    mpho.save_card("4000 0000 0000 0002")
    mpho.see("Your card was declined.")
    mpho.save_card("4000 0025 0000 3155")
    mpho.press("Fail the check")
    mpho.see("We are unable to authenticate your card")
    mpho.save_card("4000 0025 0000 3155")
    mpho.press("Confirm")
    mpho.page.wait_for_url("**/subscribe/started")
    demo.advance(days=16)
    assert [row["paid"] for row in demo.charges("mpho@example.com")] == [True]


def test_a_trial_starts_without_scripts(demo: Demo, arrive: Arrive) -> None:
    plain = arrive(java_script_enabled=False)
    plain.start_trial("tumi@example.com", card(9))
    assert LAST_WORDS in plain.read(LOCKED)
    plain.move_clock("To the next thing that happens")
    assert demo.letter("tumi@example.com", "Your free trial has started")
    plain.open("/account/cancel")
    plain.press("Cancel my subscription")
    plain.see("You will not be billed")


def test_whoever_comes_by_the_name_localhost_stays_signed_in(demo: Demo, arrive: Arrive) -> None:
    lindiwe = arrive()
    lindiwe.open(demo.url.replace("127.0.0.1", "localhost") + "/subscribe?from=paper")
    assert lindiwe.page.url == f"{demo.url}/subscribe?from=paper"
    lindiwe.start_trial("lindiwe@example.com", card(10))
    lindiwe.open(demo.url.replace("127.0.0.1", "localhost") + f"/articles/{LOCKED}")
    lindiwe.see(LAST_WORDS)


def test_subscribers_listen_and_others_do_not(demo: Demo, arrive: Arrive) -> None:
    door = f"{demo.url}/v1/audio/{LOCKED}"
    visitor, nomsa = arrive(), arrive()
    visitor.read(LOCKED)
    assert visitor.page.locator("audio").count() == 0
    assert visitor.context.request.get(door).status == 403

    nomsa.start_trial("nomsa@example.com", card(11))
    nomsa.read(LOCKED)
    received = nomsa.page.locator("audio").evaluate(
        """async audio => {
            audio.muted = true;
            await audio.play();
            audio.currentTime = audio.duration - 2;
            await new Promise(done => { audio.onended = done; audio.onerror = done; });
            return {error: audio.error && audio.error.message, played: audio.ended, seconds: audio.duration};
        }"""
    )
    assert (received["error"], received["played"]) == (None, True)
    assert 15 <= received["seconds"] <= 30
    address = nomsa.context.request.get(door).json()["address"]
    part = nomsa.context.request.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status, len(part.body())) == (206, 100)
    assert "no-store" in part.headers["cache-control"]
