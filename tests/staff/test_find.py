"""Finding a reader by anything that staff may know."""

import re

import pytest

from tests.support.actors import BY
from tests.support.browser import Browser
from tests.support.finding import search
from tests.support.staff_members import SignIn
from tests.support.world import World

NOMSA, OTHER = "nomsa.dlamini@example.com", "pieter@example.org"


@pytest.fixture
def laptop(world: World, staff: SignIn) -> Browser:
    """Support's browser, two readers in: the first has paid, with a card ending in 4242; the second tries with 4444."""

    def live() -> None:
        world.start_trial(NOMSA, external_id="crm-417")
        world.advance(days=16)
        world.start_trial(OTHER, "pm_card_mastercard")

    world.once("one reader has paid, another is in a trial, as staff look for them", live)
    return staff("support")


def test_each_kind_leads_straight_to_the_reader(world: World, laptop: Browser) -> None:
    row = world.rows(
        "SELECT r.id AS rdr, s.id AS sub, i.id AS inv, p.id AS pay, p.intent_ref AS pi, p.charge_ref AS ch,"
        " m.gateway_ref AS pm, m.customer_ref AS cus FROM reader r JOIN subscription s ON s.reader_id = r.id"
        " JOIN invoice i ON i.subscription_id = s.id JOIN payment p ON p.invoice_id = i.id"
        " JOIN payment_method m ON m.id = s.payment_method_id WHERE r.email = :email",
        email=NOMSA,
    )[0]
    typed = [
        NOMSA,
        NOMSA.upper(),
        "dlamini",
        "MSA.DLA",
        "crm-417",
        "INV-000001",
        "inv-1",
        "1",
        "4242",
        *row.values(),
    ]
    for text in typed:
        page = search(laptop, f" {text} ")
        assert page.path == f"/staff/readers/{row['rdr']}", (text, page.words)


def test_an_id_without_a_digit_is_an_id(world: World, laptop: Browser) -> None:
    world.execute("UPDATE payment_method SET gateway_ref = 'pm_OnlyLetters' WHERE last4 = '4242'")
    [nomsa] = world.rows("SELECT id FROM reader WHERE email = :email", email=NOMSA)
    assert search(laptop, "pm_OnlyLetters").path == f"/staff/readers/{nomsa['id']}"


def test_a_card_page_and_a_declined_charge_are_found_too(world: World, staff: SignIn) -> None:
    reader = world.browser()
    reader.start(NOMSA, "4000000000000341")
    world.advance(days=16)
    row = world.rows(
        "SELECT c.session_ref AS cs, a.intent_ref AS pi, c.reader_id AS rdr FROM card_setup c, attempt a LIMIT 1"
    )[0]
    laptop = staff("support")
    for text in (row["cs"], row["pi"]):
        assert search(laptop, text).path == f"/staff/readers/{row['rdr']}"


def test_a_refund_and_a_dispute_are_found_by_stripes_ids_and_by_ours(world: World, staff: SignIn) -> None:
    world.start_trial(NOMSA)
    world.start_trial(OTHER, "pm_card_createDispute")
    world.advance(days=16)
    paid = world.rows(
        "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = :email", email=NOMSA
    )[0]["id"]
    refund = {"amount": 1000, "reason": "an outage"}
    world.api.post(f"/v1/payments/{paid}/refunds", json=refund).raise_for_status()
    world.settle()
    found = world.rows(
        "SELECT gateway_ref AS stripes, id AS ours, reader_id FROM refund"
        " UNION ALL SELECT gateway_ref, id, reader_id FROM dispute"
    )
    assert [row["stripes"].partition("_")[0] for row in found] == ["re", "du"]
    assert [row["ours"].partition("_")[0] for row in found] == ["ref", "dsp"]
    laptop = staff("support")
    for row in found:
        for text in (row["stripes"], row["ours"]):
            assert search(laptop, text).path == f"/staff/readers/{row['reader_id']}", text
        assert "Nobody fits" in search(laptop, "dp_nobodys").words


def test_several_are_listed_and_nobody_is_said_so(world: World, laptop: Browser) -> None:
    page = search(laptop, "example")
    assert "2 found" in page.words
    assert NOMSA in page.words
    assert OTHER in page.words
    assert "Nobody fits" in search(laptop, "zzz").words
    for text in (
        "%",
        "_",
        "100%",
        "%%%",
        "'; DROP TABLE reader; --",
        "9" * 40,
        "INV-99999999999",
        "pi_%",
        "ex%le",
    ):
        assert "Nobody fits" in search(laptop, text).words, text
    assert search(laptop, "  ").status == 422
    assert search(laptop, "a" * 201).status == 422


def test_searches_are_counted_and_audited_without_what_was_typed(world: World, laptop: Browser) -> None:
    search(laptop, "dlamini")
    lines = world.rows(f"SELECT {BY}, after, reader_id FROM audit_line WHERE act = 'find'")
    assert [line["by"] for line in lines] == ["staff:support@paper.example"]
    assert lines[0]["reader_id"].startswith("rdr_")
    assert "dlamini" not in str(lines)
    for _ in range(119):
        search(laptop, "zzz")
        assert laptop.page.status == 200
    assert search(laptop, "zzz").status == 429
    world.advance(minutes=12)
    assert "Nobody fits" in search(laptop, "zzz").words


def test_another_readers_things_are_not_behind_this_readers_address(world: World, laptop: Browser) -> None:
    rows = {row["email"]: row["id"] for row in world.rows("SELECT email, id FROM reader")}
    mail = world.rows("SELECT id FROM message WHERE reader_id = :id LIMIT 1", id=rows[NOMSA])[0]["id"]
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    assert laptop.get(f"/staff/readers/{rows[NOMSA]}/mails/{mail}").status == 200
    assert laptop.get(f"/staff/readers/{rows[OTHER]}/mails/{mail}").status == 404
    page = laptop.get(f"/staff/readers/{rows[OTHER]}/refund?payment={payment}")
    assert re.search(r"R75|R0|Give back R", page.words) is None
    assert 'name="version" value=""' in page.text
    laptop.post(f"/staff/readers/{rows[OTHER]}/refund", amount="75.00", reason="x", step="confirm")
    assert world.rows("SELECT * FROM refund") == []


def test_a_mail_is_shown_with_its_secrets_covered(world: World, laptop: Browser) -> None:
    reader = world.rows("SELECT id FROM reader WHERE email = :email", email=NOMSA)[0]["id"]
    world.browser().sign_in(NOMSA)
    secrets = [link.rpartition("/")[2] for letter in world.letters(NOMSA) for link in letter.links]
    for row in world.rows("SELECT id FROM message WHERE reader_id = :id", id=reader):
        page = laptop.get(f"/staff/readers/{reader}/mails/{row['id']}")
        assert page.status == 200, page.words
        assert not [
            secret for secret in secrets if "." in secret and len(secret) > 30 and secret in page.text
        ]
    assert "•••" in page.text
