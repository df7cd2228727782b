"""The secret key changes while readers read, owe and have opted out: nothing promised under the old key is lost."""

from datetime import timedelta

import httpx
import jwt
import psycopg
import pytest
import sqlalchemy as sa

from billing.dev import seed
from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters import compare
from billing.platform.actors import WORKER
from billing.platform.errors import RefusesToStart
from billing.platform.tokens import Tokens
from billing.staff import codes, members
from tests.support import staff_members
from tests.support.broken_tables import refused_rows
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.installation import SECRET_KEY
from tests.support.newsroom import Newsroom
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

NEW_KEY = "another secret for tests, made when the first leaked 9876"
NEW, FIRST = (key.replace(",", "%2C") for key in (NEW_KEY, SECRET_KEY))
"""In the form of BILLING_PREVIOUS_SECRET_KEYS."""
THIRD = "a third secret for tests which nobody has seen yet 5432"
OPTED_OUT = "left@example.com"
BLOCKED = "blocked@example.com"
ADMIN = "admin@paper.example"


def change_key(world: World) -> None:
    world.restart(secret_key=NEW_KEY, previous_secret_keys=FIRST)


def drop_previous(world: World) -> None:
    world.restart(secret_key=NEW_KEY)


def rotate(world: World) -> str:
    done = run_on(world, "keys", "rotate-secret")
    assert done.exit_code == 0, done.output
    return done.output


def opt_out(world: World, email: str) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        suppressions.suppress(
            ctx,
            email,
            scope=suppressions.ALL,
            reason=SuppressionReason.STAFF,
            source="a letter",
        )


def is_opted_out(world: World, email: str) -> bool:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        return suppressions.is_suppressed(ctx, email, [suppressions.ALL])


