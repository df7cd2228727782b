"""One reader's data is hidden from all others (SEC-7)."""

import re

import pytest

from billing.platform.site import CANCEL, CARD
from tests.support.routes import routes
from tests.support.signed_in import signed_in
from tests.support.table_contents import changed, contents
from tests.support.two_readers import PAYING, TRYING, TwoReaders


def own_marks(readers: TwoReaders, email: str) -> list[str]:
    """What only this reader's pages may hold."""
    names = readers.names[email]
    marks = [email, *(names[name] for name in ("reader_id", "subscription_id", "invoice_id", "payment_id"))]
    return [mark for mark in marks if mark != "none"]


def test_no_page_shows_one_reader_anything_of_the_other(readers: TwoReaders) -> None:
    """The second reader requests every page with the first one's ids in the address."""
    shown = []
    setups = [
        row["id"] for row in readers.world.rows("SELECT id FROM card_setup WHERE email = :of", of=PAYING)
    ]
    pages = [route for route in routes(readers.world) if route.is_page and route.method == "GET"]
    addresses = [route.at(**readers.names[PAYING], token="x.y") for route in pages]
    addresses += [f"/subscribe/back?setup={setup}" for setup in setups]
    for address in addresses:
        if address.startswith(("/mailbox", "/openapi")):
            continue  # the demo's mailbox shows every mail to whoever runs the demo
        answer = readers.trier.get(address)
        path = answer.response.url.path
        text = answer.text.replace(path, "")
        shown += [f"{address} shows {mark}" for mark in own_marks(readers, PAYING) if mark in text]
    assert shown == []


def test_anothers_receipt_is_as_unknown_as_one_that_never_was(readers: TwoReaders) -> None:
    invoice = readers.names[PAYING]["invoice_id"]
    assert readers.payer.get(f"/account/receipts/{invoice}").status == 200
    theirs = readers.trier.get(f"/account/receipts/{invoice}")
    never = readers.trier.get("/account/receipts/inv_00000000000000000000000000")
    assert (theirs.status, theirs.words) == (never.status, never.words)
    assert theirs.status == 404
    assert readers.world.browser().get(f"/account/receipts/{invoice}").path == "/sign-in"


def test_anothers_thread_is_as_unknown_as_one_that_never_was(readers: TwoReaders) -> None:
    world = readers.world
    payer = signed_in(world, PAYING)
    payer.get("/contact")
    payer.post("/contact", kind="other", words="Mine alone.")
    (request,) = world.rows("SELECT id FROM reader_request")
    thread, never = f"/account/requests/{request['id']}", "/account/requests/req_00000000000000000000000000"
    assert payer.get(thread).status == 200
    trier = signed_in(world, TRYING)
    theirs, nobodys = trier.get(thread), trier.get(never)
    assert (theirs.status, theirs.words) == (nobodys.status, nobodys.words)
    assert theirs.status == 404
    assert "You have asked us nothing yet." in trier.get("/account/requests").words
    csrf = trier.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    same_site = {"sec-fetch-site": "same-origin"}
    sent = trier.http.post(thread, data={"csrf": csrf, "words": "Let me in."}, headers=same_site)
    assert sent.status_code == 404
    assert world.rows("SELECT 1 FROM request_message") == []


def test_the_card_page_of_another_browser_can_not_be_finished_or_looked_at(readers: TwoReaders) -> None:
    world, owner, thief = readers.world, readers.world.browser(), readers.world.browser()
    owner.get("/subscribe")
    owner.post("/subscribe", email="zanele@example.com")
    page = owner.open_card_page()
    target = world.sandbox.fill_in(page)
    before = contents(world)
    assert thief.get(target).status == 404
    setup = re.findall(r"setup=(\w+)", target)[0]
    thief.http.cookies.set("masthead-setup", setup)
    thief.get("/subscribe/started")
    assert thief.page.path == "/sign-in"
    assert thief.get("/subscribe/back").status == 404
    assert "masthead-session" not in thief.http.cookies
    assert set(changed(before, contents(world))) <= {"inbound_event", "rate_count"}


@pytest.mark.parametrize("purpose", [CANCEL, CARD])
def test_a_mailed_link_is_for_its_own_subscription(readers: TwoReaders, purpose: str) -> None:
    stranger = readers.world.browser()
    token = readers.token(purpose, PAYING)
    page = stranger.get(f"/{purpose}/{token}")
    assert page.status == 200
    assert TRYING not in page.text
    subject, _, mac = token.rpartition(".")
    for forged in (
        f"{readers.names[TRYING]['subscription_id']}.{mac}",
        f"{subject}.{mac[:-1]}",
        f"{subject}.{mac.swapcase()}",
        f"{subject}.",
        f".{mac}",
        mac,
    ):
        fresh = readers.world.browser()
        assert fresh.get(f"/{purpose}/{forged}").status in (404, 405), forged
        assert fresh.get(f"/{purpose}").status == 404
