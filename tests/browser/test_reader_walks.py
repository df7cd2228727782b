"""What a reader does, from the first page to the last, in Chromium: at a phone's and a desktop's width, and without scripts.

`billing/docs/reader-walks.md` lists each walk with its taps and fields; the walks keep it true."""

import re
from pathlib import Path
from typing import Any

import pytest

from billing.platform.actors import WORKER
from billing.readers.register import register
from tests.support.newsroom import Newsroom
from tests.support.person import LAPTOP, PHONE
from tests.support.shared_chromium import Chromium
from tests.support.starting_points import subscriber
from tests.support.walker import Walk, Walker
from tests.support.world import World

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "billing" / "docs" / "reader-walks.md"
LOCKED, TITLE, LAST_WORDS = (
    "the-water-nobody-counted",
    "The water nobody counted",
    "stays under its tarpaulin",
)
SCREENS: list[Any] = [
    pytest.param(PHONE, id="phone"),
    pytest.param(LAPTOP, id="desk", marks=pytest.mark.prove),
    pytest.param({**PHONE, "java_script_enabled": False}, id="without-scripts"),
]


def to_the_card(who: Walker) -> None:
    who.open(f"/articles/{LOCKED}")
    who.tap("Start my free trial")
    who.fill("Your email", who.email)
    who.tap("Continue")
    who.tick(".consent input")
    who.tap("Agree and continue to the card")


def start(who: Walker) -> None:
    to_the_card(who)
    who.give_card()
    who.tap(f"Read on: {TITLE}")
    who.see(LAST_WORDS)


def start_with_3d_secure(who: Walker) -> None:
    to_the_card(who)
    who.give_card("4000002500003155")
    who.taps += 1
    who.page.get_by_role("button", name="Confirm").click()
    who.tap(f"Read on: {TITLE}")
    who.see(LAST_WORDS)


def start_with_a_known_address(who: Walker) -> None:
    with who.world.services.database.begin(who.world.services.site, who.world.now, WORKER) as ctx:
        register(ctx, who.email)
    to_the_card(who)
    who.give_card()
    who.see("One more step")
    who.type_code()
    who.tap("Go on with the code")
    who.tap(f"Read on: {TITLE}")
    who.see(LAST_WORDS)


def sign_in_by_link(who: Walker) -> None:
    who.open("/sign-in")
    who.fill("Your email", who.email)
    who.tap("Mail me a link")
    who.follow("/sign-in/link/")
    who.tap("Sign me in")
    who.see(who.email, "Next charge")


def sign_in_by_code(who: Walker) -> None:
    who.open("/sign-in")
    who.fill("Your email", who.email)
    who.tap("Mail me a link")
    who.type_code()
    who.tap("Sign in with the code")
    who.see(who.email, "Next charge")


def change_plan(who: Walker) -> None:
    who.open("/account")
    who.tap("Pay by the year")
    who.tick(".consent input")
    who.tap("Agree, and pay by the year")
    who.see("you pay R750.00 incl. VAT a year")


def undo_plan(who: Walker) -> None:
    who.open("/account/plan?to=yearly")
    who.page.locator(".consent input").check()
    who.target("Agree, and pay by the year").click()
    who.see("Undo the change of plan")
    who.tap("Undo the change of plan")
    who.tap("Undo the change of plan")
    who.see("Pay by the year")


def choose_in_trial(who: Walker) -> None:
    who.open("/account")
    who.tap("Pay by the year")
    who.tick(".consent input")
    who.tap("Agree, and pay by the year")
    who.see("R750.00 incl. VAT", "Undo the change of plan")


def choose_the_day(who: Walker) -> None:
    who.open("/account")
    who.tap("Choose the day")
    who.taps += 1
    who.page.get_by_label("The day of the month").select_option("25")
    who.tap("See what it means")
    who.tick(".consent input")
    who.tap("Agree, and pay on the 25th")
    who.see("You pay on the 25th of each month.")


