"""`make pictures`: take the docs' screenshots on a separate demo."""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.support.chromium import CHROMIUM, MISSING
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, Person
from tests.support.shared_chromium import Chromium
from tests.support.staff_member import Member

FOLDER = Path(__file__).parent / "pictures"
PAGES = FOLDER / "staff"
"""Whole pages of staff, to look at after a change of the looks. The repository doesn't keep them."""
READER = "thandi@example.com"
OTHERS = {
    "lerato.mokoena@example.com": "pm_card_visa__2",
    "pieter.vandermerwe@correspondence.kransrivier.example": "pm_card_chargeCustomerFail__3",
    "anele.khumalo@example.com": "pm_card_createDispute__4",
}
"""Readers by the card that they pay with: one pays, one owes, and the bank of one disputes the charge."""
ROOMS = {
    "finance": {"numbers": "/staff/numbers", "cases": "/staff/cases", "payments": "/staff/payments"},
    "admin": {"audit": "/staff/audit"},
    "support": {"requests": "/staff/requests", "subscriptions": "/staff/subscriptions"},
}
"""Further pages to take, as this role sees them."""
LETTER = "Please cancel. I am moving abroad."
SOURCE = """Good morning. It rained on the mountain and not in the valley, again.

[[article:the-water-nobody-counted]]

::: subscribers
Thank you for paying for this paper. The whole story is one click away.
:::
::: non-subscribers
Read the whole story: two weeks are free.
:::

[[article:the-bridge-that-waited]]

[[article:counting-vultures]]
"""


def main() -> int:
    """Take all pictures; exit status 1 if Chromium is missing."""
    if not CHROMIUM.exists():
        sys.stderr.write(f"pictures: {MISSING}\n")
        return 1
    PAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Demo(Path(folder) / "data") as demo,
        Chromium() as chromium,
    ):
        _readers(chromium, demo)
        _staff(chromium, demo)
        _newsletters(chromium, demo)
        _pages_of_staff(chromium, demo)
    return 0


def _readers(chromium: Chromium, demo: Demo) -> None:
    for email, card in OTHERS.items():
        demo.trial(email, card)
    person = Person.arrive(chromium, demo, PHONE)
    person.open("/articles/the-water-nobody-counted")
    _take(person, "wall")
    person.start_trial(READER, "4242 4242 4242 4242")
    _take(person, "started")
    charged = demo.now().replace(hour=9, minute=0, second=0) + timedelta(days=15)
    demo.advance_to(charged + timedelta(days=-2, hours=3))
    person.open("/account")
    _take(person, "account")
    person.leave()
    stranger = Person.arrive(chromium, demo, PHONE)  # a signed-in reader's subscription would end at once
    stranger.write_to_us("Please cancel my subscription", LETTER, email=READER)
    stranger.see("it counts from this moment")
    stranger.leave()
    demo.advance_to(charged + timedelta(days=8, hours=8))  # the request holds the charge, once


def _staff(chromium: Chromium, demo: Demo) -> None:
    member = Member.sign_in(chromium, demo, "support")
    member.find(READER)
    _take(member.person, "staff-reader")
    member.click("^Cancel", "link")
    member.type("Why?", "Wrote before the charge that she is moving abroad")
    _take(member.person, "staff-cancel")
    member.person.leave()


def _newsletters(chromium: Chromium, demo: Demo) -> None:
    member = Member.sign_in(chromium, demo, "editor")
    page = member.page
    member.person.open("/staff/newsletters")
    page.select_option("#newsletter_id", "first-light")
    member.click("Begin")
    page.fill("#subject", "The dam, the road, the mayor")
    page.fill("#preheader", "What happened overnight, and what today will bring to the valley.")
    page.fill("#source", SOURCE)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.frame_locator("iframe[name=preview]").locator("a.headline")).to_have_count(3)
    preview = page.frame("preview")
    assert preview is not None
    preview.wait_for_load_state("networkidle")  # images and style sheets
    _take(member.person, "newsletter-compose", whole=True)
    page.fill("#when", (demo.now() + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M"))
    member.click("Save and schedule")
    demo.advance(minutes=5)
    page.reload()
    expect(page.locator("#progress")).to_contain_text("are done with")
    _take(member.person, "newsletter-sent")
    member.person.leave()


def _pages_of_staff(chromium: Chromium, demo: Demo) -> None:
    """Each role's first page, and the pages that are open most of the day, at a phone's and a desktop's width."""
    for role in ("editor", "finance", "admin", "support"):
        member = Member.sign_in(chromium, demo, role)
        _take_both(member, f"home-{role}")
        for name, address in ROOMS.get(role, {}).items():
            member.person.open(address)
            _take_both(member, name)
        if role == "support":
            member.person.open("/staff")
            member.find(READER)
            _take_both(member, "reader")
            member.click("^Cancel", "link")
            member.type("Why?", "Wrote before the charge that she is moving abroad")
            _take_both(member, "act")
        member.person.leave()


def _take_both(member: Member, name: str) -> None:
    for size in (PHONE["viewport"], LAPTOP["viewport"]):
        member.page.set_viewport_size(size)
        _take(member.person, f"{PAGES.name}/{name}-{size['width']}", whole=True)


def _take(person: Person, name: str, *, whole: bool = False) -> None:
    """Take one picture, without the demo's bar, which isn't part of the product."""
    person.page.evaluate("document.querySelectorAll('.demo').forEach(bar => bar.remove())")
    person.page.screenshot(path=FOLDER / f"{name}.png", full_page=whole, animations="disabled")
    sys.stdout.write(f"{name}.png\n")


if __name__ == "__main__":
    sys.exit(main())
