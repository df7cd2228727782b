"""Lists of readers, subscriptions, payments and refunds: filters, what a row says, and who may see and download them."""

import csv
import io
import re

import pytest

from billing.mail.models import STOPPED_ANSWER
from billing.staff.lists.refunds import RefundProgress
from tests.support.browser import Browser
from tests.support.declined_charge import DECLINES
from tests.support.newsroom import Newsroom
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

PAYS, OWES, TRIES, LEAVES, FREE = (
    f"{name}@example.com" for name in ("pays", "owes", "tries", "leaves", "free")
)


@pytest.fixture
def five_readers(world: World) -> World:
    """17 March: one reader has paid, one's charge was declined, one is in a trial, one has cancelled in it, one never subscribed."""

    def live() -> None:
        world.start_trial(PAYS, external_id="crm-417")
        with world.browse() as browser:
            browser.start(OWES, DECLINES)
        world.advance(days=16)
        world.start_trial(TRIES, "pm_card_mastercard")
        leaving = world.start_trial(LEAVES, "pm_card_amex")
        world.api.post(
            f"/v1/subscriptions/{leaving['subscription']['id']}/cancel", json={}
        ).raise_for_status()
        Newsroom(world).add_reader(FREE)

    world.once("five readers, as staff list them", live)
    return world


def listed(browser: Browser, query: str, of: str = "readers") -> set[str]:
    """Who is in the list, by the part of the address before @."""
    return set(re.findall(r"([\w-]+)@example\.com</a>", browser.get(f"/staff/{of}?{query}").text))


def test_readers_by_how_they_stand(five_readers: World, staff: SignIn) -> None:
    support = staff("support")
    assert listed(support, "") == {"pays", "owes", "tries", "leaves", "free"}
    for state, who in {
        "paid": {"pays"},
        "overdue": {"owes"},
        "trial": {"tries"},
        "cancelled": {"leaves"},
        "free": {"free"},
        "paused": set(),
        "ended": set(),
    }.items():
        assert listed(support, f"state={state}") == who, state
        if state != "free":
            assert listed(support, f"state={state}", "subscriptions") == who, state
    five_readers.advance(days=20)
    support = staff("support")
    assert listed(support, "state=ended") == {"leaves", "owes"}
    assert listed(support, "state=ended", "subscriptions") == {"leaves", "owes"}
    assert listed(support, "ended_from=2027-03-31&ended_through=2027-03-31", "subscriptions") == {"leaves"}
    assert listed(support, "ended_from=2027-04-01", "subscriptions") == {"owes"}
    assert "31 March 2027" in support.get("/staff/subscriptions?ended_through=2027-03-31").words


def test_readers_by_what_comes(five_readers: World, staff: SignIn) -> None:
    support = staff("support")
    assert listed(support, "due_from=2027-04-01&due_through=2027-04-01") == {"tries"}
    assert listed(support, "due_from=2027-04-16&due_through=2027-04-16") == {"pays"}
    assert listed(support, "due_through=2027-03-31") == {"owes"}, "the retry"
    assert listed(support, "owing=yes") == {"owes"}
    assert listed(support, "owing=yes&state=paid") == set()
    (ends,) = five_readers.rows(
        "SELECT DISTINCT card_expires_on AS on FROM subscription WHERE state = 'active'"
    )
    assert "pays" in listed(support, f"card_ends={ends['on']:%Y-%m}")
    assert listed(support, "card_ends=2026-01") == set()
    assert listed(support, "since_from=2027-03-17") == {"tries", "leaves", "free"}
    assert listed(support, "since_through=2027-03-01") == {"pays", "owes"}
    assert listed(support, "cancelled_from=2027-03-17", "subscriptions") == {"leaves"}
    assert listed(support, "plan=yearly") == set()
    for of in ("readers", "subscriptions"):
        assert listed(support, "plan=monthly", of) == {"pays", "owes", "tries", "leaves"}, of
    price = five_readers.rows("SELECT price_id FROM subscription LIMIT 1")[0]["price_id"]
    assert listed(support, f"price={price}&plan=monthly&state=trial") == {"tries"}


def test_readers_by_their_mail(five_readers: World, staff: SignIn) -> None:
    support, news = staff("support"), Newsroom(five_readers)
    news.join(TRIES)
    news.join(FREE)
    assert listed(support, f"newsletter={news.list_id}") == {"tries", "free"}
    assert listed(support, f"newsletter={news.list_id}", "subscriptions") == {"tries"}
    assert listed(support, f"newsletter={news.list_id}&state=paid", "subscriptions") == set()
    assert listed(support, "bounced=yes") == set()
    five_readers.execute(
        "UPDATE message SET state = 'refused', accepted_at = NULL WHERE id = ("
        "SELECT id FROM message WHERE recipient = :mail ORDER BY id DESC LIMIT 1)",
        mail=PAYS,
    )
    assert listed(support, "bounced=yes") == {"pays"}
    assert listed(support, "bounced=yes", "subscriptions") == {"pays"}
    five_readers.execute("UPDATE reader SET email = 'paid@example.com' WHERE email = :mail", mail=PAYS)
    assert listed(support, "bounced=yes") == set(), "another address gets mail"


