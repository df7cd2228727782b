"""A reader who closes the account is erased: nothing that names them stays, and nothing that the law asks for goes."""

from datetime import date
from pathlib import Path

from billing.dev import seed
from billing.reports.doctor import values
from tests.support.books import write_books
from tests.support.erasures import ask_for, left_over, mentions
from tests.support.independent_calendar import BROKEN, assert_promises_kept
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def export(world: World, folder: Path) -> dict[str, bytes]:
    """The bookkeeper's files of March, by name."""
    paths = write_books(world, folder, date(2027, 3, 1), date(2027, 3, 31))
    return {path.name: path.read_bytes() for path in paths}


def test_everything_that_names_the_reader_is_gone(world: World, paid: Subscriber, tmp_path: Path) -> None:
    fast_forward(world, local(2027, 3, 31, 14))  # past the days in which the first charge goes back
    ask_for(world, paid.reader_id)
    world.advance_to(local(2027, 4, 1, 9))  # March's revenue is recognised by then
    before = export(world, tmp_path / "before")
    assert left_over(world, paid.reader_id)
    world.advance(days=2)
    assert left_over(world, paid.reader_id) == []
    assert mentions(world, paid.email) == []
    assert export(world, tmp_path / "after") == before
    (row,) = world.rows("SELECT email FROM reader WHERE id = :id", id=paid.reader_id)
    assert row["email"] == f"{paid.reader_id}@erased.invalid"
    (customer,) = world.sandbox.objects("customer")
    assert customer.get("deleted") is True
    assert_promises_kept(world)


NAMES = ("thandi.naidoo@example.com", "Naidoo", "Kerk Street 7", "Ouma Thandi", "Firefox/151")


def leave_traces(world: World) -> str:
    """A reader who uses everything; the reader's id."""
    email = NAMES[0]
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    browser = world.browser()
    browser.http.headers["user-agent"] = "Mozilla/5.0 Firefox/151"
    browser.start(email)
    world.advance(days=16)
    browser.get("/account")
    browser.post("/sign-out")
    browser.sign_in(email)
    reader = str(world.rows("SELECT id FROM reader")[0]["id"])
    api, invoice = world.api, world.rows("SELECT id FROM invoice")[0]["id"]
    browser.get("/account/invoice-details")
    browser.post(
        "/account/invoice-details",
        name="Ouma Thandi Naidoo",
        address="Kerk Street 7, Prince Albert",
        vat_number="",
    )
    browser.get(f"/account/receipts/{invoice}")
    browser.post(f"/account/receipts/{invoice}")
    browser.get("/newsletters")
    browser.post("/newsletters", newsletter=["the-long-read"])
    browser.get("/contact")
    browser.post("/contact", kind="other", email=email, words="It is Ouma Thandi, please call.")
    (request,) = world.rows("SELECT id FROM reader_request")
    browser.get(f"/account/requests/{request['id']}")
    browser.post(f"/account/requests/{request['id']}", words="At Kerk Street 7, I mean.")
    assert world.rows("SELECT words FROM request_message") == [{"words": "At Kerk Street 7, I mean."}]
    api.post(f"/v1/readers/{reader}/notes", json={"words": "Mrs Naidoo rang"}).raise_for_status()
    gift = api.post(f"/v1/articles/{world.articles['subscriber'][0]}/gifts", json={"reader_id": reader})
    gift.raise_for_status()
    for article in world.articles["metered"]:
        world.access(article, reader)
    key = {"Idempotency-Key": "days-1"}
    subscription = world.rows("SELECT id FROM subscription")[0]["id"]
    path = f"/v1/subscriptions/{subscription}/extend"
    api.post(path, json={"days": 3, "reason": "Naidoo asked"}, headers=key).raise_for_status()
    browser.get("/account/cancel")
    browser.post("/account/cancel", reason="price", comment="Kerk Street 7 is too far")
    world.settle()
    return reader


def test_all_that_a_reader_leaves_behind_goes(world: World) -> None:
    reader = leave_traces(world)
    before = mentions(world, *NAMES)
    assert {where.partition(":")[0] for where in before} >= {
        *(
            "reader",
            "reader_session",
            "consent",
            "invoice_recipient",
            "signup",
            "signup_change",
            "reader_request",
        ),
        *("reader_note", "message", "card_setup", "subscription_change", "audit_line"),
    }
    ask_for(world, reader)
    world.advance(days=3)
    assert mentions(world, *NAMES) == []
    assert left_over(world, reader) == []
    assert world.rows("SELECT id FROM reader_request WHERE closed_at IS NULL") == []
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []


def test_a_year_above_the_limit_keeps_the_name_that_its_tax_invoice_needs(
    world: World, paid: Subscriber
) -> None:
    fast_forward(world, local(2027, 3, 31, 14))
    world.execute(
        "INSERT INTO invoice_recipient (id, reader_id, name, address, entered_at)"
        " SELECT 'rcp_1', reader_id, 'Karoo Library', 'Kerk Street 7', paid_at FROM invoice"
    )
    world.execute("UPDATE invoice SET recipient_id = 'rcp_1', gross = 600000, net = 521739, vat = 78261")
    ask_for(world, paid.reader_id)
    world.advance(days=2)
    assert [row["name"] for row in world.rows("SELECT name FROM invoice_recipient")] == ["Karoo Library"]
    assert left_over(world, paid.reader_id) == []
