"""Finding by names, two words, documents, amounts and days; a page at a time; and while words are typed."""

from tests.support.browser import Browser
from tests.support.finding import search
from tests.support.merging import SECOND, do_merge
from tests.support.plans import whole_tables_read
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World


def named(world: World, reader_id: str, name: str) -> None:
    """Give a reader invoice details."""
    world.execute(
        "INSERT INTO invoice_recipient (id, reader_id, name, address, entered_at)"
        " VALUES (:id, :reader, :name, '1 Long Street', now())",
        id=f"rcp_{reader_id[4:]}",
        reader=reader_id,
        name=name,
    )


def crowd(world: World, size: int) -> list[str]:
    """Registered readers, oldest first; their ids."""
    ids = [f"rdr_crowd{n:03d}" for n in range(size)]
    for n, reader_id in enumerate(ids):
        world.execute(
            "INSERT INTO reader (id, email, created_at) VALUES (:id, :email, now())",
            id=reader_id,
            email=f"crowd{n:03d}@choir.example",
        )
    return ids


def test_a_name_on_tax_invoices_finds_the_reader(world: World, paid: Subscriber, support: Browser) -> None:
    named(world, paid.reader_id, "Dr Thandeka Mkhize")
    local = paid.email.partition("@")[0][:5]
    for words in ("thandeka", "MKHIZE", "mkhize thandeka", "dr mkhize", f"mkhize {local}"):
        assert search(support, words).path == f"/staff/readers/{paid.reader_id}", words
    for words in ("thandeka nobody", "mkhi%e", "dr"):
        assert "Nobody fits" in search(support, words).words, words


def test_two_words_must_both_fit_the_address(world: World, support: Browser) -> None:
    ids = crowd(world, 3)
    assert search(support, "choir crowd002").path == f"/staff/readers/{ids[2]}"
    assert "Nobody fits" in search(support, "choir nobody").words


def test_a_credit_note_finds_its_reader(world: World, paid: Subscriber, support: Browser) -> None:
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    refund = {"amount": 1000, "reason": "an outage"}
    world.api.post(f"/v1/payments/{payment}/refunds", json=refund).raise_for_status()
    world.settle()
    for words in ("CN-000001", "cn-1"):
        assert search(support, words).path == f"/staff/readers/{paid.reader_id}", words
    assert "Nobody fits" in search(support, "CN-000002").words


def test_the_line_of_a_bank_statement_finds_the_charge(
    world: World, paid: Subscriber, support: Browser, staff: SignIn
) -> None:
    at = world.rows("SELECT paid_at FROM payment")[0]["paid_at"].astimezone(world.services.site.zone)
    page = f"/staff/readers/{paid.reader_id}"
    for words in ("R75", "75.00", f"{at:%Y-%m-%d}", f"{at.day} {at:%B}", f"R75 {at.day} {at:%b}"):
        assert search(support, words).path == page, words
    for words in ("R76", f"R76 {at:%Y-%m-%d}", "75.00 2027-01-01", "2019-01-01"):
        assert "Nobody fits" in search(support, words).words, words
    other = world.start_trial("pieter@example.org", "pm_card_mastercard")["reader"]["id"]
    world.advance(days=16)
    found = search(staff("finance"), "R75")
    assert "2 charges" in found.words
    assert found.text.index(other) < found.text.index(paid.reader_id), "newest first"
    assert "R75.00" in found.words
    assert "INV-000001" in found.words


def test_a_page_ends_and_the_next_begins_after_it(world: World, support: Browser) -> None:
    ids = crowd(world, 30)
    first = search(support, "choir")
    assert "25 or more found" in first.words
    assert ids[29] in first.text
    assert ids[5] in first.text
    assert ids[4] not in first.text
    crowd_after = world.rows("SELECT id FROM reader ORDER BY id")
    assert len(crowd_after) == 30
    second = search(support, "choir", after=ids[5])
    assert "5 found" in second.words
    assert ids[5] not in second.text
    assert all(reader_id in second.text for reader_id in ids[:5])
    assert f'href="/staff/find?q=choir&amp;after={ids[5]}"' in first.text
    for key in ("x", "rdr_'", "pay_unknown"):
        assert search(support, "choir", after=key).status in (200, 422), key


def test_older_charges_come_on_the_next_page(world: World, paid_twice: Subscriber, support: Browser) -> None:
    newest, oldest = world.rows("SELECT id FROM payment ORDER BY paid_at DESC")
    second = search(support, "R75", after=newest["id"])
    assert "1 charge" in second.words
    assert "INV-000001" in second.words
    assert "INV-000002" not in second.words
    assert "Nobody fits" in search(support, "R75", after=oldest["id"]).words


def test_the_address_that_a_merge_freed_finds_the_account_that_stays(
    world: World, paid: Subscriber, support: Browser
) -> None:
    other = world.start_trial(SECOND, "pm_card_mastercard", external_id="crm-2")
    cancel = f"/v1/subscriptions/{other['subscription']['id']}/cancel"
    world.api.post(cancel, json={"when": "now"}).raise_for_status()
    world.settle()
    do_merge(world, paid.reader_id, other["reader"]["id"])
    for words in (SECOND, SECOND.upper(), "crm-2", other["reader"]["id"]):
        assert search(support, words).path == f"/staff/readers/{paid.reader_id}", words


def test_rows_come_while_words_are_typed(world: World, support: Browser) -> None:
    ids = crowd(world, 2)
    page = support.get("/staff/find/rows?q=choir")
    assert "2 found" in page.words
    assert ids[0] in page.text
    assert "fits" not in support.get("/staff/find/rows?q=ch").words
    only = support.get("/staff/find/rows?q=crowd001")
    assert (only.path, ids[1] in only.text) == ("/staff/find/rows", True), "typing leads nowhere by itself"
    lines = world.rows("SELECT after FROM audit_line WHERE act = 'find' ORDER BY id")
    assert [sorted(line["after"]["found"]) for line in lines] == [ids, [ids[1]]]
    assert "choir" not in str(lines)


def test_typing_uses_up_no_search_with_the_button(world: World, support: Browser) -> None:
    assert support.get("/staff/find/rows?q=zzz").status == 200
    world.execute("UPDATE rate_count SET tries = 400")
    assert support.get("/staff/find/rows?q=zzz").status == 429
    assert search(support, "zzz").status == 200


def test_an_empty_box_asks_nothing_and_has_the_cursor(world: World, support: Browser) -> None:
    page = support.get("/staff/find")
    assert " autofocus" in page.text
    assert "Nobody fits" not in page.words
    assert world.rows("SELECT * FROM audit_line WHERE act = 'find'") == []
    assert 'name="q"' in support.get("/staff").text


def test_an_index_serves_each_search(world: World, support: Browser) -> None:
    """No table of readers, names or payments is read from end to end, however large it grows."""
    typed = (
        "choir",
        "choir crowd",
        "nomsa@example.com",
        "R75",
        "R75 12 March",
        "2026-03-12",
        "4242",
        "CN-1",
        "pi_1234",
    )

    def ask() -> None:
        for words in typed:
            assert search(support, words).status == 200

    assert whole_tables_read(world.services.database, ask) == []