def test_a_newsletter_that_came_back_and_mail_that_staff_stopped(five_readers: World, staff: SignIn) -> None:
    support, news = staff("support"), Newsroom(five_readers)
    news.join(TRIES)
    five_readers.smtp.refuse(550, "5.1.1 no such mailbox", to=TRIES)
    news.send()
    assert news.suppressions() == [("newsletters", "hard_bounce")]
    for of in ("readers", "subscriptions"):
        assert listed(support, "bounced=yes", of) == {"tries"}, of
    five_readers.execute(
        "UPDATE message SET state = 'refused', accepted_at = NULL, last_answer = :answer WHERE recipient = :mail",
        answer=STOPPED_ANSWER,
        mail=PAYS,
    )
    assert listed(support, "bounced=yes") == {"tries"}, "the relay was never asked"
    five_readers.execute("UPDATE suppression SET lifted_at = :at, lifted_by = 'x'", at=five_readers.now)
    assert listed(support, "bounced=yes") == set()


def test_paused_readers(world: World, paid: Subscriber, staff: SignIn) -> None:
    with world.browse() as reader:
        reader.sign_in(paid.email)
        reader.get("/account/pause")
        assert reader.post("/account/pause", months="1").status == 200
    world.start_trial(TRIES, "pm_card_mastercard")
    support = staff("support")
    assert listed(support, "state=paused") == set(), "it begins with the next period"
    world.advance_to(local(2027, 4, 20, 12))
    support = staff("support")
    for of in ("readers", "subscriptions"):
        assert listed(support, "state=paused", of) == {"thandi"}, of
    assert listed(support, "state=paused&due_from=2027-05-16&due_through=2027-05-16") == {"thandi"}


def refunds_by_progress(finance: Browser) -> dict[str, set[str]]:
    """Who is in the list of refunds, for each state that has any."""
    found = {state.value: listed(finance, f"state={state.value}", "refunds") for state in RefundProgress}
    return {state: who for state, who in found.items() if who}


def test_refunds_by_how_far_they_are(world: World, staff: SignIn) -> None:
    for name, card in (("owed", "refundFail"), ("old", "visa__1"), ("sent", "visa__2")):
        world.start_trial(f"{name}@example.com", f"pm_card_{card}")

    def give_back(name: str, way: str | None) -> None:
        world.sandbox.banks("refunds", **{"as": way})
        query = "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = :mail"
        (payment,) = world.rows(query, mail=f"{name}@example.com")
        world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "late"}).raise_for_status()
        world.settle()

    world.advance_to(local(2027, 3, 20, 12))
    give_back("owed", None)
    assert refunds_by_progress(staff("finance")) == {"returned": {"owed"}}
    world.advance_to(local(2027, 3, 22, 12))
    finance = staff("finance")
    assert refunds_by_progress(finance) == {"bounced": {"owed"}}
    finance.get("/staff/books")
    finance.post("/staff/books/paid-back", reference="EFT 2027/118", on="2027-03-22")
    give_back("old", "too_old")
    give_back("sent", "pending")
    assert refunds_by_progress(finance) == {"transferred": {"owed"}, "failed": {"old"}, "under_way": {"sent"}}
    world.advance(days=1, hours=1)
    assert refunds_by_progress(staff("finance"))["returned"] == {"sent"}


def test_a_row_says_what_matters_and_leads_to_the_reader(five_readers: World, staff: SignIn) -> None:
    support = staff("support")
    page = support.get("/staff/readers?state=overdue")
    words = page.words.replace("\u00a0", " ")
    assert "1 with state: payment overdue" in words
    for said in ("payment overdue", "R75.00 incl. VAT a month", "19 Mar", "R75.00 incl. VAT"):
        assert said in words, said
    (reader,) = five_readers.rows("SELECT id FROM reader WHERE email = :mail", mail=OWES)
    assert f'href="/staff/readers/{reader["id"]}"' in page.text
    assert "crm-417" in support.get("/staff/readers?state=paid").words


