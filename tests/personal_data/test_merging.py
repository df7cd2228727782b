"""Two accounts of one person become one: what moves, what ends, what is refused, and what an old id means afterwards."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from billing.personal_data import merge
from billing.personal_data.merge_register import EMPTY, MOVED, NOT_MOVED
from billing.personal_data.register import TABLES
from billing.subscriptions.start import address_digest
from billing.tables import metadata
from tests.support.another_address import NEW, change, confirm, give
from tests.support.cli import run_on
from tests.support.erasures import ask_for, mentions
from tests.support.merging import SECOND, do_merge, healthy
from tests.support.newsroom import Newsroom
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

BEFORE_A_CHARGE = local(2027, 4, 15, 12)
"""The day before the second charge."""


def second_account(world: World, email: str = SECOND, *, ended: bool = True) -> str:
    """Another account of the same person, with a trial of its own; the reader's id."""

    def live() -> str:
        started = world.start_trial(email, "pm_card_mastercard", external_id="crm-2")
        if ended:
            path = f"/v1/subscriptions/{started['subscription']['id']}/cancel"
            world.api.post(path, json={"when": "now"}).raise_for_status()
        return str(started["reader"]["id"])

    return world.once(f"a second account: {email}, ended: {ended}", live)


def of_reader(world: World, reader_id: str) -> dict[str, int]:
    """How many rows of each table name the reader."""
    counts = {}
    for table in metadata.tables.values():
        for column in ("reader_id", "visitor"):
            if column in table.columns:
                query = f"SELECT count(*) AS n FROM {table.name} WHERE {column} = :id"
                counts[table.name] = world.rows(query, id=reader_id)[0]["n"]
    return {table: n for table, n in counts.items() if n}


def reader_columns(table: sa.Table) -> set[str]:
    """Columns that name a reader."""
    keyed = {key.parent.name for key in table.foreign_keys if key.column.table.name == "reader"}
    return keyed | {"reader_id", "visitor"} & set(table.columns.keys())


def test_every_table_with_rows_of_readers_moves_or_says_why_not() -> None:
    assert sorted([*MOVED, *NOT_MOVED]) == sorted(one.table for one in TABLES)
    named = {table.name for table in metadata.tables.values() if reader_columns(table)}
    found_by_its_id = {
        "bulk_line"
    }  # it was frozen with its act, and the register asks for the merged account too
    assert named - {"reader"} - found_by_its_id <= set(MOVED), (
        "say in MOVED what a merge does to a table that names readers"
    )
    assert set(EMPTY) == {name for name in MOVED if "reader_id" in metadata.tables[name].columns} - {"signup"}
    assert all(NOT_MOVED.values())


def test_all_that_one_account_had_is_the_others(world: World, paid: Subscriber) -> None:
    fast_forward(world, BEFORE_A_CHARGE)
    goes = second_account(world)
    room = Newsroom(world)
    room.join(SECOND)
    had, before = of_reader(world, goes), of_reader(world, paid.reader_id)
    merge_id = do_merge(world, paid.reader_id, goes)
    has = of_reader(world, paid.reader_id)
    assert set(of_reader(world, goes)) <= {"reader_merge"}
    for table in ("subscription", "payment_method", "consent", "signup", "signup_change"):
        assert has[table] == before.get(table, 0) + had[table], table
    (tombstone,) = world.rows("SELECT * FROM reader WHERE id = :id", id=goes)
    assert (tombstone["email"], tombstone["merged_into"]) == (f"{goes}@erased.invalid", paid.reader_id)
    (line,) = world.rows("SELECT moved, done_at FROM reader_merge WHERE id = :id", id=merge_id)
    assert line["moved"]["subscription"] == 1
    assert line["done_at"] is not None
    healthy(world)
    for email, words in ((paid.email, "sign in with this address"), (SECOND, "opens no account any more")):
        letter = world.letter(email, "Your two accounts at The Swartberg Post are one now")
        assert words in " ".join(letter.text.split())
    assert SECOND not in world.letter(paid.email, "Your two accounts at The Swartberg Post are one now").text
    world.advance(days=2)
    paid_by = world.rows("SELECT reader_id, count(*) AS n FROM payment GROUP BY 1")
    assert paid_by == [{"reader_id": paid.reader_id, "n": 2}], "the live subscription goes on"
    healthy(world)


def test_the_live_subscription_moves_with_its_card_and_is_charged_on(world: World, paid: Subscriber) -> None:
    fast_forward(world, BEFORE_A_CHARGE)
    goes = paid.reader_id
    stays = Newsroom(world).add_reader(SECOND)
    do_merge(world, stays, goes)
    healthy(world)
    world.advance(days=2)
    healthy(world)
    assert world.subscription(paid.subscription_id)["status"] == "active"
    paid_by = world.rows("SELECT reader_id, count(*) AS n FROM payment GROUP BY 1")
    assert paid_by == [{"reader_id": stays, "n": 2}]
    assert world.mail_kinds(SECOND)[-1] == "receipt"


