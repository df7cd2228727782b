"""Every fault of the sandbox, with everything that moves money or starts something. In the end nothing is doubled or
missing, as without the fault.

Faults and kinds of trouble come from the sandbox's own tables, so a new one is tried by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from billing.dev.sandbox import faults, webhook_faults
from billing.reconcile.schedule import AFTER_MIDNIGHT
from billing.rules.periods import start_of_day
from tests.proofs.crowd import confirmed_in_person
from tests.support import ledger_checks
from tests.support.databases import Databases
from tests.support.world import ZONE, World, local

Act = Callable[[World], None]
PATIENCE = 6
"""How often a person or a program tries again after a failure."""


def start_by_page(world: World) -> None:
    """A reader starts a trial in a browser, and tries again when a page says that Stripe is away."""
    browser = world.browser()
    for _ in range(PATIENCE):
        browser.get("/subscribe")
        browser.post("/subscribe", email="starts@example.com")
        browser.http.follow_redirects = False
        answer = browser.post("/subscribe/review", consent="yes")
        browser.http.follow_redirects = True
        if answer.status == 303:
            browser.get(world.sandbox.fill_in(answer.response.headers["location"], "4242424242424242"))
            return
        assert answer.status == 503, answer.words
    raise AssertionError("the reader gave up")


def start_by_app(world: World) -> None:
    """An app repeats its call with the same Idempotency-Key as long as the answer says so."""
    consent = {
        "text_version": "app-1",
        "accepted_at": START.isoformat(),
        "ip": "196.25.1.9",
        "user_agent": "App/1",
    }
    body = {"email": "app@example.com", "payment_method": "pm_card_visa__2", "consent": consent}
    for _ in range(PATIENCE):
        answer = world.api.post("/v1/trials", json=body, headers={"Idempotency-Key": "start-1"})
        if answer.status_code == 201:
            return
        assert answer.status_code == 503, answer.text
    raise AssertionError("the app gave up")


def renew(world: World) -> None:
    """The first charges of all, and the renewals a month later, fall due while Stripe fails; for `pays` alone it is the
    second charge."""
    world.settle()


def change_card(world: World) -> None:
    """A reader who owes gives another card, which is charged at once."""
    browser = world.browser()
    link = world.mailed_link("owes@example.com", "/card/")
    for _ in range(PATIENCE):
        browser.get(link)
        browser.http.follow_redirects = False
        answer = browser.post("/card")
        browser.http.follow_redirects = True
        if answer.status == 303:
            browser.get(world.sandbox.fill_in(answer.response.headers["location"], "5555555555554444"))
            return
        assert answer.status == 503, answer.words
    raise AssertionError("the reader gave up")


def confirm(world: World) -> None:
    """A bank requires confirmation: the mailed link leads to the hosted page, 3-D Secure and back."""
    browser = world.browser()
    link = world.mailed_link("asks@example.com", "/pay/")
    for _ in range(PATIENCE):
        browser.get(link)
        browser.http.follow_redirects = False
        answer = browser.post("/pay/page")
        browser.http.follow_redirects = True
        if answer.status == 303:
            browser.get(world.sandbox.pay_kept(answer.response.headers["location"]))
            return
        assert answer.status == 503, answer.words
    raise AssertionError("the reader gave up")


def refund(world: World) -> None:
    """Refund a part of a payment."""
    payment = world.rows(
        "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = 'pays@example.com' ORDER BY p.paid_at"
    )[0]["id"]
    body = {"amount": 2500, "reason": "A kindness."}
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json=body)
    assert answer.status_code == 201, answer.text
    world.settle()


START = local(2027, 3, 1, 10)
STORY: list[tuple[str, datetime, Act]] = [
    ("start by page", START, start_by_page),
    ("start by app", START, start_by_app),
    ("first charge", local(2027, 3, 16, 9), renew),
    ("3-D Secure", local(2027, 3, 17, 12), confirm),
    ("retry", local(2027, 3, 19, 9), renew),
    ("card change", local(2027, 3, 20, 12), change_card),
    ("refund", local(2027, 3, 21, 12), refund),
    ("reconcile", start_of_day(date(2027, 3, 22), ZONE) + AFTER_MIDNIGHT, World.settle),
    ("renewal", local(2027, 4, 16, 9), renew),
]
END = local(2027, 4, 20, 12)
RECOVERY = timedelta(hours=3)
SURPRISE = ["history", "visits"]
"""Differences that a fault may cause: moments in the history, and visits to card pages without a result."""
Arm = Callable[[World], None]


def live(world: World, arm: Arm | None = None, struck: Counter[str] | None = None) -> dict[str, Any]:
    """Run the story with the fault in each act, and end the fault after a while. Return the final state. `struck` counts
    affected requests.
    """
    world.start_trial("pays@example.com", "pm_card_visa__11")
    world.start_trial("owes@example.com", "pm_card_visa__12")
    world.start_trial("asks@example.com", confirmed_in_person(world, "pm_card_authenticationRequired__13"))
    owes = "SELECT gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = 'owes@example.com'"
    world.sandbox.decline(world.rows(owes)[0]["gateway_ref"], "insufficient_funds")
    for _name, at, act in STORY:
        if at > world.now:
            world.advance_to(at - timedelta(seconds=1))
            world.skip_to(at)
        if arm is not None:
            arm(world)
        act(world)
        world.settle()
        heal(world, Counter() if struck is None else struck)
    world.advance_to(END)
    ledger_checks.check(world)
    assert world.rows("SELECT through FROM reconciliation WHERE done_at IS NULL OR differences > 0") == []
    assert world.rows("SELECT kind, subject, what FROM staff_case") == []
    return ledger_checks.without_moments(ledger_checks.end_state(world, without=SURPRISE))


def heal(world: World, struck: Counter[str]) -> None:
    """Count the affected requests, then end the fault. Late answers arrive, and unknown outcomes are settled."""
    for rule in world.sandbox.http.get("/_sandbox/faults").json()["faults"]:
        struck[f"{rule['method']} {rule['path']}"] += rule["hit"]
    for rule in world.sandbox.http.get("/_sandbox/trouble").json()["trouble"]:
        struck["events"] += rule["hit"]
    world.sandbox.faults()
    world.sandbox.trouble()
    if world.now < END - RECOVERY:
        world.advance(seconds=RECOVERY.total_seconds())


@pytest.fixture(scope="module")
def undisturbed(databases: Databases) -> Iterator[dict[str, Any]]:
    """How it ends when Stripe is well."""
    with databases.fresh() as url, World(url, START, charge_concurrency=1) as world:
        state = live(world)
        states = {row["email"].partition("@")[0]: row["state"] for row in state["subscriptions"]}
        assert states.pop("asks") == "past_due", "its bank asks each time"
        assert set(states.values()) == {"active"}
        assert state["charges"].count((7500, "succeeded")) == 9
        assert state["returned"] == [(2500, "succeeded")]
        yield state


ALWAYS_CALLED = {
    "POST /v1/customers",
    "POST /v1/checkout/sessions",
    "GET /v1/checkout/sessions*",
    "POST /v1/setup_intents",
    "POST /v1/payment_intents",
    "POST /v1/refunds",
    "GET /v1/balance_transactions*",
}
WHEN_IN_DOUBT = {"GET /v1/payment_intents*", "GET /v1/refunds*"}


def met(world: World, effect: str) -> None:
    """One call of each kind fails, often enough that the library's own second try fails too."""
    world.sandbox.faults(
        *(
            {"effect": effect, "method": method, "path": path, "times": 2, "seconds": 0.2}
            for method, _, path in (each.partition(" ") for each in sorted(ALWAYS_CALLED | WHEN_IN_DOUBT))
        )
    )


@pytest.mark.prove
@pytest.mark.parametrize("effect", faults.EFFECTS)
def test_a_fault_on_every_call(
    make_world: Callable[..., World], undisturbed: dict[str, Any], effect: str
) -> None:
    world = make_world(charge_concurrency=1)
    struck: Counter[str] = Counter()
    assert live(world, lambda each: met(each, effect), struck) == undisturbed
    assert {path for path in ALWAYS_CALLED if not struck[path]} == set()


@pytest.mark.prove
@pytest.mark.parametrize("effect", webhook_faults.EFFECTS)
def test_every_trouble_with_webhooks(
    make_world: Callable[..., World], undisturbed: dict[str, Any], effect: str
) -> None:
    world = make_world(charge_concurrency=1)
    struck: Counter[str] = Counter()
    assert live(world, lambda each: each.sandbox.trouble({"effect": effect}), struck) == undisturbed
    assert struck["events"] > 20
