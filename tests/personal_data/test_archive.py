"""A reader gets all their data as one file, by page or command; nobody else's is in it, and it is gone in a week (POPIA, s23)."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billing.personal_data.archive import LEFT_OUT
from billing.personal_data.register import TABLES
from billing.tables import metadata
from tests.support.broken_tables import missing_table
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.erasures import ask_for, left_over
from tests.support.signed_in import prove_again, signed_in
from tests.support.starting_points import Subscriber
from tests.support.two_readers import PAYING, TRYING, two_readers
from tests.support.world import World

PAGE, FILE = "/account/data", "/account/data/archive"
SECRET = re.compile(r"hash|token|secret|digest|fingerprint|idempotency_key|public_key|credential")
HARMLESS = {"consent.text_hash"}
"""The hash of words that everyone may read."""


def unpacked(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def rows_of(files: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    return {name: table["rows"] for name, table in json.loads(files["data.json"])["tables"].items()}


def asked(world: World, browser: Browser) -> Browser:
    """The reader has asked for the file, and it is ready."""
    browser.get(PAGE)
    browser.post(PAGE)
    assert browser.page.path == PAGE
    assert "Your file is being made" in browser.page.words
    world.settle()
    return browser


def download(world: World, browser: Browser) -> dict[str, str]:
    browser.get(FILE)
    if browser.page.path == "/account/confirm":
        prove_again(world, browser)
        assert browser.page.path == PAGE
        browser.get(FILE)
    return unpacked(browser.page.response.content)


@pytest.mark.rare
def test_a_reader_asks_gets_a_mail_signs_in_again_and_downloads_it(world: World) -> None:
    readers = two_readers(world)
    browser = readers.payer
    assert f'href="{PAGE}"' in browser.get("/account").text
    asked(world, browser)
    letter = world.letters(PAYING)[-1]
    assert letter.subject == "Your data at The Swartberg Post is ready to download"
    assert any(link.endswith(PAGE) for link in letter.links)
    assert "is ready" in browser.get(PAGE).words

    world.advance(hours=1)
    assert browser.get(FILE).path == "/account/confirm", "a fresh sign-in comes first"
    files = download(world, browser)
    answer = browser.get(FILE).response
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.zip"'
    assert answer.headers["cache-control"] == "private, no-store"
    head = browser.http.head(FILE)
    assert (head.status_code, head.content) == (200, b"")
    assert set(files) == {"README.txt", "data.html", "data.json"}
    assert "section 23" in files["README.txt"]
    assert "<script" not in files["data.html"]
    for text in files.values():
        assert PAYING in text
        assert TRYING not in text
        for other in readers.names[TRYING].values():
            assert other not in text
    prove_again(world, readers.trier.again(FILE))
    assert readers.trier.get(FILE).path == PAGE, "another reader has none"


def test_it_holds_the_rows_of_each_table_but_secrets(world: World, paid: Subscriber, tmp_path: Path) -> None:
    given = {"reader_id": paid.reader_id, "address": paid.email}
    expected = {one.table: len(world.rows(one.select, **given)) for one in TABLES}
    run_on(world, "readers", "export", paid.email, "--to", str(tmp_path / "data.zip"))
    found = rows_of(unpacked((tmp_path / "data.zip").read_bytes()))
    assert {table: len(rows) for table, rows in found.items()} == expected
    assert {"reader", "consent", "invoice", "payment", "message", "subscription_change"} <= {
        table for table, rows in found.items() if rows
    }
    assert found["reader"][0]["email"] == paid.email
    assert found["consent"][0]["ip"]
    (invoice,) = found["invoice"]
    assert (invoice["gross"], invoice["currency"]) == (7500, "ZAR")
    assert found["attempt"][0]["currency"] == "ZAR"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", invoice["paid_at"])


def test_what_is_left_out_is_what_signs_in_and_who_else_took_part() -> None:
    left_out = {column for columns in LEFT_OUT.values() for column in columns}
    known = {f"{one.table}.{column.name}" for one in TABLES for column in metadata.tables[one.table].columns}
    assert left_out <= known
    assert {name for name in known if SECRET.search(name.partition(".")[2])} - left_out == HARMLESS
    assert {name for name in known if name.endswith(("actor_id", "staff_id", "closed_by_id"))} <= left_out


def test_it_is_gone_in_a_week(world: World, paid: Subscriber) -> None:
    browser = asked(world, signed_in(world, paid.email))
    world.advance(days=7)
    assert "Download my data" not in browser.get(PAGE).words
    browser.get(FILE)
    prove_again(world, browser)
    assert browser.get(FILE).path == PAGE
    world.advance(days=1)
    assert world.rows("SELECT id FROM data_request") == []


def test_three_a_week_and_one_at_a_time(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    twice = signed_in(world, paid.email).again(PAGE)
    browser.get(PAGE)
    browser.post(PAGE)
    twice.post(PAGE)
    assert len(world.rows("SELECT id FROM data_request")) == 1
    world.settle()
    for _ in range(2):
        asked_again(world, browser)
    browser.get(PAGE)
    assert browser.post(PAGE).response.status_code == 429
    assert len(world.rows("SELECT id FROM data_request")) == 3


def asked_again(world: World, browser: Browser) -> None:
    browser.get(PAGE)
    browser.post(PAGE)
    assert "A newer file is being made" in browser.page.words
    world.settle()


@pytest.mark.rare
def test_one_that_cant_be_made_is_made_later(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get(PAGE)
    browser.post(PAGE)
    with missing_table(world, "passkey"):
        world.settle()
        (row,) = world.rows("SELECT tries, made_at, next_attempt_at FROM data_request")
        assert (row["tries"], row["made_at"]) == (1, None)
        assert row["next_attempt_at"] == world.now + timedelta(minutes=1)
    world.advance(minutes=1)
    assert "Download my data" in browser.get(PAGE).words


def test_an_erasure_deletes_it(world: World, paid: Subscriber) -> None:
    asked(world, signed_in(world, paid.email))
    ask_for(world, paid.reader_id)
    world.advance(days=2)
    assert world.rows("SELECT id FROM data_request") == []
    assert left_over(world, paid.reader_id) == []


def test_the_command_leaves_a_line_and_overwrites_nothing(
    world: World, paid: Subscriber, tmp_path: Path
) -> None:
    path = tmp_path / "data.zip"
    said = run_on(world, "readers", "export", paid.email, "--to", str(path))
    assert paid.email in said.output
    assert path.stat().st_mode & 0o777 == 0o600
    assert rows_of(unpacked(path.read_bytes()))["reader"][0]["id"] == paid.reader_id
    (line,) = world.rows("SELECT reader_id, actor_kind FROM audit_line WHERE act = 'export_data'")
    assert (line["reader_id"], line["actor_kind"]) == (paid.reader_id, "command")
    again = run_on(world, "readers", "export", paid.email, "--to", str(path))
    assert again.exit_code == 1
    assert "exists already" in again.output


@pytest.mark.usefixtures("paid")
def test_the_command_refuses_an_address_of_which_nothing_is_kept(world: World, tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    assert run_on(world, "readers", "export", "nobody@example.org", "--to", str(path)).exit_code == 1
    assert not path.exists()