def is_blocked(world: World, email: str) -> bool:
    """Whether comparing the register with this address alone finds its block there already."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        found = compare.compare(ctx, [email])
        ctx.session.rollback()
    return (found.blocked, found.known) == (0, 1)


def reads(world: World, browser: Browser) -> bool:
    article = world.articles["subscriber"][0]
    return bool(browser.http.get(f"/v1/access/{article}").json()["allowed"])


def gate_reads(world: World, browser: Browser) -> int:
    return browser.http.get(f"/v1/gate/{world.articles['subscriber'][0]}").status_code


def keys_published(world: World) -> int:
    """Three for each secret key whose signatures are accepted."""
    return len(world.api.get("/.well-known/jwks.json").json()["keys"])


def with_token(world: World, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    path = f"{world.url}/v1/access/{world.articles['subscriber'][0]}"
    return httpx.get(path, headers=headers, trust_env=False, timeout=30)


@pytest.mark.parametrize("rotated", [False, True], ids=["changed", "changed-and-rotated"])
def test_who_opted_out_or_is_blocked_stays_out(world: World, rotated: bool) -> None:
    opt_out(world, OPTED_OUT)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        seed.newsletters(ctx.session, world.now)
        ctx.session.execute(sa.text("UPDATE newsletter SET kind = 'promotional'"))
        compare.compare(ctx, [BLOCKED])
    change_key(world)
    if rotated:
        rotate(world)
        drop_previous(world)
    assert is_opted_out(world, OPTED_OUT)
    assert is_blocked(world, BLOCKED)
    assert not is_opted_out(world, "somebody-else@example.com")


@pytest.mark.parametrize("rotated", [False, True], ids=["changed", "changed-and-rotated"])
def test_a_trial_is_had_once_by_address_and_by_card(
    world: World, in_trial: Subscriber, rotated: bool
) -> None:
    change_key(world)
    if rotated:
        rotate(world)
        drop_previous(world)
    again = world.try_trial("t.handi@example.com", "pm_card_visa")
    assert (again.status_code, again.json()["code"]) == (409, "trial_used"), "the card had its trial"
    world.api.post(f"/v1/subscriptions/{in_trial.subscription_id}/cancel", json={"when": "now"})
    again = world.try_trial(in_trial.email.replace("@", "+2@"), "pm_card_mastercard")
    assert (again.status_code, again.json()["code"]) == (409, "trial_used"), "the address had its trial"


@pytest.mark.parametrize("rotated", [False, True], ids=["changed", "changed-and-rotated"])
def test_an_api_key_goes_on_opening(world: World, in_trial: Subscriber, rotated: bool) -> None:
    change_key(world)
    if rotated:
        rotate(world)
        drop_previous(world)
    article = world.articles["subscriber"][0]
    assert world.access(article, in_trial.reader_id)["allowed"]
    assert world.api.get(f"/v1/readers/{in_trial.reader_id}").status_code == 200


def test_the_cancel_link_in_an_old_mail_cancels(world: World, in_trial: Subscriber) -> None:
    link = world.mailed_link(in_trial.email, "/cancel/")
    change_key(world)
    browser = world.browser()
    browser.get(link)
    browser.post("/cancel")
    assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is not None


def test_a_browser_stays_signed_in_and_can_still_be_signed_out(world: World, in_trial: Subscriber) -> None:
    browser = signed_in(world, in_trial.email)
    assert browser.get("/account").path == "/account"
    change_key(world)
    assert browser.get("/account").path == "/account"
    assert reads(world, browser)
    assert gate_reads(world, browser) == 204
    browser.get("/account")
    browser.post("/sign-out-everywhere")
    assert gate_reads(world, browser) == 403, "the gate hears that a session ended whose hash was changed"


def test_the_gate_alone_knows_an_old_session(world: World, in_trial: Subscriber) -> None:
    browser = signed_in(world, in_trial.email)
    change_key(world)
    assert [gate_reads(world, browser) for _ in range(3)] == [204, 204, 204]


def test_a_session_that_was_used_outlives_the_previous_key(world: World, in_trial: Subscriber) -> None:
    used, unused = signed_in(world, in_trial.email), signed_in(world, in_trial.email)
    change_key(world)
    said = rotate(world)
    assert "2 sessions of readers whose browser hasn't come since" in said
    world.skip_to(world.now.replace(minute=1))
    used.get("/account")
    assert "1 sessions of readers" in rotate(world)
    drop_previous(world)
    assert used.get("/account").path == "/account"
    assert unused.get("/account").path == "/sign-in"


def test_a_form_that_was_open_is_taken(world: World, in_trial: Subscriber) -> None:
    browser = signed_in(world, in_trial.email)
    browser.get("/account/cancel")
    change_key(world)
    assert browser.post("/account/cancel").status == 200
    assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is not None


@pytest.mark.parametrize("mailed", ["before", "after"])
def test_a_link_to_sign_in_asked_for_before_signs_in(world: World, in_trial: Subscriber, mailed: str) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=in_trial.email)
    if mailed == "before":
        world.settle()
    change_key(world)
    world.settle()
    browser.get(world.mailed_link(in_trial.email, "/sign-in/link/"))
    browser.post("/sign-in/confirm")
    assert browser.get("/account").path == "/account"


def test_a_card_page_that_was_open_leads_back(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email="new@example.com")
    page = browser.open_card_page()
    change_key(world)
    browser.get(world.sandbox.fill_in(page, "4242424242424242"))
    assert browser.page.path == "/subscribe/started"


def test_a_reader_token_is_believed_and_its_key_published(world: World, in_trial: Subscriber) -> None:
    browser = signed_in(world, in_trial.email)
    token = browser.http.get("/v1/access-token").json()["token"]
    change_key(world)
    kids = [key["kid"] for key in world.api.get("/.well-known/jwks.json").json()["keys"]]
    assert jwt.get_unverified_header(token)["kid"] in kids
    assert with_token(world, token).json()["allowed"]
    assert browser.http.get("/v1/access-token").json()["token"] != token


def test_signatures_of_the_previous_key_are_believed_for_two_hours(world: World) -> None:
    """A thief of the key can't sign tokens for as long as it is kept for old links."""
    change_key(world)
    rotate(world)
    change_key(world)
    assert keys_published(world) == 6
    world.advance(hours=2)
    assert keys_published(world) == 3


def test_the_next_key_signs_while_processes_are_restarted(world: World, in_trial: Subscriber) -> None:
    """A year after a rotation the third key is announced; a process that has it already signs, one that hasn't checks."""
    browser = signed_in(world, in_trial.email)
    of_the_first = browser.http.get("/v1/access-token").json()["token"]
    change_key(world)
    rotate(world)
    world.advance(hours=2)
    world.restart(secret_key=THIRD, previous_secret_keys=f"{NEW},{FIRST}")
    token = browser.http.get("/v1/access-token").json()["token"]
    world.restart(secret_key=NEW_KEY, previous_secret_keys=f"{THIRD},{FIRST}")
    kids = {key["kid"] for key in world.api.get("/.well-known/jwks.json").json()["keys"]}
    assert jwt.get_unverified_header(token)["kid"] in kids
    assert with_token(world, token).json()["allowed"]
    assert jwt.get_unverified_header(of_the_first)["kid"] not in kids, "its time is over"


