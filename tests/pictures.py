"""`make pictures`: take the docs' screenshots on a separate demo."""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.support.chromium import CHROMIUM, MISSING
from tests.support.demo import Demo
from tests.support.person import PHONE, Person
from tests.support.shared_chromium import Chromium
from tests.support.staff_member import Member

FOLDER = Path(__file__).parent / "pictures"
READER = "thandi@example.com"
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
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Demo(Path(folder) / "data") as demo,
        Chromium() as chromium,
    ):
        _readers(chromium, demo)
        _staff(chromium, demo)
        _newsletters(chromium, demo)
    return 0


def _readers(chromium: Chromium, demo: Demo) -> None:
    person = Person.arrive(chromium, demo, PHONE)
    person.open("/articles/the-water-nobody-counted")
    _take(person, "wall")
    person.start_trial(READER, "4242 4242 4242 4242")
    _take(person, "started")
    charged = demo.now().replace(hour=9, minute=0, second=0) + timedelta(days=15)
    demo.advance_to(charged + timedelta(days=-2, hours=3))
    person.open("/account")
    _take(person, "account")
    person.write_to_us("Please cancel my subscription", LETTER)
    person.see("it counts from this moment")
    demo.advance_to(charged + timedelta(hours=8))
    person.leave()


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


def _take(person: Person, name: str, *, whole: bool = False) -> None:
    """Take one picture, without the demo's bar, which isn't part of the product."""
    person.page.evaluate("document.querySelectorAll('.demo').forEach(bar => bar.remove())")
    person.page.screenshot(path=FOLDER / f"{name}.png", full_page=whole, animations="disabled")
    sys.stdout.write(f"{name}.png\n")


if __name__ == "__main__":
    sys.exit(main())
