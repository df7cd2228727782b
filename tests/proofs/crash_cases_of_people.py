"""Crash cases of readers, of programs and of events: a request that dies while it is answered, and what they do then."""

import json
from datetime import timedelta
from typing import Any

import httpx

from billing.dev.sandbox.deliver import signature
from billing.payments.return_polls import LONGEST_CALL
from tests.proofs.crash_case import (
    Before,
    crash_case,
    follow,
    give_back,
    one,
    program,
    repeat,
    silence,
    stay,
)
from tests.support.browser import Browser
from tests.support.fork_server import WireRequest, on_the_wire
from tests.support.installation import WEBHOOK_SECRET
from tests.support.world import World

NEWCOMER = "newcomer@example.com"

# starting


def begin(world: World) -> Browser:
    """Go to the review page."""
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=NEWCOMER)
    return browser


def starts_again(world: World) -> None:
    """Start again from the beginning, as a reader does after a failed page."""
    assert begin(world).agree_and_pay().path == "/subscribe/started"


@crash_case("blank", starts_again)
def agrees_and_is_sent_to_the_card_page(world: World) -> WireRequest:
    silence(world)
    return on_the_wire(begin(world).filled("/subscribe/review", consent="yes"))


def way_back(world: World) -> httpx.Request:
    """Fill in the card page; return the request that brings the reader back."""
    browser = begin(world)
    silence(world)
    return browser.http.build_request("GET", world.sandbox.fill_in(browser.open_card_page()))


class Reload:
    """Load the return page, and load it again after a death. If the dead process was calling Stripe, the next call waits as long as
    that call could have taken."""

    def __init__(self) -> None:
        self._asked: WireRequest | None = None

    def first(self, request: httpx.Request) -> WireRequest:
        """Keep the request for the reload."""
        self._asked = on_the_wire(request)
        return self._asked

    def __call__(self, world: World) -> None:
        answer = self._load()
        if answer.status_code == 200:
            world.advance(seconds=LONGEST_CALL.total_seconds())
            answer = self._load()
        assert answer.status_code == 303, answer.text

    def _load(self) -> httpx.Response:
        assert self._asked is not None
        return httpx.get(self._asked.url, headers=self._asked.headers, trust_env=False, timeout=60)


from_card, from_payment, from_other_card = Reload(), Reload(), Reload()


@crash_case("blank", from_card, late=True)
def comes_back_from_the_card_page(world: World) -> WireRequest:
    return from_card.first(way_back(world))


@crash_case("blank")
def the_card_page_is_told_of_by_its_event(world: World) -> None:
    begin(world)
    silence(world, "setup_intent.*", "customer.*", "payment_method.*")
    browser = begin(world)
    world.sandbox.fill_in(browser.open_card_page())
    world.sandbox.settle()


@crash_case("blank")
def the_card_page_is_asked_for_at_its_end(world: World) -> None:
    way_back(world)
    world.skip_to(one(world, "SELECT next_poll_at FROM card_setup"))


CONSENT = {
    "text_version": "app-1",
    "accepted_at": "2027-01-04T08:00:00Z",
    "ip": "196.25.1.9",
    "user_agent": "App/1",
}


def _app(world: World) -> WireRequest:
    silence(world)
    body = {"email": NEWCOMER, "payment_method": "pm_card_visa__7", "consent": CONSENT}
    return program(world, "/v1/trials", body, **{"Idempotency-Key": "start-7"})


@crash_case("blank", repeat(_app))
def an_app_starts_a_trial(world: World) -> WireRequest:
    return _app(world)


# cancelling


def _of_the_subscription(act: str, **body: Any) -> Before:
    def before(world: World) -> WireRequest:
        silence(world)
        subscription = one(world, "SELECT id FROM subscription")
        path = f"/v1/subscriptions/{subscription}/{act}"
        return program(world, path, body, **{"Idempotency-Key": f"{act}-1"})

    return before


for name, before in {
    "cancels": _of_the_subscription("cancel"),
    "is_ended_now_with_the_money_back": _of_the_subscription("cancel", when="now", refund="last"),
    "withdraws": _of_the_subscription("withdraw"),
    "chooses_the_day_of_the_charge": _of_the_subscription("charge-day", day=25, reason="Payday."),
    "is_given_a_week": _of_the_subscription("extend", days=7, reason="A kindness."),
}.items():
    before.__name__ = name
    crash_case("paid", repeat(before))(before)


@crash_case("paid", repeat(lambda world: _erase(world)))
def a_program_closes_an_account(world: World) -> WireRequest:
    return _erase(world)


def _erase(world: World) -> WireRequest:
    silence(world)
    path = f"/v1/readers/{one(world, 'SELECT id FROM reader')}/erase"
    return program(world, path, {"reason": "asked in the app"}, **{"Idempotency-Key": "erase-1"})


@crash_case("paid", repeat(lambda world: _merge(world)))
def a_program_merges_two_accounts(world: World) -> WireRequest:
    return _merge(world)