def change_address(who: Walker) -> None:
    who.email = "thandi@elsewhere.example"
    who.open("/account")
    who.tap("Change")
    who.fill("New email address", who.email)
    who.tap("Send the link")
    who.see("Check your mail")
    who.follow("/account/address/link/")
    who.tap("Use this address")
    who.see(who.email, "Your address is changed")


def read_in_another_language(who: Walker) -> None:
    who.open("/account")
    who.taps += 1
    who.page.get_by_role("button", name="Afrikaans").click()
    who.see("Volgende betaling")
    assert who.page.locator("html").get_attribute("lang") == "af-ZA"


def pause(who: Walker) -> None:
    who.open("/account")
    who.tap("Pause")
    who.tap("Pause my subscription")
    who.see("Take the pause back")


def undo_pause(who: Walker) -> None:
    who.open("/account/pause")
    who.target("Pause my subscription").click()
    who.see("Take the pause back")
    who.tap("Take the pause back")
    who.tap("Take the pause back")
    who.see("Pay by the year")


def cancel(who: Walker) -> None:
    who.open("/account")
    who.tap("Cancel my subscription")
    who.tap("Cancel my subscription")
    who.see("Nothing more will be charged")


def cancel_by_mail(who: Walker) -> None:
    who.follow("/cancel/")
    who.tap("Cancel my subscription")
    who.see("Nothing more will be charged")


def undo_cancellation(who: Walker) -> None:
    who.open("/account")
    who.tap("Keep my subscription")
    who.tap("Keep my subscription")
    who.see("Next charge")


def withdraw(who: Walker) -> None:
    who.open("/account")
    who.tap("Withdraw from my subscription")
    who.tap("Confirm: withdraw and return")
    who.see("Your money is on its way back to your card")


def give_article(who: Walker) -> None:
    who.open(f"/articles/{LOCKED}")
    who.tap("Give this article")
    who.see("It opens this article and no other")


def share_article(who: Walker) -> None:
    """The link stands in a field, to copy without scripts."""
    who.open(f"/articles/{LOCKED}")
    field = who.page.locator("[data-share] input").first
    assert field.input_value().endswith(f"/articles/{LOCKED}")
    assert who.page.get_by_role("link", name=re.compile("WhatsApp")).is_visible()


def revoke_gift(who: Walker) -> None:
    give_article(who)
    who.taps = 0
    who.open("/account")
    who.tap("My gifts")
    who.tap("Take it back")
    who.see("This gift was taken back")


def export_data(who: Walker) -> None:
    who.open("/account")
    who.tap("All my data")
    who.tap("Ask for my data")
    who.follow("/account/data")
    who.taps += 1
    with who.page.expect_download() as download:
        who.target("Download my data").click()
    assert download.value.suggested_filename == "my-data.zip"


def erase(who: Walker) -> None:
    who.open("/account")
    who.tap("Close my account and erase my data")
    who.tap("Close my account and erase my data")
    who.see("closed")


def undo_erasure(who: Walker) -> None:
    who.open("/account/erase")
    who.target("Close my account and erase my data").click()
    who.see("closed")
    who.follow("/account/erase")
    who.fill("Your email", who.email)
    who.tap("Mail me a link")
    who.follow("/sign-in/link/")
    who.tap("Sign me in")
    who.tap("Keep my account")
    who.see("You keep your account")


def invoice_details(who: Walker) -> None:
    who.open("/account")
    who.tap("Invoice details")
    who.fill("Full name or company", "Nkosi Trading")
    who.fill("Postal address", "1 Dam Road")
    who.tap("Save my invoice details")
    who.see("Remove my invoice details")


def write_to_us(who: Walker) -> None:
    who.open("/account")
    who.tap("Write to us")
    who.tick("input[name=kind][value=other]")
    who.fill("Your message", "The paper came wet.")
    who.tap("Send it")
    who.see("We have it")