def test_the_tax_export_is_the_same_to_the_byte(world: World, paid: Subscriber, tmp_path: Path) -> None:
    def exported(name: str) -> dict[str, bytes]:
        done = run_on(world, "export", str(tmp_path / name), "--from", "2027-03-01", "--to", "2027-03-31")
        assert done.exit_code == 0, done.output
        return {file.name: file.read_bytes() for file in sorted((tmp_path / name).iterdir())}

    stays = Newsroom(world).add_reader(SECOND)
    before = exported("before")
    do_merge(world, stays, paid.reader_id)
    assert exported("after") == before
    assert any(paid.reader_id.encode() in content for content in before.values())


def test_two_live_subscriptions_are_never_one_persons(world: World, paid: Subscriber, staff: SignIn) -> None:
    goes = second_account(world, ended=False)
    with pytest.raises(merge.BothSubscribed):
        do_merge(world, paid.reader_id, goes)
    support, where = staff("support"), f"/staff/readers/{paid.reader_id}"
    support.get(f"{where}/merge")
    page = support.post(f"{where}/merge", other=SECOND, step="preview")
    assert "Both accounts have a live subscription" in page.words
    assert f'/staff/readers/{goes}/cancel?when=now">Cancel now for {goes}' in page.text
    assert f"{where}/withdraw" in page.text
    page = support.post(f"{where}/merge", other=paid.email, step="preview")
    assert "Both are the same account" in page.words
    assert "Cancel now for" not in page.words
    page = support.get(f"/staff/readers/{goes}/cancel?when=now")
    assert '<option value="now" selected>' in page.text
    assert world.rows("SELECT id FROM reader_merge") == []


def test_what_is_under_way_is_waited_for(world: World, paid: Subscriber) -> None:
    other = Newsroom(world).add_reader(SECOND)
    with pytest.raises(merge.SameAccount):
        do_merge(world, paid.reader_id, paid.reader_id)
    world.execute("UPDATE attempt SET state = 'open', settled_at = NULL, next_poll_at = 'infinity'")
    with pytest.raises(merge.MergeWaits, match="A charge is under way"):
        do_merge(world, other, paid.reader_id)
    world.execute("UPDATE attempt SET state = 'charged', settled_at = intended_at")
    ask_for(world, other)
    with pytest.raises(merge.ErasureStands):
        do_merge(world, paid.reader_id, other)