def test_a_rotation_brings_no_replaced_key_back(world: World) -> None:
    change_key(world)
    rotate(world)
    world.advance(hours=2)
    world.restart(secret_key=THIRD, previous_secret_keys=f"{NEW},{FIRST}")
    assert keys_published(world) == 6
    rotate(world)
    world.restart(secret_key=THIRD, previous_secret_keys=f"{NEW},{FIRST}")
    assert keys_published(world) == 6
    world.advance(hours=2)
    assert keys_published(world) == 3


@pytest.mark.parametrize("rotated", [False, True], ids=["changed", "changed-and-rotated"])
def test_an_authenticator_goes_on_working(world: World, rotated: bool) -> None:
    staff_members.add(world, "admin", ADMIN)
    staff_members.sign_in(world, ADMIN)
    secret = secret_of(world)
    change_key(world)
    if rotated:
        assert "Authenticators sealed: 1." in rotate(world)
        assert "Authenticators sealed: 0." in rotate(world), "it is safe to run again"
        drop_previous(world)
    assert secret_of(world) == secret
    world.advance(minutes=1)
    staff_members.sign_in(world, ADMIN)


def secret_of(world: World) -> str:
    with world.services.database.transaction() as session:
        return codes.secret_of(world.services.site.tokens, members.by_address(session, ADMIN))


def test_the_command_says_to_when_the_old_links_need_it_and_that_holds(
    world: World, in_trial: Subscriber
) -> None:
    link = world.mailed_link(in_trial.email, "/cancel/")
    change_key(world)
    said = rotate(world)
    assert "mails sent before, whose links cancel, pay and unsubscribe" in said
    assert "Keep it in BILLING_PREVIOUS_SECRET_KEYS until Tuesday 4 April 2028" in said
    assert "If it was stolen, empty them now" in said
    drop_previous(world)
    assert "Thank you" not in world.browser().get(link).words
    assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is None


def test_the_links_in_newsletters_are_counted_when_their_recipients_are_dropped(world: World) -> None:
    newsroom = Newsroom(world)
    newsroom.people(3)
    newsroom.send()
    newsroom.send()
    change_key(world)
    needed = "until Tuesday 4 April 2028, 10:00 SAST: 6 mails sent before, whose links"
    assert needed in rotate(world)
    for days in (60, 60):  # counted, then dropped
        world.skip_to(world.now + timedelta(days=days))
        world.settle()
        assert needed in rotate(world)
    assert world.rows("SELECT 1 FROM delivery") == []


def test_where_the_key_was_never_changed_nothing_needs_another(world: World, in_trial: Subscriber) -> None:
    assert world.letters(in_trial.email)
    assert "Nothing needs a previous key" in rotate(world)


def test_two_changes_in_a_row(world: World, in_trial: Subscriber) -> None:
    link = world.mailed_link(in_trial.email, "/cancel/")
    change_key(world)
    rotate(world)
    world.restart(secret_key=THIRD, previous_secret_keys=f"{NEW},{FIRST}")
    rotate(world)
    assert world.try_trial("t.handi@example.com", "pm_card_visa").status_code == 409
    browser = world.browser()
    browser.get(link)
    browser.post("/cancel")
    assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is not None


def test_a_key_of_another_database_is_refused_at_the_start(world: World) -> None:
    with pytest.raises(RefusesToStart, match="is the key that this database was made with"):
        world.restart(secret_key=NEW_KEY)
    assert is_opted_out(world, OPTED_OUT) is False


def test_a_lost_key_is_said_to_be_lost_and_the_doctor_says_which_lists(
    world: World, in_trial: Subscriber
) -> None:
    kept = run_on(world, "keys", "rotate-secret", "--key-is-lost")
    assert kept.exit_code == 1
    assert "The key isn't lost" in kept.output
    lost = run_on(world, "keys", "rotate-secret", "--key-is-lost", BILLING_SECRET_KEY=NEW_KEY)
    assert lost.exit_code == 0, lost.output
    assert "are not recognised" in lost.output
    drop_previous(world)
    doctor = run_on(world, "doctor")
    assert doctor.exit_code == 1
    assert "broken  lists-keep-their-salt" in doctor.output
    for name in ("suppression", "trial_claim", "payment_method", "api_key"):
        assert f"{name}: its rows until 2027-03-01" in doctor.output
    assert "Trials claimed again, of readers whose address is known: 1." in lost.output
    assert world.api.get(f"/v1/readers/{in_trial.reader_id}").status_code == 401
    key = run_on(world, "keys", "create", "--name", "new", "--scopes", "readers").output.strip()
    world.api.headers["Authorization"] = f"Bearer {key}"
    world.execute(
        "UPDATE subscription SET state = 'ended', ended_at = started_at, next_action = NULL, next_action_at = NULL"
    )
    again = world.try_trial(in_trial.email.replace("@", "+2@"), "pm_card_mastercard")
    assert (again.status_code, again.json()["code"]) == (409, "trial_used")
    assert "claimed again" not in rotate(world), "it is safe to run again"


