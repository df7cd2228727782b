"""How long a browser stays signed in, and how a session ends (SEC-3)."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from billing.readers import sessions
from tests.support.signed_in import in_trial_by_pages, signed_in_by_mail
from tests.support.starting_points import Subscriber
from tests.support.world import World


@pytest.mark.parametrize(("days", "stays"), [(90, True), (91, False)])
def test_ninety_days_without_a_visit_end_a_session(world: World, days: int, stays: bool) -> None:
    browser = in_trial_by_pages(world)
    world.services.clock.move_to(world.now + timedelta(days=days))  # type: ignore[attr-defined]  # a held clock
    assert (browser.get("/account").path == "/account") is stays


def test_a_hundred_and_eighty_days_end_it_however_often_it_is_used(world: World) -> None:
    browser = in_trial_by_pages(world)
    clock = world.services.clock
    for _ in range(6):
        clock.move_to(world.now + timedelta(days=30))  # type: ignore[attr-defined]  # a held clock
        assert browser.get("/account").path == "/account"
    clock.move_to(world.now + timedelta(seconds=1))  # type: ignore[attr-defined]  # a held clock
    assert browser.get("/account").path == "/sign-in"


def test_signing_out_ends_this_session_for_whoever_holds_its_cookie(world: World) -> None:
    browser, copy = in_trial_by_pages(world), world.browser()
    copy.http.cookies.update(browser.http.cookies)
    browser.get("/account")
    browser.post("/sign-out")
    assert "masthead-session" not in browser.http.cookies
    assert copy.get("/account").path == "/sign-in"


def test_signing_out_here_leaves_the_other_browser_signed_in(world: World, in_trial: Subscriber) -> None:
    one, two = signed_in_by_mail(world, in_trial.email, times=2)
    one.get("/account")
    one.post("/sign-out")
    assert two.get("/account").path == "/account"


def test_signing_out_everywhere_ends_them_all_and_nobody_elses(world: World, in_trial: Subscriber) -> None:
    one, two = signed_in_by_mail(world, in_trial.email, times=2)
    stranger = world.browser()
    stranger.start("stranger@example.org", "5555555555554444")
    one.get("/account")
    one.post("/sign-out-everywhere")
    assert one.get("/account").path == "/sign-in"
    assert two.get("/account").path == "/sign-in"
    assert stranger.get("/account").path == "/account"


def cookies_of(answer: httpx.Response) -> dict[str, set[str]]:
    """Each cookie's name with what is said about it, without its value."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        name, _, rest = line.partition("=")
        found[name] = {part.strip().lower() for part in rest.split(";")[1:]}
    return found


def test_cookies_on_http_are_httponly_and_lax(world: World) -> None:
    browser = world.browser()
    browser.http.follow_redirects = False
    answer = browser.http.get("/sign-in")
    assert cookies_of(answer) == {
        "masthead-browser": {"httponly", "path=/", "samesite=lax", "max-age=31536000"}
    }


def test_cookies_on_https_are_bound_to_the_host(make_world: Callable[..., World]) -> None:
    world = make_world(public_url="https://accounts.paper.example")
    with httpx.Client(base_url=world.url, trust_env=False) as client:
        page = client.get("/sign-in")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        cookie = page.headers["set-cookie"].partition(";")[0]
        headers = {"origin": "https://accounts.paper.example", "cookie": cookie}
        answer = client.post("/subscribe", data={"email": "x@example.com", "csrf": csrf}, headers=headers)
    assert answer.status_code == 303, answer.text
    assert set(cookies_of(page)) == {"__Host-masthead-browser"}
    assert set(cookies_of(answer)) == {"__Host-masthead-start"}
    for words in (*cookies_of(page).values(), *cookies_of(answer).values()):
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= words
        assert not any(word.startswith("domain") for word in words)


def test_a_session_is_a_secret_of_256_bits_kept_as_a_hash(world: World) -> None:
    browser = in_trial_by_pages(world)
    secret = browser.http.cookies["masthead-session"]
    row = world.rows("SELECT token_hash FROM reader_session")[0]
    assert len(secret) >= 43
    assert row["token_hash"] == world.services.site.tokens.digest("session", secret)
    assert sessions.IDLE.days == 90
    assert sessions.ABSOLUTE.days == 180


@pytest.mark.parametrize(
    "value", ["", "x", "☃".encode().decode("latin-1"), '"\\000"', "a" * 4_000, "ses_1.2"]
)
def test_a_made_up_cookie_is_nobody(world: World, value: str) -> None:
    names = ("session", "browser", "link", "start", "setup", "flash")
    cookie = "; ".join(f"masthead-{name}={value}" for name in names)
    for path in (
        "/account",
        "/subscribe/review",
        "/subscribe/back",
        "/subscribe/started",
        "/sign-in/confirm",
        "/cancel",
        "/card",
        "/articles",
    ):
        answer = httpx.get(world.url + path, headers={b"cookie": cookie.encode("latin-1")}, trust_env=False)
        assert answer.status_code in (200, 303, 404, 410), f"{path}: {answer.status_code}"
        assert answer.headers.get("location") in (None, "/sign-in", "/subscribe", "/account"), path
