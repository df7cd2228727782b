"""The audit of staff's acts: permanent, searchable, exportable."""

import csv
import io
import json
import re

import psycopg
import pytest

from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_line SET reason = 'nothing'",
        "DELETE FROM audit_line",
        "UPDATE reader_note SET words = 'nothing'",
        "DELETE FROM reader_note",
        "UPDATE complimentary_grant SET until = until + interval '1 year'",
        "DELETE FROM complimentary_grant",
        "UPDATE reader_request SET closed_at = received_at",
        "INSERT INTO staff_member (id, email, role, created_at, code_nonce, last_step, wrong_codes, code_locks)"
        " SELECT 'stf_2', upper(email), role, created_at, 'x', 0, 0, 0 FROM staff_member",
        "UPDATE staff_member SET role = 'owner'",
    ],
)
def test_the_database_keeps_it(kept: World, statement: str) -> None:
    url = kept.services.database.address
    with pytest.raises(psycopg.errors.IntegrityError), psycopg.connect(url) as connection:
        connection.execute(statement)


@pytest.fixture
def kept(world: World, in_trial: Subscriber) -> World:
    """A line, a note, a grant, a request, a member."""
    world.once("a line, a note, a grant, a request and a member are kept", lambda: keep_each(world, in_trial))
    return world


def keep_each(world: World, reader: Subscriber) -> None:
    sign_in(world, add(world, "support").email)
    path = f"/v1/readers/{reader.reader_id}"
    world.api.post(f"{path}/notes", json={"words": "x"}).raise_for_status()
    world.api.post(f"/v1/subscriptions/{reader.subscription_id}/cancel").raise_for_status()
    world.api.post(f"{path}/grants", json={"days": 1, "reason": "x"}).raise_for_status()
    with world.browse() as browser:
        browser.get("/contact")
        browser.post("/contact", kind="cancel", email=reader.email)


