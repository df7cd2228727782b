"""What the ECT Act asks a shop to give a reader before an order (s43(1), ECT-1), held against the pages that the checkout leads to."""

import re
from collections.abc import Callable

import pytest

from billing.dev import seed
from billing.platform.actors import Command
from tests.support.polling import until
from tests.support.world import World

PLACES = {"/subscribe/review", "/about", "/terms", "/privacy", "/refunds"}
CHECKLIST = (
    # the item of s43(1); the page that has it; words of the page
    ("a: full name", "/about", "Swartberg Post Media (Pty) Ltd"),
    ("a: legal status", "/about", "private company"),
    ("b: physical address and phone", "/about", "14 Kerk Street, Kransrivier, 6999"),
    ("b: phone", "/about", "+27 49 000 0100"),
    ("c: web address and e-mail address", "/about", "hello@swartbergpost.example"),
    ("d: memberships", "/about", "Press Council of South Africa"),
    ("e: codes of conduct", "/about", "and its Press Code"),
    ("f: registration number and place", "/about", "2011/000018/07, Kransrivier, South Africa"),
    ("f: directors", "/about", "N. Daniels, T. Mokoena"),
    ("g: address for legal service", "/about", "1 Court Street, Kransrivier, 6999"),
    ("h: main characteristics", "/about", "Every article"),
    ("i: full price with all costs", "/subscribe/review", "R75.00 a month incl. VAT"),
    ("j: manner of payment", "/subscribe/review", "Card next, on our payment partner’s secure page"),
    ("k: terms, and how to keep them", "/terms", "Print this page, or save it."),
    ("l: time of delivery", "/about", "everything opens when you start"),
    ("m: full record, how and how long", "/about", "for at least five years"),
    ("n: return, exchange, refund policy", "/refunds", "The whole charge returns to your card."),
    ("o: code for disputes", "/about", "decides where we don’t agree, by its code"),
    ("p: security and privacy", "/privacy", "How payment is secured"),
    ("q: shortest time of a recurring supply", "/about", "Shortest time one month"),
    ("r: rights of section 44", "/about", "section 44 of the Electronic Communications and Transactions Act"),
)  # fmt: skip


@pytest.fixture
def shop(make_world: Callable[..., World]) -> World:
    world = make_world(
        publisher_memberships="Press Council of South Africa and its Press Code",
        publisher_complaints_url="https://presscouncil.example",
        publisher_service_address="1 Court Street, Kransrivier, 6999",
    )
    services = world.services
    with services.database.begin(services.site, world.now, Command()) as ctx:
        seed.legal_documents(ctx)
    until(lambda: len(world.services.publisher.house.documents) == 3, "the web process to have all three")
    return world


def test_every_item_stands_on_a_page_that_the_review_leads_to(shop: World) -> None:
    browser = shop.browser()
    browser.get("/subscribe")
    review = browser.post("/subscribe", email="thandi@example.org")
    assert review.path == "/subscribe/review"
    words = {"/subscribe/review": review.words}
    linked = set(re.findall(r'href="(/[a-z]+)"', review.text))
    for path in PLACES - {"/subscribe/review"}:
        assert path in linked
        words[path] = browser.get(path).words
    missing = [(item, path) for item, path, text in CHECKLIST if text not in words[path]]
    assert missing == [], words
    assert {item[0] for item, _, _ in CHECKLIST} == set("abcdefghijklmnopqr")
    assert 'href="tel:' in browser.get("/about").text
