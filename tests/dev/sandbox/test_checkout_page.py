"""The Checkout page by forms only, as in a browser without scripts."""

import re

import httpx
import pytest

from billing.dev.sandbox.checkout import read
from tests.dev.sandbox.stripe_calls import BACK, Stripe, a_customer, a_session
from tests.support.sandbox import Sandbox

GOOD = {"number": "4242 4242 4242 4242", "exp": "12 / 40", "cvc": "123", "holder": "Thandi Nkosi"}


def _text(answer: httpx.Response) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", answer.text)


@pytest.fixture
def page(stripe: Stripe) -> str:
    message = {"submit": {"message": "14 days free, then R75.00 a month."}}
    session = a_session(stripe, customer=a_customer(stripe).id, custom_text=message)
    return str(session.url)


def test_it_says_who_asks_for_what(sandbox: Sandbox, page: str) -> None:
    shown = sandbox.http.get(page)
    assert "Masthead" in shown.text
    assert "thandi@example.com" in shown.text
    assert "14 days free, then R75.00 a month." in shown.text
    assert f'href="{BACK}"' in shown.text
    assert "<script" not in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert 'value="4000 0025 0000 3155"' in sandbox.http.get(f"{page}?card=4000002500003155").text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"number": ""}, "Enter the card number"),
        ({"number": "4242 4242 4242 4241"}, "card number is invalid"),
        ({"number": "<b>"}, "card number is invalid"),
        ({"exp": "13 / 40"}, "Enter the expiry date"),
        ({"exp": "01 / 20"}, "in the past"),
        ({"cvc": "12"}, "security code is incomplete"),
        ({"holder": " "}, "Enter the name"),
    ],
)
def test_mistakes_are_named_beside_their_field(
    sandbox: Sandbox, page: str, wrong: dict[str, str], words: str
) -> None:
    answer = sandbox.http.post(page, data=GOOD | wrong)
    assert answer.status_code == 422
    assert words in _text(answer)
    assert 'aria-invalid="true"' in answer.text
    assert "<b>" not in answer.text
    assert sandbox.state()["counts"]["payment_method"] == 0


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "Your card has insufficient funds."),
        ("4000000000009987", "Your card was declined."),
        ("4000000000009979", "Your card was declined."),
        ("4000000000000069", "Your card has expired."),
        ("4000000000000127", "security code is incorrect"),
        ("4000000000000119", "An error occurred while processing your card."),
        ("4111111111111111", "used a non test card"),
    ],
)
def test_a_refused_card_is_explained_and_another_may_be_tried(
    sandbox: Sandbox, page: str, number: str, words: str
) -> None:
    answer = sandbox.http.post(page, data=GOOD | {"number": number})
    assert answer.status_code == 402
    assert words in _text(answer).replace("&#39;", "'")
    assert not re.search("lost|stolen", _text(answer), re.IGNORECASE)
    assert sandbox.http.post(page, data=GOOD).headers["location"].startswith("https://masthead.example/done")
    types = [event["type"] for event in sandbox.events()]
    assert types.count("setup_intent.setup_failed") == 1
    assert types.count("checkout.session.completed") == 1


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184", "4000008260003178"])
def test_three_d_secure_in_between(sandbox: Sandbox, stripe: Stripe, page: str, number: str) -> None:
    question = sandbox.http.post(page, data=GOOD | {"number": number}).headers["location"]
    assert 'id="complete"' in sandbox.http.get(question).text
    failed = sandbox.http.post(question, data={"outcome": "fail"}).headers["location"]
    assert "We are unable to authenticate your card" in sandbox.http.get(failed).text
    assert sandbox.http.post(question, data={"outcome": "complete"}).status_code == 404
    question = sandbox.http.post(page, data=GOOD | {"number": number}).headers["location"]
    done = sandbox.http.post(question, data={"outcome": "complete"}).headers["location"]
    session = done.partition("session=")[2]
    assert stripe.v1.checkout.sessions.retrieve(session).status == "complete"


def test_a_second_click_changes_nothing(sandbox: Sandbox, page: str) -> None:
    sandbox.http.post(page, data=GOOD)
    again = sandbox.http.post(page, data=GOOD)
    assert "already been saved" in again.text
    assert "already been saved" in sandbox.http.get(page).text
    assert sandbox.state()["counts"]["payment_method"] == 1


def test_nobody_knows_this_session(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/c/pay/cs_test_none").status_code == 404
    assert sandbox.http.post("/c/pay/cs_test_none", data=GOOD).status_code == 404
    assert sandbox.http.get("/c/authenticate/seti_none").status_code == 404


def test_a_copy_of_a_card_can_be_typed(sandbox: Sandbox, page: str) -> None:
    sandbox.http.post(page, data=GOOD | {"number": "4242424242424242__17"})
    entered = read(GOOD | {"number": "4242424242424242"}, needs_email=False, at=0)
    assert entered.card is not None
    kept = sandbox.objects("payment_method")[0]["card"]
    assert (kept["last4"], kept["fingerprint"] == entered.card.fingerprint) == ("4242", False)


def test_the_watch_page_shows_what_happened(sandbox: Sandbox, stripe: Stripe) -> None:
    from tests.dev.sandbox.stripe_calls import a_saved_card, charge

    empty = _text(sandbox.http.get("/_sandbox"))
    assert "No card has been charged yet." in empty
    owner = a_customer(stripe, name="<Thandi>")
    card = a_saved_card(stripe, "pm_card_visa", owner.id)
    paid = charge(stripe, card)
    stripe.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    sandbox.decline(card.id, "lost_card")
    with pytest.raises(Exception, match="declined"):
        charge(stripe, card)
    sandbox.faults({"effect": "429", "path": "/v1/nothing"})
    shown = sandbox.http.get("/_sandbox")
    for words in ("R75.00", "R5.00", "Visa ··4242", "paid", "lost card", "429", "&lt;Thandi&gt;"):
        assert words in shown.text
