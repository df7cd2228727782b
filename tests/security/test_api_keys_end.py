"""A lost key stops working: revoked, expired, or after its grace period, in the cache too."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from billing.platform.actors import WORKER, StaffActor
from billing.rules.key_secrets import FORM, is_whole
from billing.staff import api_keys
from tests.support.actors import BY, CLOSED_BY
from tests.support.cli import run_on
from tests.support.polling import until
from tests.support.programs import program, with_secret
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

ADMIN = StaffActor("admin@paper.example")


def works(world: World, client: httpx.Client) -> set[bool]:
    """Whether the key works, twice by the cache and once by the framework."""
    article = world.articles["subscriber"][0]
    answers = [
        client.get(path) for path in (f"/v1/access/{article}",) * 2 + ("/v1/access-token?reader_id=x",)
    ]
    assert {answer.status_code for answer in answers} <= {200, 401, 404}
    return {answer.status_code != 401 for answer in answers}


def the_key(world: World) -> str:
    (row,) = world.rows("SELECT id FROM api_key WHERE name = 'access'")
    return str(row["id"])


def audited(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows(f"SELECT {BY}, act, subject FROM audit_line WHERE act LIKE 'key_%' ORDER BY id")
    return [(row["by"], row["act"], row["subject"]) for row in rows]


def test_a_revoked_key_is_forgotten_at_once(world: World) -> None:
    client = program(world, "access")
    assert works(world, client) == {True}
    with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
        api_keys.revoke(ctx, the_key(world))
    assert works(world, client) == {False}
    assert audited(world) == [(str(ADMIN), "key_revoke", the_key(world))]
    with (
        pytest.raises(api_keys.UnknownKey),
        world.services.database.begin(world.services.site, world.now, ADMIN) as ctx,
    ):
        api_keys.revoke(ctx, the_key(world))


def test_an_expired_key_stops_to_the_second_though_nothing_changes(world: World) -> None:
    """No notification reports it, so a cached key must keep its end."""
    client = program(world, "access", expires_at=world.now + timedelta(hours=1))
    assert works(world, client) == {True}
    world.advance_to(world.now + timedelta(minutes=59, seconds=59))
    assert works(world, client) == {True}
    world.advance_to(world.now + timedelta(seconds=1))
    assert works(world, client) == {False}


def test_after_a_rotation_both_secrets_work_and_the_old_one_for_its_grace_alone(world: World) -> None:
    old = program(world, "access")
    assert works(world, old) == {True}

    def rotate(grace: timedelta) -> httpx.Client:
        with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
            key_id = the_key(world)
            secret = api_keys.rotate(ctx, key_id, grace)
        return with_secret(world, secret)

    new = rotate(timedelta(hours=1))
    assert works(world, old) == works(world, new) == {True}
    world.advance_to(world.now + timedelta(hours=1))
    assert (works(world, old), works(world, new)) == ({False}, {True})
    newer = rotate(timedelta(hours=1))
    newest = rotate(timedelta())
    assert [works(world, each) for each in (new, newer, newest)] == [{False}, {False}, {True}]
    assert [act for _, act, _ in audited(world)] == ["key_rotate"] * 3
    with pytest.raises(api_keys.LongGrace):
        rotate(timedelta(days=31))


def test_a_call_repeated_after_a_rotation_is_the_same_call(world: World, in_trial: Subscriber) -> None:
    """A rotated key keeps its stored answers for Idempotency-Keys, and its ceilings."""
    old = program(world, "readers")
    path = f"/v1/readers/{in_trial.reader_id}/notes"
    body, headers = {"words": "x"}, {"Idempotency-Key": "k1"}
    first = old.post(path, json=body, headers=headers)
    (row,) = world.rows("SELECT id FROM api_key WHERE name = 'readers'")
    with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
        secret = api_keys.rotate(ctx, row["id"], timedelta())
    again = with_secret(world, secret).post(path, json=body, headers=headers)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")


def test_a_secret_has_a_form_that_scanners_find_and_is_kept_nowhere(world: World) -> None:
    with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
        _, secret = api_keys.make(ctx, "app", ["access"])
    assert FORM.fullmatch(secret)
    assert is_whole(secret)
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    assert not is_whole(other)
    assert not is_whole(secret[:-1])
    assert secret not in str(world.rows("SELECT k::text, l::text FROM api_key k, audit_line l"))


def test_when_a_key_was_last_used_is_known_to_the_minute_and_written_once_in_one(world: World) -> None:
    reads, asks = program(world, "readers:read"), program(world, "access")
    article = world.articles["subscriber"][0]

    def uses() -> dict[str, object]:
        rows = world.rows(
            "SELECT k.name, u.last_used_at FROM api_key_use u JOIN api_key k ON k.id = u.key_id"
        )
        return {row["name"]: row["last_used_at"] for row in rows if row["name"] != "tests"}

    first = world.now
    for _ in range(3):
        reads.get("/v1/readers?email=a@example.com")
        asks.get(f"/v1/access/{article}")
    until(lambda: len(uses()) == 2, "what memory answers to be written down after its answer")
    assert uses() == {"readers:read": first, "access": first}
    written = "SELECT xmin::text AS written FROM api_key_use ORDER BY key_id"
    before = world.rows(written)
    world.advance_to(first + timedelta(seconds=59))
    reads.get("/v1/readers?email=a@example.com")
    asks.get(f"/v1/access/{article}")
    assert world.rows(written) == before
    world.advance_to(first + timedelta(seconds=60))
    reads.get("/v1/readers?email=a@example.com")
    assert uses()["readers:read"] == world.now


def test_admins_are_told_two_weeks_before_a_key_expires(world: World) -> None:
    program(world, "access", expires_at=local(2027, 4, 1))
    world.advance_to(local(2027, 3, 17, 23, 59))
    assert world.rows("SELECT 1 FROM staff_case") == []
    world.advance_to(local(2027, 3, 18, 1))
    (case,) = world.rows("SELECT kind, what, act_by, link, closed_at FROM staff_case")
    assert (case["kind"], case["link"]) == ("key_expires", "/staff/keys")
    assert "“access” stops working on 1 April 2027" in case["what"]
    assert (case["act_by"], case["closed_at"]) == (local(2027, 4, 1), None)
    with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
        api_keys.rotate(ctx, the_key(world), timedelta(), expires_at=local(2027, 4, 2))
    world.advance_to(local(2027, 3, 19, 1))
    rows = world.rows(f"SELECT {CLOSED_BY}, closed_at IS NULL AS open FROM staff_case ORDER BY id")
    assert [row["open"] for row in rows] == [False, True], "another end, and another case"
    with world.services.database.begin(world.services.site, world.now, ADMIN) as ctx:
        api_keys.revoke(ctx, the_key(world))
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == []


def test_an_admin_makes_limits_rotates_and_revokes_keys_in_pages(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    admin.get("/staff/keys")
    form = {"rand": "50.00", "days": "1", "starts": "2", "readers": "9"}
    wrong = admin.post("/staff/keys", name="app", scope="access", expires="soon", **form)
    assert wrong.status == 422
    assert "whole numbers" in wrong.words
    page = admin.post("/staff/keys", name="app", scope="access", expires="30", **form)
    found = FORM.search(page.words)
    assert found is not None
    assert page.response.headers["cache-control"] == "private, no-store"
    client = with_secret(world, found[0])
    assert works(world, client) == {True}
    listed = admin.get("/staff/keys")
    assert found[0] not in listed.text
    assert "Last used Mon 1 Mar 2027, 10:00" in listed.words
    assert "Expires Wed 31 Mar 2027, 10:00" in listed.words
    (key,) = world.rows("SELECT * FROM api_key WHERE name = 'app'")
    assert (key["cents_a_day"], key["days_a_day"], key["starts_a_day"]) == (5000, 1, 2)
    where = f"/staff/keys/{key['id']}"
    admin.post(f"{where}/limit", rand="R 60,00", days="1", starts="2", readers="9")
    admin.get("/staff/keys")
    rotated = FORM.search(admin.post(f"{where}/rotate", hours="24", expires="").words)
    assert rotated is not None
    assert works(world, client) == works(world, with_secret(world, rotated[0])) == {True}
    assert "The secret before works until Tue 2 Mar 2027, 10:00" in admin.get("/staff/keys").words
    admin.post(f"{where}/revoke")
    assert works(world, client) == works(world, with_secret(world, rotated[0])) == {False}
    acts = [act for by, act, _ in audited(world) if by == "staff:admin@paper.example"]
    assert acts == ["key_create", "key_limit", "key_rotate", "key_revoke"]


@pytest.mark.parametrize("role", ["support", "finance", "editor"])
def test_no_other_role_sees_or_makes_keys(world: World, staff: SignIn, role: str) -> None:
    assert staff(role).get("/staff/keys").status == 403


def test_the_same_by_commands(world: World) -> None:
    made = run_on(
        world,
        "keys",
        "create",
        "--name",
        "app",
        "--scopes",
        "access",
        "--expires",
        "30d",
        "--cents-a-day",
        "5000",
    )
    secret = made.stdout.strip()
    assert is_whole(secret), made.output
    client = with_secret(world, secret)
    assert works(world, client) == {True}
    listed = run_on(world, "keys", "list").stdout
    assert secret not in listed
    for said in ("app  access", "last used Monday 1 March 2027, 10:00", "expires Wednesday 31 March 2027"):
        assert said in listed, listed
    assert re.search(
        r"give R50\.00 incl\. VAT back, give 310 days to readers, start 1,000 subscriptions, read of 5,000 readers",
        listed,
    ), listed
    assert "R60.00" in run_on(world, "keys", "limit", "app", "--cents-a-day", "6000").stdout
    rotated = run_on(world, "keys", "rotate", "app", "--grace", "0m").stdout.strip()
    assert (works(world, client), works(world, with_secret(world, rotated))) == ({False}, {True})
    assert "doesn't work any more" in run_on(world, "keys", "revoke", "app").stdout
    assert works(world, with_secret(world, rotated)) == {False}
    assert isinstance(run_on(world, "keys", "revoke", "app").exception, api_keys.UnknownKey)
    assert "revoked Monday 1 March 2027" in run_on(world, "keys", "list").stdout
    assert [(by, act) for by, act, _ in audited(world)] == [
        ("command", f"key_{act}") for act in ("create", "limit", "rotate", "revoke")
    ]


def test_a_name_is_one_working_keys_alone(world: World) -> None:
    """Acts and refusals of a key are recorded by its name. No two working keys share one."""
    program(world, "access", expires_at=world.now + timedelta(hours=1))
    make = ("keys", "create", "--name", "access", "--scopes", "access")
    refused = run_on(world, *make)
    assert refused.exit_code == 1
    assert "A key that works has this name already" in str(refused.exception) + refused.output
    assert run_on(world, "keys", "create", "--name", the_key(world), "--scopes", "access").exit_code == 1
    world.advance_to(world.now + timedelta(hours=1))
    assert run_on(world, *make).exit_code == 0, "the first one has expired"
    assert run_on(world, *make).exit_code == 1
    assert run_on(world, "keys", "revoke", "access").exit_code == 0
    assert run_on(world, *make).exit_code == 0


def test_a_form_about_a_key_that_is_gone_reaches_none_that_is_named_like_it(
    world: World, staff: SignIn
) -> None:
    admin = staff("admin")
    program(world, "access")
    gone = the_key(world)
    ceilings = {"rand": "50.00", "days": "1", "starts": "2", "readers": "9"}
    forms: tuple[tuple[str, dict[str, str]], ...] = (
        ("limit", ceilings),
        ("rotate", {"hours": "0"}),
        ("revoke", {}),
    )
    admin.get("/staff/keys")
    open_forms = [admin.filled(f"/staff/keys/{gone}/{act}", **form) for act, form in forms]
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        api_keys.revoke(ctx.acting_as(ADMIN), gone)
        api_keys.create(ctx, gone, ["access"])
    before = world.rows("SELECT * FROM api_key WHERE name = :gone", gone=gone)
    assert [admin.http.send(each).status_code for each in open_forms] == [404] * 3
    assert world.rows("SELECT * FROM api_key WHERE name = :gone", gone=gone) == before


def test_two_who_make_a_key_of_one_name_at_once_make_one(world: World) -> None:
    def make() -> str:
        with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
            return api_keys.create(ctx, "app", ["access"])

    waiting = (
        "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    with ThreadPoolExecutor() as pool:
        with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
            api_keys.create(ctx, "app", ["access"])
            other = pool.submit(make)
            until(lambda: world.rows(waiting), "the other one's lock")
        with pytest.raises(api_keys.NameTaken):
            other.result()


def fields(page: str, action: str) -> dict[str, str]:
    """What stands in the text fields of a form, by name."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="text"[^>]* name="(\w+)"[^>]* value="([^"]*)"', form)
    return dict(found)


def test_ceilings_of_money_are_typed_in_rand_and_kept_where_they_are_refused(
    world: World, staff: SignIn
) -> None:
    admin = staff("admin")
    program(world, "access")
    key = the_key(world)
    where = f"/staff/keys/{key}/limit"
    page = admin.get("/staff/keys")
    assert "Rand given back, incl. VAT, a day" in page.words
    assert "Cents" not in page.words
    given = {"rand": "R1 234,5", "days": "x", "starts": "2", "readers": "9", "reason": "a campaign"}
    refused = admin.post(where, **given)
    assert refused.status == 422
    assert fields(refused.text, where) == given
    form = refused.text.partition(f'action="{where}"')[2].partition("</form>")[0]
    assert "are whole numbers" in form, "the error stands in its form"
    assert "are whole numbers" not in refused.text.replace(form, "")
    for wrong in ("12.345", "99999999", ""):
        assert (
            "An amount is rand and cents" in admin.post(where, **given | {"days": "1", "rand": wrong}).words
        )
    admin.post(where, **given | {"days": "1"})
    assert world.rows("SELECT cents_a_day FROM api_key WHERE id = :key", key=key) == [{"cents_a_day": 123450}]
    assert fields(admin.get("/staff/keys").text, where)["rand"] == "1234.50"
    admin.post(where, **given | {"days": "1", "rand": "21474836.47"})
    assert fields(admin.get("/staff/keys").text, where)["rand"] == "21474836.47", "no ceiling at all"
    unmade = {**given, "name": "app", "expires": "40"}
    assert fields(admin.post("/staff/keys", scope="access", **unmade).text, "/staff/keys") == unmade


def test_an_admin_is_told_that_the_name_is_taken(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    admin.get("/staff/keys")
    form = {"rand": "0", "days": "0", "starts": "0", "readers": "10"}
    page = admin.post("/staff/keys", name="tests", scope="access", expires="", **form)
    assert "A key that works has this name already" in page.words
    assert page.status == 409