def test_the_page_finds_lines_by_who_whom_what_and_when(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    reader = in_trial.reader_id
    support = staff("support")
    where = f"/staff/readers/{reader}"
    support.get(f"{where}/extend")
    support.post(f"{where}/extend", days="7", step="confirm", reason="=cmd('x')")
    support.get(f"{where}/another-trial")
    world.advance_to(local(2027, 3, 3, 9))
    world.api.post(f"/v1/readers/{reader}/notes", json={"words": "by a program"}).raise_for_status()
    finance = staff("finance")
    page = finance.get("/staff/audit")
    for words in (
        "staff:support@paper.example",
        "Extend a trial",
        "Allow another trial refused",
        "api:tests",
        "127.0.0.1",
    ):
        assert words in page.words, words
    assert "before: subscription: first day of the paid periods 16 Mar 2027" in page.words
    assert "after: subscription: first day of the paid periods 23 Mar 2027" in page.words
    assert "by a program" not in finance.get("/staff/audit?who=support").words
    assert "by a program" not in finance.get("/staff/audit?until=2027-03-02").words
    assert "by a program" in finance.get("/staff/audit?since=2027-03-03&act=note").words
    refused = finance.get("/staff/audit?refused=yes").words
    assert "may not allow another trial" in refused
    assert "by a program" not in refused
    by_words = finance.get("/staff/audit?words=allow+trial").words
    assert "may not allow another trial" in by_words
    assert "by a program" not in by_words
    assert "Extend a trial" in finance.get("/staff/audit?words=2027-03-23").words, "what changed counts too"
    assert "No line fits" in finance.get("/staff/audit?words=%22trial+allow%22").words
    assert "No line fits" in finance.get("/staff/audit?reader=rdr_none").words
    assert finance.get("/staff/audit?since=soon").status == 422

    wrong = finance.http.get("/staff/audit.csv?since=soon")
    assert (wrong.status_code, "content-disposition" in wrong.headers) == (422, False), "not all lines"
    answer = finance.http.get("/staff/audit.csv?act=extend")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    head, line = csv.reader(io.StringIO(answer.text))
    assert head[:6] == ["id", "at", "by", "act", "act in words", "outcome"]
    in_words = "Extend a trial or a paid period"
    assert line[2:6] == ["staff:support@paper.example", "extend", in_words, "done"]
    assert line[1].endswith("+02:00"), "the publisher's zone"
    assert json.loads(line[10])["subscription"]["charge_on"] == "2027-03-23"
    assert line[8] == "'=cmd('x')", "no cell is a formula"
    assert world.rows("SELECT act FROM audit_line ORDER BY id DESC LIMIT 1")[0]["act"] == "export_audit"


def test_the_file_has_every_line_however_many(world: World, staff: SignIn) -> None:
    many = 50_010
    world.execute(
        "INSERT INTO audit_line (at, actor_kind, actor_id, act, outcome, reason, before, after, ip)"
        " SELECT :at, 'api', 'tests', 'note', 'done', '', '{}', '{}', '' FROM generate_series(1, :many)",
        at=world.now,
        many=many,
    )
    finance = staff("finance")
    _, *lines = csv.reader(io.StringIO(finance.http.get("/staff/audit.csv?act=note").text))
    ids = [int(line[0]) for line in lines]
    assert len(ids) == many
    assert ids == sorted(set(ids), reverse=True)
    (kept,) = world.rows("SELECT after FROM audit_line WHERE act = 'export_audit'")
    assert kept["after"] == {"lines": many}


def test_many_lines_are_paged(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    reader = in_trial.reader_id
    for number in range(60):
        world.api.post(f"/v1/readers/{reader}/notes", json={"words": f"note {number:03}"}).raise_for_status()
    admin = staff("admin")
    first = admin.get("/staff/audit?act=note")
    assert "note 059" in first.words
    assert "note 009" not in first.words
    older = first.text.partition('class="button quiet" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "note 009" in admin.get(older).words
    pages = [admin.get(f"/staff/readers/{reader}?only=notes&page={page}").words for page in (1, 2)]
    seen = [set(re.findall(r"note \d{3}", words)) for words in pages]
    assert [len(notes) for notes in seen] == [40, 20]
    assert not seen[0] & seen[1]


def test_looking_at_a_reader_is_written_down_once_an_hour(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    reader = in_trial.reader_id
    support = staff("support")
    for minutes in (0, 10, 20, 29, 29):
        world.advance(minutes=minutes)
        support.get(f"/staff/readers/{reader}")
    assert len(world.rows("SELECT * FROM audit_line WHERE act = 'open'")) == 2


def test_the_invoices_of_a_month_and_their_credit_notes(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    world.api.post(
        f"/v1/payments/{payment}/refunds", json={"amount": 2300, "reason": "half"}
    ).raise_for_status()
    world.settle()
    finance = staff("finance")
    march = "since_from=2027-03-01&since_through=2027-03-31"
    page = finance.get(f"/staff/invoices?{march}")
    for words in ("INV-000001", "R65.22 excl. VAT", "R9.78 VAT", "R75.00 incl. VAT", "Together R65.22"):
        assert words in page.words.replace("\u00a0", " "), words
    notes = finance.get(f"/staff/invoices?kind=credit_notes&{march}").words.replace("\u00a0", " ")
    for words in ("CN-000001 for INV-000001", "half", "-R20.00 excl. VAT", "-R23.00 incl. VAT"):
        assert words in notes, words
    for name, amount in (("invoices", "75.00"), ("credit-notes", "23.00")):
        where = f"/staff/books/{name}.csv?month=2027-03"
        (line,) = csv.DictReader(io.StringIO(finance.http.get(where).text))
        assert line["including VAT, R"] == amount
    february = "since_from=2027-02-01&since_through=2027-02-28"
    assert "None fits" in finance.get(f"/staff/invoices?{february}").words
    assert finance.get("/staff/invoices?since_from=2027-13-01").status == 422