def _merge(world: World) -> WireRequest:
    silence(world)
    world.execute(
        "INSERT INTO reader (id, email, created_at) VALUES ('rdr_other', 'other@example.com', :at) ON CONFLICT DO NOTHING",
        at=world.now,
    )
    path = f"/v1/readers/{one(world, 'SELECT reader_id FROM subscription')}/merge"
    body = {"other": "rdr_other", "reason": "one person"}
    return program(world, path, body, **{"Idempotency-Key": "merge-1"})


# paying in person


def with_money(world: World) -> None:
    """Let the card on record pay again, and drop webhooks."""
    world.sandbox.decline(one(world, "SELECT gateway_ref FROM payment_method LIMIT 1"), None)
    silence(world)


def presses_pay(world: World) -> None:
    """Press the button, unless the page says that it is paid or under way."""
    browser = follow(world, "/pay/")
    if 'action="/pay"' in browser.page.text:
        browser.post("/pay")


@crash_case("owing", presses_pay)
def pays_with_the_card_on_record(world: World) -> WireRequest:
    with_money(world)
    return on_the_wire(follow(world, "/pay/").filled("/pay"))


def fills_in(world: World, mailed: str, form: str, card: str) -> tuple[Browser, str]:
    """Go from a mailed link through the hosted page; return the browser and the address that leads back, not opened yet."""
    browser = follow(world, mailed)
    with stay(browser):
        page = str(browser.post(form).response.headers["location"])
    return browser, world.sandbox.fill_in(page, card)


def fills_in_the_payment_page(world: World) -> tuple[Browser, str]:
    """Fill in the payment page with the card on record."""
    return fills_in(world, "/pay/", "/pay/page", "4242424242424242__0")


def pays_on_the_page(world: World) -> None:
    """Pay on the same page again, with the same card."""
    browser, back = fills_in_the_payment_page(world)
    browser.get(back)


@crash_case("owing", pays_on_the_page)
def is_sent_to_the_payment_page(world: World) -> WireRequest:
    silence(world)
    return on_the_wire(follow(world, "/pay/").filled("/pay/page"))


def paid_on_the_page(world: World) -> httpx.Request:
    """Pay on the page; return the request that brings the reader back."""
    browser, back = fills_in_the_payment_page(world)
    return browser.http.build_request("GET", back)


@crash_case("owing", from_payment, late=True)
def comes_back_from_the_payment_page(world: World) -> WireRequest:
    silence(world)
    return from_payment.first(paid_on_the_page(world))


@crash_case("owing")
def the_payment_page_is_told_of_by_its_event(world: World) -> None:
    silence(world, "charge.*", "payment_intent.*")
    paid_on_the_page(world)
    world.sandbox.settle()
    silence(world)


@crash_case("owing")
def the_payment_page_runs_out(world: World) -> None:
    silence(world)
    with stay(follow(world, "/pay/")) as browser:
        browser.post("/pay/page")
    world.skip_to(one(world, "SELECT next_poll_at FROM attempt WHERE state = 'open'"))


def is_told_to_wait_or_pays(world: World) -> None:
    """Pay on a new page, which is there once the old one is closed."""
    world.settle()
    pays_on_the_page(world)


@crash_case("owing", is_told_to_wait_or_pays)
def asks_for_the_page_as_it_runs_out(world: World) -> WireRequest:
    silence(world)
    with stay(follow(world, "/pay/")) as browser:
        browser.post("/pay/page")
    world.skip_to(world.now + timedelta(minutes=55))
    return on_the_wire(follow(world, "/pay/").filled("/pay/page"))


def fills_in_another_card(world: World) -> tuple[Browser, str]:
    """Fill in the page for another card."""
    return fills_in(world, "/card/", "/card", "5555555555554444__9")


def gives_a_card(world: World) -> None:
    """Give another card and come back."""
    browser, back = fills_in_another_card(world)
    browser.get(back)


@crash_case("owing", gives_a_card)
def is_sent_to_the_page_for_another_card(world: World) -> WireRequest:
    silence(world)
    return on_the_wire(follow(world, "/card/").filled("/card"))


@crash_case("owing", from_other_card, late=True)
def comes_back_with_another_card(world: World) -> WireRequest:
    silence(world)
    browser, back = fills_in_another_card(world)
    return from_other_card.first(browser.http.build_request("GET", back))


@crash_case("paid", repeat(give_back))
def a_refund_is_asked_for(world: World) -> WireRequest:
    return give_back(world)


# Stripe


def _event(world: World) -> WireRequest:
    silence(world)
    charge = world.charges()[-1]
    body = {
        "id": "evt_again",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": charge["created"],
        "data": {"object": {"id": charge["payment_intent"], "object": "payment_intent"}},
    }
    raw = json.dumps(body).encode()
    signed = {"stripe-signature": signature(WEBHOOK_SECRET, int(world.now.timestamp()), raw)}
    return on_the_wire(world.api.build_request("POST", "/webhooks/stripe", content=raw, headers=signed))


@crash_case("paid", repeat(_event))
def an_event_arrives(world: World) -> WireRequest:
    return _event(world)
