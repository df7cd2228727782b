"""A member of staff with Chromium; clicks and typed words are recorded."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import expect

from billing.staff import codes
from tests.support.a11y import ANY, accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, Person
from tests.support.shared_chromium import Chromium

Enter = Callable[..., "Member"]
"""`enter(role, **options)` signs a member of staff in; the options are those of Playwright's contexts."""


@dataclass
class Member:
    """A person on the staff pages."""

    person: Person
    clicks: int = 0
    typed: list[str] = field(default_factory=list)

    @classmethod
    def sign_in(cls, chromium: Chromium, demo: Demo, role: str, **more: Any) -> "Member":
        """Sign in by the demo's staff link: choose the role and send the code that the page shows."""
        member = cls(Person.arrive(chromium, demo, LAPTOP, **more))
        member.person.open(demo.card["staff_sign_in_url"])
        member.person.see("Demo only")
        member.click(f"As {role}")
        member.person.see("no phone follows this clock")
        member.click("Sign in")
        expect(member.page.get_by_role("navigation", name="Staff")).to_be_visible()
        member.clicks = 0
        return member

    @classmethod
    def join(cls, person: Person, email: str) -> "Member":
        """Somebody invited signs in for the first time: by the address in the invitation, the link that is mailed then, and an
        authenticator set up with the key on the page."""
        person.demo.now()  # once the invitation is sent
        person.open(person.demo.letter(email, "You may sign in").link("/staff/sign-in"))
        person.page.get_by_label("Your email").fill(email)
        person.press("Mail me a link")
        now = person.demo.now()
        person.open(person.demo.letter(email, "sign-in link").link("/staff/sign-in/link/"))
        person.press("Sign me in")
        person.see("Set up your authenticator")
        key = person.page.locator(".enrol-key").inner_text()
        person.page.get_by_role("textbox", name="Code").fill(
            codes.code_at(key.replace(" ", ""), codes.step_of(now))
        )
        person.page.get_by_role("button", name="Sign in").click()
        member = cls(person)
        expect(member.page.get_by_role("navigation", name="Staff")).to_be_visible()
        return member

    @property
    def page(self) -> Any:
        """The browser's page."""
        return self.person.page

    def can_use(self) -> None:
        """The page is usable by everybody, at a desk and on a phone. Raises AssertionError for any violation that axe knows."""
        for size in (PHONE["viewport"], LAPTOP["viewport"]):
            self.page.set_viewport_size(size)
            barriers = accessibility_barriers(self.page, ANY)
            assert barriers == [], (barriers, self.page.url, size)

    def click(self, name: str, role: Any = "button") -> None:
        """Click the first element of this ARIA role whose name matches."""
        self.clicks += 1
        self.page.get_by_role(role, name=re.compile(name)).first.click()

    def type(self, label: str, words: str) -> None:
        """Fill in the field with this label."""
        self.typed.append(words)
        self.page.get_by_label(label).first.fill(words)

    def find(self, email: str) -> None:
        """Find a reader with one click: the search box is on the first page and on every reader's page."""
        self.page.get_by_label("Find a reader").fill(email)
        self.click("Find")
        expect(self.page.get_by_role("heading", name=email)).to_be_visible()