def test_an_old_process_hears_that_a_session_ended_whose_hash_was_changed(
    world: World, in_trial: Subscriber
) -> None:
    """While processes are replaced one by one, the old ones cache a session under its old hash."""
    browser = signed_in(world, in_trial.email)
    assert [gate_reads(world, browser) for _ in range(2)] == [204, 204]
    change_key(world)
    browser.get("/account")
    browser.post("/sign-out-everywhere")
    with world.as_usual():
        assert gate_reads(world, browser) == 403


def test_a_changed_hash_is_told_by_what_it_was(world: World, in_trial: Subscriber) -> None:
    """A process with the old key caches the session under that hash."""
    signed_in(world, in_trial.email)
    (before,) = world.rows("SELECT id, left(token_hash, 32) AS hash FROM reader_session")
    with psycopg.connect(world.url_of_database, autocommit=True) as listening:
        listening.execute("LISTEN access")
        world.execute("UPDATE reader_session SET token_hash = 'another hash of the same secret'")
        listening.execute("SELECT 1")
        notices = " ".join(notice.payload for notice in listening.notifies(timeout=0))
    assert f"{before['id']} {before['hash']}" in notices
    assert f"{before['id']} another hash of the same" in notices


def test_staff_stay_signed_in(world: World) -> None:
    staff_members.add(world, "admin", ADMIN)
    browser = staff_members.sign_in(world, ADMIN)
    change_key(world)
    assert browser.get("/staff").path.startswith("/staff")
    assert not browser.page.path.startswith("/staff/sign-in")
    rotate(world)
    drop_previous(world)
    assert not browser.get("/staff").path.startswith("/staff/sign-in")


def test_a_rotation_that_was_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [f"{name}@paper.example" for name in ("a", "b", "c")]
    for address in addresses:
        staff_members.add(world, "support", address)
        staff_members.sign_in(world, address)
    monkeypatch.setattr("billing.staff.rotate_secret.BATCH", 1)
    change_key(world)
    second = sorted(row["id"] for row in world.rows("SELECT id FROM staff_member"))[1]
    with refused_rows(world, "staff_member", f"id <> '{second}'"):
        assert run_on(world, "keys", "rotate-secret").exit_code == 1
    assert "Authenticators sealed: 2." in rotate(world), "the first one was done"
    drop_previous(world)
    world.advance(minutes=1)
    for address in addresses:
        staff_members.sign_in(world, address)


def test_keys_from_before_the_lists_had_one_go_on_too(world: World, in_trial: Subscriber) -> None:
    """An API key and an authenticator from the time when the secret key hashed everything."""
    staff_members.add(world, "admin", ADMIN)
    old = Tokens(world.services.site.tokens.list_key)
    (row,) = world.rows("SELECT key_hash FROM api_key")
    assert row["key_hash"] == old.digest("api-key", world.api_key), "as its secret key of then hashed it"
    world.execute("UPDATE staff_member SET enrolled_at = created_at")
    change_key(world)
    article = world.articles["subscriber"][0]
    assert world.access(article, in_trial.reader_id)["allowed"]
    staff_members.sign_in(world, ADMIN)
    rotate(world)
    drop_previous(world)
    world.advance(minutes=1)
    staff_members.sign_in(world, ADMIN)


def test_a_backup_from_before_is_opened_with_the_key_of_then_alone(world: World) -> None:
    opt_out(world, OPTED_OUT)
    world.back_up()
    change_key(world)
    rotate(world)
    drop_previous(world)
    world.restore_backup()
    with pytest.raises(RefusesToStart, match="is the key that this database was made with"):
        drop_previous(world)
    change_key(world)
    assert is_opted_out(world, OPTED_OUT)


def test_a_list_restored_from_another_installation_is_seen(world: World) -> None:
    assert "kept    lists-keep-their-salt" in run_on(world, "doctor").output
    world.execute("UPDATE list_salt SET check_value = 'of another' WHERE list = 'suppression'")
    doctor = run_on(world, "doctor")
    assert "suppression: no row says that it is hashed under the key in use" in doctor.output