def test_payments_and_refunds(five_readers: World, staff: SignIn) -> None:
    finance = staff("finance")
    (payment,) = five_readers.rows("SELECT id FROM payment")
    assert listed(finance, "since_from=2027-03-15&since_through=2027-03-17", "payments") == {"pays"}
    assert listed(finance, "amount_from=75&amount_to=75,00", "payments") == {"pays"}
    assert listed(finance, "amount_from=75.01", "payments") == set()
    assert listed(finance, "returned=something", "payments") == set()
    assert listed(finance, "plan=monthly", "payments") == {"pays"}
    assert listed(finance, "plan=yearly", "payments") == set()
    sent = {"amount": 2300, "reason": "an outage"}
    five_readers.api.post(f"/v1/payments/{payment['id']}/refunds", json=sent).raise_for_status()
    assert listed(finance, "state=under_way", "refunds") | listed(finance, "state=returned", "refunds") == {
        "pays"
    }
    five_readers.settle()
    assert listed(finance, "state=returned&amount_to=23", "refunds") == {"pays"}
    for amounts, shown in {
        "to=23": {"pays"},
        "to=22.99": set(),
        "from=23": {"pays"},
        "from=23.01": set(),
    }.items():
        assert listed(finance, f"kind=credit_notes&amount_{amounts}", "invoices") == shown
    assert listed(finance, "state=failed", "refunds") == set()
    assert listed(finance, "plan=monthly", "refunds") == {"pays"}
    assert listed(finance, "plan=yearly", "refunds") == set()
    assert listed(finance, "returned=something", "payments") == {"pays"}
    assert listed(finance, "returned=nothing", "payments") == set()
    words = finance.get("/staff/refunds").words.replace("\u00a0", " ")
    for said in ("R23.00 incl. VAT", "CN-000001", "returned to the card", "an outage"):
        assert said in words, said
    assert "INV-000001" in finance.get("/staff/payments").words


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("due_from=tomorrow", "A day is written as 2027-03-01."),
        ("due_from=2027-03-02&due_through=2027-03-01", "The last day is before the first one."),
        ("since_from=0001-01-01", "The year is from 2000 to 2100."),
        ("since_through=9999-12-31", "The year is from 2000 to 2100."),
        ("card_ends=March", "A month is written as 2027-03."),
        ("state=asleep", "Choose one of the list."),
        ("plan=free-beer", "Choose one of the list."),
        ("owing=maybe", "Tick the box, or leave it."),
    ],
)
def test_what_cannot_filter_is_said_beside_its_field(
    typed: str, sentence: str, five_readers: World, staff: SignIn
) -> None:
    page = staff("support").get(f"/staff/readers?{typed}&newsletter=")
    assert page.status == 422
    assert sentence in page.words
    for value in re.findall(r"=([\w-]+)", typed):
        assert value in page.text or typed.startswith(("state", "plan", "owing")), "what was typed stays"
    assert PAYS not in page.text


def test_amounts_that_cannot_filter(five_readers: World, staff: SignIn) -> None:
    finance = staff("finance")
    page = finance.get("/staff/payments?amount_from=lots")
    assert (page.status, "An amount is rand and cents, as in 75.00." in page.words) == (422, True)
    page = finance.get("/staff/payments?amount_from=2&amount_to=1")
    assert (page.status, "The second amount is below the first one." in page.words) == (422, True)


def test_a_wrong_filter_is_not_exported(five_readers: World, staff: SignIn) -> None:
    answer = staff("finance").http.get("/staff/readers.csv?state=asleep")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert five_readers.rows("SELECT * FROM audit_line WHERE act = 'export_list'") == []


def test_the_file_holds_all_that_fit_and_the_audit_no_address(five_readers: World, staff: SignIn) -> None:
    five_readers.execute("UPDATE reader SET external_id = '=cmd()' WHERE email = :mail", mail=PAYS)
    finance = staff("finance")
    answer = finance.http.get("/staff/readers.csv?state=paid")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["mail"], row["external id"], row["state"]) == (PAYS, "'=cmd()", "paid")
    assert (row["price, R"], row["next charge"], row["owed, R"]) == ("75.00", "2027-04-16", "")
    (line,) = five_readers.rows("SELECT * FROM audit_line WHERE act = 'export_list'")
    assert line["after"] == {"list": "readers", "filter": {"state": "paid"}}
    assert "@" not in str(line["after"])
    (read,) = five_readers.rows("SELECT * FROM bulk_read WHERE what = 'GET /staff/readers.csv'")
    assert read["readers"] == 1
    for of, columns in {
        "subscriptions": {"subscription", "last day"},
        "payments": {"amount, R", "charge"},
        "refunds": {"credit note"},
        "invoices": {"number", "buyer"},
    }.items():
        sheet = csv.DictReader(io.StringIO(finance.http.get(f"/staff/{of}.csv").text))
        assert columns <= set(sheet.fieldnames or ())
        assert len(list(sheet)) == {"subscriptions": 4, "payments": 1, "refunds": 0, "invoices": 1}[of]


def test_support_sees_readers_and_downloads_none(five_readers: World, staff: SignIn) -> None:
    support = staff("support")
    page = support.get("/staff/readers")
    assert ".csv" not in page.text
    assert "/staff/payments" not in page.text
    assert support.get("/staff/readers.csv").status == 403
    assert support.get("/staff/payments").status == 403


def test_a_download_asks_for_a_code_and_leads_back_with_the_filter(
    five_readers: World, staff: SignIn
) -> None:
    finance = staff("finance")
    five_readers.advance(minutes=11)
    page = finance.get("/staff/subscriptions.csv?state=trial")
    assert page.path == "/staff/confirm"
    assert "/staff/subscriptions?state=trial" in page.text