def test_staff_see_what_happens_choose_and_give_a_reason(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    goes = second_account(world)
    support, where = staff("support"), f"/staff/readers/{goes}"
    assert "Merge with another account" in support.get(where).words
    support.get(f"{where}/merge")
    page = support.post(f"{where}/merge", other="nobody@example.com", step="preview")
    assert "No account has this address or id" in page.words
    page = support.post(f"{where}/merge", other=paid.email, step="preview")
    assert f"{paid.reader_id} ({paid.email}) stays" in page.words
    assert "This can’t be undone." in page.words
    assert f"{SECOND} opens no account any more" in page.words
    form = {"other": paid.email, "stays": "other", "keeps": "other"}
    assert support.post(f"{where}/merge", step="confirm", **form).status == 422, "a reason is needed"
    page = support.post(f"{where}/merge", step="confirm", reason="rang from both", **form)
    assert page.path == f"/staff/readers/{paid.reader_id}", page.words
    (line,) = world.rows("SELECT reader_id, after, reason FROM audit_line WHERE act = 'merge'")
    assert (line["reader_id"], line["reason"]) == (paid.reader_id, "rang from both")
    assert (line["after"]["merged"], line["after"]["address_freed"]) == (goes, SECOND)
    assert line["after"]["moved"]["payment_method"] == 1
    assert "Merge two accounts of one person" in support.get(f"/staff/readers/{paid.reader_id}").words
    healthy(world)


def test_a_merge_needs_a_fresh_code_and_a_role(world: World, paid: Subscriber, staff: SignIn) -> None:
    goes = second_account(world)
    where = f"/staff/readers/{paid.reader_id}/merge"
    assert staff("finance").get(where).status == 403
    support = staff("support")
    world.advance(minutes=11)
    support.get(where)
    support.post(where, other=SECOND, step="preview")
    page = support.post(where, other=SECOND, stays="this", keeps="this", reason="rang", step="confirm")
    assert page.status == 403
    assert world.rows("SELECT merged_into FROM reader WHERE id = :id", id=goes) == [{"merged_into": None}]


def test_an_old_id_means_the_account_that_stays(world: World, paid: Subscriber) -> None:
    goes, article = second_account(world), world.articles["subscriber"][0]
    world.execute("UPDATE reader SET external_id = 'crm-1' WHERE id = :id", id=paid.reader_id)
    assert not world.access(article, goes)["allowed"]
    do_merge(world, paid.reader_id, goes)
    assert world.access(article, goes)["allowed"], "access by the old id"
    by_external = world.api.get(f"/v1/access/{article}", params={"external_id": "crm-2"}).json()
    assert by_external["allowed"]
    (found,) = world.api.get("/v1/readers", params={"external_id": "crm-2"}).json()["data"]
    assert found["id"] == paid.reader_id
    again = world.try_trial(paid.email, "pm_card_amex", external_id="crm-2")
    assert again.json()["code"] == "already_subscribed", "both external ids are the reader's"
    for path in ("", "/invoices", "/events", "/standing", "/forecast"):
        answer = world.api.get(f"/v1/readers/{goes}{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "reader_merged"), path
        assert answer.json()["merged_into"] == paid.reader_id
    world.api.post(
        f"/v1/subscriptions/{paid.subscription_id}/cancel", json={"when": "now"}
    ).raise_for_status()
    assert not world.access(article, goes)["allowed"], "the caches of the old id follow too"


def test_an_external_id_moves_to_an_account_without_one(world: World, paid: Subscriber) -> None:
    goes = second_account(world)
    do_merge(world, paid.reader_id, goes)
    found = world.rows("SELECT id, external_id FROM reader WHERE external_id IS NOT NULL")
    assert found == [{"id": paid.reader_id, "external_id": "crm-2"}]


def test_the_freed_address_opens_a_new_account_without_a_trial(world: World, paid: Subscriber) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    do_merge(world, paid.reader_id, goes)
    again = world.try_trial(SECOND, "pm_card_amex")
    assert (again.status_code, again.json()["code"]) == (409, "trial_used")
    browser = world.browser()
    browser.sign_in(SECOND)
    assert "R75" not in browser.get("/account").words
    (new,) = world.rows("SELECT id FROM reader WHERE email = :email", email=SECOND)
    assert new["id"] not in (goes, paid.reader_id)


def test_an_address_that_had_a_trial_brings_that_along(world: World, paid: Subscriber) -> None:
    room, address = Newsroom(world), "third@example.com"
    goes, stays = room.add_reader(SECOND), room.add_reader(address)
    world.execute(
        "INSERT INTO trial_claim (kind, digest, subscription_id, claimed_at) VALUES ('address', :digest, :subscription, :at)",
        digest=address_digest(world.services.site.tokens, SECOND),
        subscription=paid.subscription_id,
        at=world.now,
    )
    do_merge(world, stays, goes)
    assert world.try_trial(address, "pm_card_amex").json()["code"] == "trial_used"


def test_the_other_address_may_stay(world: World, paid: Subscriber) -> None:
    goes = second_account(world)
    world.execute("UPDATE reader SET address_proved_at = NULL, language = 'af' WHERE id = :id", id=goes)
    do_merge(world, paid.reader_id, goes, other_address=True)
    query = "SELECT email, address_proved_at, language FROM reader WHERE id = :id"
    assert world.rows(query, id=paid.reader_id) == [
        {"email": SECOND, "address_proved_at": None, "language": "af"}
    ]
    healthy(world)


def test_sessions_end_and_metered_articles_count_together(world: World, paid: Subscriber) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    browser = signed_in(world, SECOND)
    assert browser.get("/account").path == "/account"
    month = world.now.date().replace(day=1)
    for visitor, articles in ((goes, ("a", "b")), (paid.reader_id, ("b", "c"))):
        world.execute(
            "INSERT INTO meter_month (visitor, month, readings, carried) VALUES (:v, :m, CAST(:r AS jsonb), '{}')",
            v=visitor,
            m=month,
            r=json.dumps(dict.fromkeys(articles, world.now.isoformat())),
        )
    do_merge(world, paid.reader_id, goes)
    assert browser.get("/account").path == "/sign-in"
    (row,) = world.rows("SELECT visitor, readings FROM meter_month WHERE month = :m", m=month)
    assert (row["visitor"], sorted(row["readings"])) == (paid.reader_id, ["a", "b", "c"])


def test_an_erasure_afterwards_takes_both_customers_and_both_accounts(world: World, paid: Subscriber) -> None:
    goes = second_account(world)
    room = Newsroom(world)
    for email in (SECOND, paid.email):
        room.join(email)
    customers = {row["customer_ref"] for row in world.rows("SELECT customer_ref FROM payment_method")}
    assert len(customers) == 2
    path = f"/v1/readers/{paid.reader_id}/merge"
    world.api.post(path, json={"other": goes, "reason": "one person"}).raise_for_status()
    world.advance(days=1)
    ask_for(world, paid.reader_id)
    world.advance(days=2)
    assert mentions(world, paid.email, SECOND, "crm-2") == []
    deleted = {row["id"] for row in world.sandbox.objects("customer") if row.get("deleted")}
    assert deleted == customers
    healthy(world)


def test_accounts_merge_one_after_another(world: World, paid: Subscriber) -> None:
    room = Newsroom(world)
    first, second = (room.add_reader(email) for email in ("one@example.com", "two@example.com"))
    do_merge(world, second, first)
    do_merge(world, paid.reader_id, second)
    rows = world.rows("SELECT DISTINCT merged_into FROM reader WHERE merged_into IS NOT NULL")
    assert rows == [{"merged_into": paid.reader_id}]
    assert world.access(world.articles["subscriber"][0], first)["allowed"]
    healthy(world)


def test_a_change_of_address_can_be_stopped_before_accounts_merge(world: World, paid: Subscriber) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    browser = signed_in(world, SECOND)
    give(world, browser)
    with pytest.raises(merge.MergeWaits, match="can still stop that"):
        do_merge(world, paid.reader_id, goes)
    confirm(world, browser)
    world.advance(days=6)
    with pytest.raises(merge.MergeWaits, match="can still stop that"):
        do_merge(world, paid.reader_id, goes)
    world.advance(days=2)
    do_merge(world, paid.reader_id, goes)
    assert world.rows("SELECT reader_id, old_email FROM address_change") == [
        {"reader_id": paid.reader_id, "old_email": SECOND}
    ]
    healthy(world)


LARGE = ("delivery", "message", "payment", "signup", "subscription")


@pytest.mark.parametrize("table", LARGE)
def test_what_moves_is_found_by_an_index(world: World, paid: Subscriber, table: str) -> None:
    given = {"stays": paid.reader_id, "goes": "rdr_other", "at": world.now}
    with world.services.database.transaction() as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        for statement in MOVED[table]:
            plan = session.execute(sa.text(f"EXPLAIN {statement}"), given).scalars().all()
            is_for_few = "One-Time Filter" in "".join(plan)  # it reads nothing unless that is so
            assert is_for_few or not re.search(rf"Seq Scan on {table}", "".join(plan))


def test_the_mail_to_the_freed_address_follows_nobody(world: World, paid: Subscriber) -> None:
    """Where that refuses it, and the reader changes the address soon afterwards."""
    goes = Newsroom(world).add_reader(SECOND)
    world.smtp.refuse(550, "no such mailbox", to=SECOND)
    do_merge(world, paid.reader_id, goes)
    world.settle()
    change(world, paid.email)
    assert "accounts_merged" not in world.mail_kinds(NEW)
    rows = world.rows("SELECT recipient, state FROM message WHERE kind = 'accounts_merged' ORDER BY 1")
    assert [(row["recipient"], row["state"]) for row in rows] == [
        (SECOND, "refused"),
        (paid.email, "accepted"),
    ]


def test_the_door_of_append_only_tables_is_for_this_pair_only(world: World, paid: Subscriber) -> None:
    other = Newsroom(world).add_reader(SECOND)
    do_merge(world, paid.reader_id, other)
    (done,) = world.rows("SELECT id FROM reader_merge")
    for setting in ("", str(done["id"])):
        with pytest.raises(sa.exc.IntegrityError):
            _move_consents(world, setting, other)


def _move_consents(world: World, merge_id: str, to: str) -> None:
    with world.services.database.transaction() as session:
        session.execute(sa.text("SELECT set_config('masthead.merging', :id, true)"), {"id": merge_id})
        session.execute(sa.text("UPDATE consent SET reader_id = :id"), {"id": to})


def test_a_program_and_a_command_merge_too(world: World, paid: Subscriber) -> None:
    goes = second_account(world)
    path = f"/v1/readers/{paid.reader_id}/merge"
    seen = world.api.get(path, params={"other": goes}).json()
    assert (seen["merged_id"], seen["rows"]["payment_method"]) == (goes, 1)
    shown = run_on(world, "readers", "merge", paid.email, SECOND, "--reason", "one person", "--preview")
    assert (shown.exit_code, "can’t be undone" in shown.output) == (0, True), shown.output
    assert world.rows("SELECT id FROM reader_merge") == []
    answer: dict[str, Any] = world.api.post(path, json={"other": goes, "reason": "one person"}).json()
    assert (answer["reader_id"], answer["merged_id"]) == (paid.reader_id, goes)
    third = Newsroom(world).add_reader("third@example.com")
    done = run_on(world, "readers", "merge", paid.email, "third@example.com", "--reason", "one person")
    assert done.exit_code == 0, done.output
    assert f"{third} is merged into {paid.reader_id}." in done.output
    again = run_on(world, "readers", "merge", paid.email, third, "--reason", "one person")
    assert again.exit_code == 1
    assert "was merged into" in str(again.exception)
    world.advance(minutes=1)
    healthy(world)
