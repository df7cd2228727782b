"""An answer is sent after the commit: a failed commit is never a 200."""

import httpx
import psycopg
import pytest

from tests.support.broken_tables import every_commit_fails
from tests.support.starting_points import Subscriber
from tests.support.table_contents import changed, contents
from tests.support.webhook_messages import event, post
from tests.support.world import World


def three_readers(world: World, paid: Subscriber) -> dict[str, str]:
    """Ids of three readers: one pays, one cancelled and has access, one's subscription has ended."""
    cancelled = world.start_trial("sipho@example.com", "pm_card_mastercard")["subscription"]["id"]
    world.api.post(f"/v1/subscriptions/{cancelled}/cancel", json={}).raise_for_status()
    ended = world.start_trial("lapsed@example.com", "pm_card_amex")
    at_once = f"/v1/subscriptions/{ended['subscription']['id']}/cancel"
    world.api.post(at_once, json={"when": "now"}).raise_for_status()
    return {
        "subscription": paid.subscription_id,
        "cancelled": cancelled,
        "payment": world.rows("SELECT id FROM payment")[0]["id"],
        "reader": ended["reader"]["id"],
    }


@pytest.mark.parametrize(
    ("table", "method", "path", "body"),
    [
        ("subscription", "POST", "/v1/subscriptions/{subscription}/cancel", {}),
        ("message", "POST", "/v1/subscriptions/{subscription}/cancel", {"when": "now"}),
        ("subscription_change", "POST", "/v1/subscriptions/{cancelled}/resume", None),
        ("refund", "POST", "/v1/payments/{payment}/refunds", {"amount": 100, "reason": "x"}),
        (
            "public_window",
            "POST",
            "/v1/articles/{article}/open",
            {"until": "2027-12-01T00:00:00Z", "reason": "x"},
        ),
        ("article", "DELETE", "/v1/articles/{article}", None),
        ("meter_month", "GET", "/v1/access/{metered}?reader_id={reader}", None),
    ],
)
def test_a_program_is_never_told_what_was_not_committed(
    world: World, paid: Subscriber, table: str, method: str, path: str, body: object
) -> None:
    names = world.once(
        "one pays, one cancelled in the trial, one ended at once", lambda: three_readers(world, paid)
    )
    address = path.format(
        **names, article=world.articles["subscriber"][0], metered=world.articles["metered"][0]
    )
    before = contents(world)
    with every_commit_fails(world, table):
        answer = world.api.request(method, address, json=body)
        assert answer.status_code == 500, answer.text
        assert answer.json()["code"] == "broken"
        assert "this commit fails" not in answer.text
    assert changed(before, contents(world)) == []
    assert world.api.request(method, address, json=body).is_success


def test_a_person_is_never_told_what_was_not_committed(world: World) -> None:
    browser = world.browser()
    browser.http.headers["accept"] = "text/html"
    browser.start("thandi@example.com")
    world.settle()
    browser.get("/account/cancel")
    before = contents(world)
    with every_commit_fails(world, "subscription_change"):
        answer = browser.post("/account/cancel")
        assert answer.status == 500
        assert "Something broke on our side" in answer.words
    assert changed(before, contents(world)) == []
    browser.get("/account/cancel")
    assert browser.post("/account/cancel").path == "/account/cancelled"


def test_a_reader_is_not_signed_in_by_a_session_that_was_not_kept(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=in_trial.email)
    world.settle()
    links = [link for letter in world.letters() for link in letter.links if "/sign-in/link/" in link]
    browser.get(links[-1])
    page = browser.page
    with every_commit_fails(world, "reader_session"):
        assert browser.post("/sign-in/confirm").status == 500
        assert "masthead-session" not in browser.http.cookies
    browser.page = page
    assert browser.post("/sign-in/confirm").path == "/account"


def test_stripe_is_not_thanked_for_an_event_that_was_not_kept(world: World) -> None:
    with every_commit_fails(world, "inbound_event"):
        assert post(world, event(world)).status_code == 500
    assert world.rows("SELECT event_ref AS id FROM inbound_event") == []
    assert post(world, event(world)).json() == {"received": True, "new": True}


def test_a_trial_that_was_not_committed_is_not_announced(world: World) -> None:
    with every_commit_fails(world, "subscription"):
        assert world.try_trial("thandi@example.com").status_code == 500
    assert world.rows("SELECT id FROM subscription") == []
    assert world.rows("SELECT id FROM message") == []
    assert world.try_trial("thandi@example.com").status_code == 201


def test_a_database_that_is_away_is_a_503_for_people_and_programs(own_world: World) -> None:
    world = own_world
    world.services.database.close()
    with world.services.database.engine.connect() as connection:
        name = str(connection.exec_driver_sql("SELECT current_database()").scalar_one())
    with psycopg.connect(world.services.database.address, dbname="postgres", autocommit=True) as session:
        session.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            for path, accept in (
                ("/", "text/html"),
                ("/account", "*/*"),
                ("/v1/readers", "*/*"),
                ("/readyz", "*/*"),
            ):
                answer = world.api.get(path, headers={"accept": accept})
                assert answer.status_code == 503, f"{path}: {answer.text}"
                assert "Traceback" not in answer.text
                assert name not in answer.text
            assert httpx.get(f"{world.url}/healthz", trust_env=False).status_code == 200
        finally:
            session.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert world.api.get("/").status_code == 200