def reply(who: Walker) -> None:
    write_to_us(who)
    who.taps = who.fields = 0
    who.open("/account")
    who.tap("Read and answer")
    who.taps += 1
    who.page.locator("main td a").first.click()
    who.fill("Your reply", "It came wet again.")
    who.tap("Send it")
    who.see("It came wet again.")


def choose_newsletters(who: Walker) -> None:
    Newsroom(who.world)
    who.open("/account")
    who.tap("Choose my newsletters")
    who.tick("input[value=the-long-read]")
    who.tap("Save my choice")
    assert who.page.locator("input[value=the-long-read]").is_checked()


def sign_up_for_newsletters(who: Walker) -> None:
    Newsroom(who.world)
    who.email = "visitor@example.com"
    who.open("/newsletters")
    who.tick("input[value=the-long-read]")
    who.fill("Your email", who.email)
    who.tap("Sign up")
    who.follow("/newsletters/confirm/")
    who.taps += 1
    who.page.locator("main form button").click()
    who.see("The Long Read")


WALKS: dict[str, tuple[Walk, str]] = {
    "Wall, address, review, card, article": (start, "blank"),
    "The same with 3-D Secure": (start_with_3d_secure, "blank"),
    "The same with an address that is known: mail and code": (start_with_a_known_address, "blank"),
    "Sign in with the mailed link": (sign_in_by_link, "paid"),
    "Sign in with the mailed code": (sign_in_by_code, "paid"),
    "Change the plan": (change_plan, "signed in, paid"),
    "Undo the change of plan": (undo_plan, "signed in, paid"),
    "Choose another plan in the trial": (choose_in_trial, "signed in, in_trial"),
    "Choose the day of the charge": (choose_the_day, "signed in, paid"),
    "Change the email address": (change_address, "signed in, paid"),
    "Read in another language": (read_in_another_language, "signed in, paid"),
    "Pause": (pause, "signed in, paid"),
    "Take the pause back": (undo_pause, "signed in, paid"),
    "Cancel": (cancel, "signed in, paid"),
    "Cancel by a mail's link": (cancel_by_mail, "paid"),
    "Undo the cancellation": (undo_cancellation, "signed in, cancelled"),
    "Withdraw": (withdraw, "signed in, paid"),
    "Give an article": (give_article, "signed in, paid"),
    "Share an article": (share_article, "signed in, paid"),
    "Take a gift back": (revoke_gift, "signed in, paid"),
    "Export all data": (export_data, "signed in, paid"),
    "Close the account": (erase, "signed in, paid"),
    "Take that back": (undo_erasure, "signed in, paid"),
    "Invoice details": (invoice_details, "signed in, paid"),
    "Write to us": (write_to_us, "signed in, paid"),
    "Reply in the thread": (reply, "signed in, paid"),
    "Choose newsletters": (choose_newsletters, "signed in, paid"),
    "Newsletters without an account": (sign_up_for_newsletters, "blank"),
}


ELSEWHERE = ("Add a passkey", "Sign in with a passkey")
"""Walks of `test_passkeys_in_browser.py`, which brings a device."""


def listed() -> dict[str, tuple[int, int]]:
    """Taps and fields of each walk, from the page's table."""
    rows = re.findall(r"^\| ([^|]+?) \|.*\| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: (int(taps), int(fields)) for name, taps, fields in rows}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", WALKS)
def test_a_walk_takes_no_more_taps_and_fields_than_listed(
    world: World, chromium: Chromium, name: str, screen: dict[str, Any]
) -> None:
    walk, begins = WALKS[name]
    is_signed_in, _, point = begins.rpartition(", ")
    with chromium.context(**screen) as context:
        who = Walker(world, context.new_page())
        if point != "blank":
            who.email = subscriber(world, point).email
        if is_signed_in:
            who.sign_in()
        walk(who)
        assert max(who.statuses) < 400
    taps, fields = listed()[name]
    assert who.taps <= taps
    assert who.fields <= fields


def test_the_page_lists_each_walk_and_no_other() -> None:
    assert set(listed()) == {*WALKS, *ELSEWHERE}
