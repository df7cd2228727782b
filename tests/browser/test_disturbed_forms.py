"""Each form of a subscription, disturbed in Chromium: a double click, a second tab, back, reload, midnight, a session that has ended.

Whatever happens, the form acts once or not at all, and the reader sees a page that says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.support.person import PHONE
from tests.support.shared_chromium import Chromium
from tests.support.signed_in import signed_in
from tests.support.starting_points import fast_forward, subscriber
from tests.support.walker import Walker
from tests.support.world import ZONE, World, local

pytestmark = pytest.mark.browser

NOTHING_YET = "Nothing has happened yet"


@dataclass(frozen=True)
class FormPage:
    """A page with a form: what is filled in first, the button, and the table in which acting adds one row."""

    path: str
    button: str
    table: str
    begins: str = "paid"
    ticks: tuple[str, ...] = ()
    types: tuple[tuple[str, str], ...] = ()

    def fill(self, who: Walker) -> None:
        """Fill in what the form asks for."""
        for selector in self.ticks:
            who.tick(selector)
        for label, words in self.types:
            who.fill(label, words)


FORMS = {
    "plan": FormPage(
        "/account/plan?to=yearly", "Agree, and pay by the year", "subscription_change", ticks=(".consent input",)
    ),
    "charge day": FormPage(
        "/account/charge-day?day=25", "Agree, and pay on the 25th", "subscription_change", ticks=(".consent input",)
    ),
    "pause": FormPage("/account/pause", "Pause my subscription", "subscription_change"),
    "cancel": FormPage("/account/cancel", "Cancel my subscription", "subscription_change"),
    "undo": FormPage("/account/resume", "Keep my subscription", "subscription_change", "cancelled"),
    "withdraw": FormPage("/account/withdraw", "Confirm: withdraw and return", "refund"),
    "erase": FormPage("/account/erase", "Close my account and erase my data", "erasure"),
    "invoice details": FormPage(
        "/account/invoice-details", "Save my invoice details", "invoice_recipient",
        types=(("Full name or company", "Nkosi Trading"), ("Postal address", "1 Dam Road")),
    ),
    "request": FormPage(
        "/contact", "Send it", "reader_request",
        ticks=("input[name=kind][value=other]",), types=(("Your message", "The paper came wet."),),
    ),
}  # fmt: skip


def rows(world: World, form: FormPage) -> int:
    """How many rows the form's table has."""
    return int(world.rows(f"SELECT count(*) AS n FROM {form.table}")[0]["n"])


def reach(who: Walker, form: FormPage) -> None:
    who.open(form.path)
    form.fill(who)


def double_click(who: Walker, form: FormPage) -> int:
    reach(who, form)
    with who.page.expect_event("load"):  # the first press is given up, and has no page
        who.target(form.button).dblclick()
    return 1


def second_tab(who: Walker, form: FormPage) -> int:
    other = Walker(who.world, who.page.context.new_page())
    for tab in (who, other):
        reach(tab, form)
    who.tap(form.button)
    other.tap(form.button)
    who.statuses += other.statuses
    return 1


def back(who: Walker, form: FormPage) -> int:
    reach(who, form)
    who.tap(form.button)
    who.page.go_back()
    if who.target(form.button).is_visible():
        form.fill(who)
        who.tap(form.button)
    return 1


def reload(who: Walker, form: FormPage) -> int:
    reach(who, form)
    who.page.reload()
    form.fill(who)
    who.tap(form.button)
    who.page.reload()
    assert who.statuses[-1] < 400
    return 1


def ended_session(who: Walker, form: FormPage) -> int:
    reach(who, form)
    elsewhere = signed_in(who.world, who.email)
    elsewhere.get("/account")
    elsewhere.post("/sign-out-everywhere")
    who.tap(form.button)
    if form.table == "reader_request":
        assert who.page.get_by_label("Your message").input_value() == "The paper came wet."
    else:
        assert who.page.url.endswith("/sign-in")
    return 0


DISTURBED: list[Any] = [
    double_click,
    second_tab,
    ended_session,
    *(pytest.param(way, marks=pytest.mark.prove) for way in (back, reload)),
]


@pytest.mark.parametrize("disturb", DISTURBED)
@pytest.mark.parametrize("name", FORMS)
def test_a_disturbed_form_acts_once_or_not_at_all(
    world: World, chromium: Chromium, name: str, disturb: Callable[[Walker, FormPage], int]
) -> None:
    form = FORMS[name]
    with chromium.context(**PHONE) as context:
        who = Walker(world, context.new_page(), subscriber(world, form.begins).email)
        who.sign_in()
        before = rows(world, form)
        expected = disturb(who, form)
        world.settle()
        assert rows(world, form) - before == expected
        assert max(who.statuses) < 500
        assert who.page.locator("h1").inner_text()


@pytest.mark.parametrize("name", FORMS)
def test_midnight_between_page_and_press(world: World, chromium: Chromium, name: str) -> None:
    """What the page has promised is done; if the days have moved, the page comes again and names them, and a second press acts."""
    form = FORMS[name]
    with chromium.context(**PHONE) as context:
        who = Walker(world, context.new_page(), subscriber(world, form.begins).email)
        midnight = (world.now.astimezone(ZONE) + timedelta(days=1)).replace(hour=0, minute=0)
        fast_forward(world, midnight - timedelta(seconds=10))
        who.sign_in()
        before = rows(world, form)
        reach(who, form)
        world.advance(seconds=20)
        who.tap(form.button)
        if rows(world, form) == before:
            who.see(NOTHING_YET)
            form.fill(who)
            who.tap(form.button)
        assert rows(world, form) - before == 1
        assert max(who.statuses) < 500


STARTED, CARD_PAGE = FormPage("", "", "subscription"), FormPage("", "", "card_setup")


def agree(who: Walker) -> None:
    who.page.locator(".consent input").check()
    who.target("Agree and continue to the card").click()


def to_the_review(who: Walker) -> None:
    who.open("/subscribe")
    who.fill("Your email", "new@example.com")
    who.tap("Continue")


@pytest.mark.parametrize("disturbed", ["double click", "second tab", "back", "reload", "midnight", "ended"])
def test_a_start_that_is_disturbed_starts_one_subscription(
    world: World, chromium: Chromium, disturbed: str
) -> None:
    with chromium.context(**PHONE) as context:
        who = Walker(world, context.new_page())
        if disturbed == "midnight":
            world.advance_to(local(2027, 3, 1, 23, 59, 50))
        to_the_review(who)
        match disturbed:
            case "double click":
                who.page.locator(".consent input").check()
                who.target("Agree and continue to the card").dblclick()
            case "second tab":
                other = Walker(world, context.new_page())
                to_the_review(other)
                agree(other)
                other.give_card()
                other.page.wait_for_url("**/subscribe/started")
                agree(who)
                who.see("already")
            case "back":
                agree(who)
                who.page.wait_for_url("**/c/pay/**")
                who.page.go_back()
                agree(who)
            case "reload":
                who.page.reload()
                agree(who)
                who.page.wait_for_url("**/c/pay/**")
                who.page.reload()
            case "midnight":
                world.advance(seconds=20)
                agree(who)
                who.see(NOTHING_YET)
                agree(who)
            case "ended":
                context.clear_cookies()
                agree(who)
                assert rows(world, CARD_PAGE) == 0
                to_the_review(who)
                agree(who)
        if disturbed != "second tab":
            who.give_card()
            who.page.wait_for_url("**/subscribe/started")
        world.settle()
        assert rows(world, STARTED) == 1
        assert max(who.statuses) < 500
