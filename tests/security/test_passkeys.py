"""Passkeys, used and attacked: by a device in software (`authenticator.py`)."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from billing.personal_data.merge import merge
from billing.platform.actors import WORKER
from billing.readers import passkeys, sessions
from billing.readers.register import register
from tests.support.authenticator import Authenticator, encoded, options_on
from tests.support.browser import Answer, Browser
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.world import World

THANDI, SIPHO = "thandi@example.com", "sipho@example.com"
HOME, ADD = "/account/passkeys", "/account/passkeys/add"


@pytest.fixture
def site(make_world: Callable[..., World]) -> World:
    """Masthead on a host with a name, with two readers. `localhost` is one; passkeys are bound to names."""
    world = make_world()
    world = make_world(public_url=world.url.replace("127.0.0.1", "localhost"))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        for email in (THANDI, SIPHO):
            sessions.prove_address(ctx, register(ctx, email)[0])
    return world


@pytest.fixture
def device(site: World) -> Authenticator:
    return Authenticator(site.settings.public_url)


def add(site: World, device: Authenticator, email: str = THANDI, name: str = "my phone") -> Browser:
    """A passkey on this device, added after a fresh sign-in."""
    browser = signed_in(site, email)
    page = browser.get(ADD)
    assert browser.post(ADD, credential=device.create(options_on(page)), name=name).path == HOME
    return browser


def try_in(browser: Browser, credential: str) -> Answer:
    return browser.post("/sign-in/passkey", credential=credential)


def use(site: World, device: Authenticator, browser: Browser | None = None) -> Answer:
    browser = browser or site.browser()
    return try_in(browser, device.get(options_on(browser.get("/sign-in"))))


def test_a_passkey_is_added_after_signing_in_and_signs_in_next_time(
    site: World, device: Authenticator
) -> None:
    browser = add(site, device)
    assert "my phone" in browser.page.words
    assert "not used yet, kept by a password manager" in browser.page.words
    (row,) = site.rows("SELECT credential_id, transports, sign_count, backed_up FROM passkey")
    assert row == {
        "credential_id": encoded(device.keys[0].id),
        "transports": "hybrid internal",
        "sign_count": 0,
        "backed_up": True,
    }
    other = site.browser()
    page = use(site, device, other)
    assert page.path == "/account"
    assert THANDI in page.words
    assert "last used" in other.get(HOME).words
    assert other.get(ADD).path == ADD, "it counts as a fresh sign-in"
    site.settle()
    assert site.subjects(THANDI) == [
        "A passkey was added to your account",
        "A new device signed in to your account",
    ]


def test_staff_see_how_many_there_are_and_when_one_was_last_used(
    staff: SignIn, site: World, device: Authenticator
) -> None:
    support = staff("support")
    (row,) = site.rows("SELECT id FROM reader WHERE email = :of", of=THANDI)
    page = f"/staff/readers/{row['id']}"
    assert "Passkeys" not in support.get(page).words
    add(site, device)
    assert "Passkeys 1 of 10, not used yet" in support.get(page).words
    use(site, device)
    assert "Passkeys 1 of 10, last used on 1 March 2027, 10:00" in support.get(page).words
    assert "my phone" not in support.page.words


def test_the_mailed_link_works_beside_it(site: World, device: Authenticator) -> None:
    add(site, device)
    browser = site.browser()
    browser.get("/sign-in")
    assert browser.post("/sign-in", email=THANDI).path == "/sign-in/sent"
    site.settle()
    browser.get(site.mailed_link(THANDI, "/sign-in/link/").replace("localhost", "127.0.0.1"))
    assert browser.post("/sign-in/confirm").path == "/account"


def test_a_passkey_of_a_merged_account_opens_the_one_that_stays(site: World, device: Authenticator) -> None:
    add(site, device)
    with site.services.database.begin(site.services.site, site.now, WORKER) as ctx:
        stays, goes = (register(ctx, email)[0].id for email in (SIPHO, THANDI))
        merge(ctx, stays, goes)
    page = use(site, device)
    assert page.path == "/account"
    assert SIPHO in page.words


def test_a_passkey_needs_a_fresh_sign_in(site: World, device: Authenticator) -> None:
    browser = signed_in(site, THANDI)
    options = options_on(browser.get(ADD))
    site.advance(minutes=11)
    page = browser.post(ADD, credential=device.create(options))
    assert page.path == "/account/confirm"
    assert "Before you add a passkey" in page.words
    assert site.rows("SELECT id FROM passkey") == []


def test_a_passkey_is_a_fresh_sign_in_where_one_is_asked_for(site: World, device: Authenticator) -> None:
    browser = add(site, device)
    site.advance(minutes=11)
    page = browser.get(ADD)
    assert page.path == "/account/confirm"
    assert try_in(browser, device.get(options_on(page))).path == ADD


def test_a_session_that_proved_nothing_adds_none(site: World, device: Authenticator) -> None:
    """A trial can be started with another person's address."""
    with site.services.database.begin(site.services.site, site.now, WORKER) as ctx:
        reader, _ = register(ctx, "unknown@example.com")
        unproved = sessions.Browser(("",), "127.0.0.1", "Test/1")
        secret = sessions.open_session(ctx, reader.id, unproved, email_verified=False)
    browser = site.browser().with_cookie("masthead-session", secret)
    assert browser.get("/account").path == "/account"
    assert "passkey" not in browser.page.text
    assert browser.get(HOME).path == "/sign-in"
    assert browser.get(ADD).path == "/account/confirm"


def test_several_with_names_of_their_own_each_removable(site: World, device: Authenticator) -> None:
    browser = add(site, device)
    page = browser.get(ADD)
    assert [each["id"] for each in options_on(page)["excludeCredentials"]] == [encoded(device.keys[0].id)]
    browser.post(ADD, credential=device.create(options_on(page)), name="")
    first, second = site.rows("SELECT id, name FROM passkey ORDER BY id")
    assert (first["name"], second["name"]) == ("my phone", "Test/1")
    browser.post(f"{HOME}/{second['id']}/name", name="  the\x00 old\n laptop ")
    assert "the old laptop" in browser.page.words
    browser.post(f"{HOME}/{second['id']}/name", name="\u200b")
    assert "the old laptop" in browser.page.words, "no name changes nothing"
    browser.post(f"{HOME}/{first['id']}/remove")
    assert "my phone" not in browser.page.words
    site.settle()
    assert site.subjects(THANDI)[-1] == "A passkey was removed from your account"
    old, left = device.keys
    other = site.browser().again("/sign-in")
    assert try_in(other, device.get(options_on(other.page), left)).path == "/account"
    other = site.browser().again("/sign-in")
    refused = try_in(other, device.get(options_on(other.page), old))
    assert (refused.status, passkeys.REFUSED in refused.words) == (422, True)


def test_an_account_takes_ten(site: World, device: Authenticator) -> None:
    browser = add(site, device)
    for _ in range(9):
        browser.post(ADD, credential=device.create(options_on(browser.get(ADD))))
    assert "Add a passkey" not in browser.get(HOME).words
    page = browser.get(ADD)
    assert browser.post(ADD, credential=device.create(options_on(page))).status == 409
    assert site.rows("SELECT count(*) AS n FROM passkey") == [{"n": 10}]


def test_they_stay_when_every_session_ends(site: World, device: Authenticator) -> None:
    browser = add(site, device)
    browser.get("/account")
    browser.post("/sign-out-everywhere")
    assert browser.get("/account").path == "/sign-in"
    assert use(site, device, browser).path == "/account"


def test_an_answer_works_once(site: World, device: Authenticator) -> None:
    """Also of a device that doesn't count: a copy of what was sent signs nobody in again."""
    device.counts = False
    add(site, device)
    browser = site.browser()
    answer = device.get(options_on(browser.get("/sign-in")))
    page = browser.page
    assert try_in(browser, answer).path == "/account"
    browser.get("/account")
    browser.post("/sign-out")
    browser.page = page
    assert try_in(browser, answer).status == 422
    assert browser.get("/account").path == "/sign-in"


def test_two_copies_at_once_sign_in_once(site: World, device: Authenticator) -> None:
    device.counts = False
    add(site, device)
    browser = site.browser()
    answer = device.get(options_on(browser.get("/sign-in")))
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.page.text)[0]
    kept = browser.cookies

    def send(_: int) -> int:
        one = site.browser().with_cookies(kept)
        one.http.follow_redirects = False
        form = {"csrf": csrf, "credential": answer}
        return one.http.post(
            "/sign-in/passkey", data=form, headers={"sec-fetch-site": "same-origin"}
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [303] + [422] * 7


def test_a_new_passkey_is_made_once(site: World, device: Authenticator) -> None:
    browser = signed_in(site, THANDI)
    page = browser.get(ADD)
    answer = device.create(options_on(page))
    browser.post(ADD, credential=answer)
    browser.page = page
    assert browser.post(ADD, credential=answer).status == 422
    assert site.rows("SELECT count(*) AS n FROM passkey") == [{"n": 1}]


def test_a_challenge_belongs_to_the_browser_that_was_shown_it(site: World, device: Authenticator) -> None:
    """Else a stranger could have a victim's answer, or plant their own account in the victim's browser."""
    add(site, device)
    shown, other = site.browser(), site.browser()
    answer = device.get(options_on(shown.get("/sign-in")))
    other.get("/sign-in")
    assert try_in(other, answer).status == 422
    assert try_in(shown, answer).path == "/account"


def test_a_challenge_of_a_new_passkey_belongs_to_its_reader(site: World, device: Authenticator) -> None:
    thandi, sipho = signed_in(site, THANDI), signed_in(site, SIPHO)
    answer = device.create(options_on(thandi.get(ADD)))
    sipho.get(ADD)
    assert sipho.post(ADD, credential=answer).status == 422
    assert site.rows("SELECT id FROM passkey") == []


@pytest.mark.parametrize(("minutes", "works"), [(30, True), (31, False)])
def test_a_challenge_is_good_for_half_an_hour(
    site: World, device: Authenticator, minutes: int, works: bool
) -> None:
    add(site, device)
    browser = site.browser()
    answer = device.get(options_on(browser.get("/sign-in")))
    site.advance(minutes=minutes)
    assert try_in(browser, answer).path == ("/account" if works else "/sign-in/passkey")


@pytest.mark.parametrize("challenge", ["", "x", encoded(b"made up by the page"), encoded(b"a:1:b.c"), "☃"])
def test_a_challenge_that_we_did_not_make_is_refused(
    site: World, device: Authenticator, challenge: str
) -> None:
    add(site, device)
    browser = site.browser()
    options = options_on(browser.get("/sign-in")) | {"challenge": challenge}
    assert try_in(browser, device.get(options)).status == 422


def test_a_challenge_for_adding_signs_nobody_in(site: World, device: Authenticator) -> None:
    browser = add(site, device)
    making = options_on(browser.get(ADD))
    browser.get("/account")
    browser.post("/sign-out")
    browser.get("/sign-in")
    assert try_in(browser, device.get({"challenge": making["challenge"], "rpId": "localhost"})).status == 422


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "https://localhost", "null"])
def test_another_origin_signs_nobody_in(site: World, device: Authenticator, origin: str) -> None:
    add(site, device)
    assert use(site, Authenticator(origin, device.keys)).status == 422
    browser = signed_in(site, SIPHO)
    answer = Authenticator(origin).create(options_on(browser.get(ADD)))
    assert browser.post(ADD, credential=answer).status == 422


def test_another_host_signs_nobody_in(site: World, device: Authenticator) -> None:
    add(site, device)
    browser = site.browser()
    options = options_on(browser.get("/sign-in")) | {"rpId": "evil.example"}
    assert try_in(browser, device.get(options)).status == 422


def test_the_passkey_of_one_reader_opens_no_other_account(site: World, device: Authenticator) -> None:
    """Sipho's key under the name of Thandi's, and his own key for her account."""
    add(site, device)
    add(site, device, SIPHO)
    hers, his = device.keys
    browser = site.browser()
    his.id, kept = hers.id, his.id
    assert try_in(browser, device.get(options_on(browser.get("/sign-in")), his)).status == 422
    his.id, his.owner = kept, hers.owner
    assert try_in(browser, device.get(options_on(browser.get("/sign-in")), his)).status == 422
    assert browser.get("/account").path == "/sign-in"


def test_a_device_of_another_reader_can_not_be_claimed(site: World, device: Authenticator) -> None:
    add(site, device)
    sipho = signed_in(site, SIPHO)
    answer = json.loads(device.create(options_on(sipho.get(ADD))))
    copied = Authenticator(device.origin)
    made = copied.create(options_on(sipho.page))
    assert json.loads(made)["id"] != answer["id"]
    with site.services.database.transaction() as session:
        session.connection().exec_driver_sql(
            "UPDATE passkey SET credential_id = %s", (json.loads(made)["id"],)
        )
    assert sipho.post(ADD, credential=made).status == 422
    assert site.rows("SELECT count(*) AS n FROM passkey") == [{"n": 1}]


def test_a_count_that_does_not_rise_is_a_copied_key(site: World, device: Authenticator) -> None:
    add(site, device)
    assert use(site, device).path == "/account"
    device.keys[0].count = 0
    assert use(site, device).status == 422
    device.keys[0].count = 1
    assert use(site, device).path == "/account"


def test_an_owner_must_be_there(site: World, device: Authenticator) -> None:
    add(site, device)
    device.flags = 0
    assert use(site, device).status == 422


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": encoded(bytes(70))},
        {"signature": ""},
        {"authenticatorData": ""},
        {"authenticatorData": encoded(b"\xff" * 500)},
        {"clientDataJSON": encoded(b"[]")},
        {"clientDataJSON": encoded(b"\xff")},
        {"userHandle": encoded(b"rdr_other")},
        {"userHandle": 7},
    ],
)
def test_a_damaged_answer_is_refused(site: World, device: Authenticator, changed: dict[str, Any]) -> None:
    add(site, device)
    browser = site.browser()
    answer = device.get(options_on(browser.get("/sign-in")), None, **changed)
    assert try_in(browser, answer).status == 422


@pytest.mark.parametrize("name", ["\0", "a\0b", "\ud800"])
def test_an_answer_of_a_key_that_cannot_be_ours_is_refused_and_counted(
    site: World, device: Authenticator, name: str
) -> None:
    """PostgreSQL's text can't hold it."""
    add(site, device)
    browser = site.browser()
    answer = json.loads(device.get(options_on(browser.get("/sign-in")), None))
    tries = "SELECT coalesce(sum(tries), 0) AS n FROM rate_count"
    before = site.rows(tries)[0]["n"]
    assert try_in(browser, json.dumps(answer | {"id": name})).status == 422
    assert site.rows(tries)[0]["n"] == before + 1


@pytest.mark.parametrize(
    "credential", ["", "{", "[]", "7", "null", "{}", '{"response": 1}', "[" * 20_000, "\x00"]
)
def test_what_is_no_answer_is_refused(site: World, credential: str) -> None:
    browser = site.browser()
    browser.get("/sign-in")
    assert try_in(browser, credential).status == 422
    reader = signed_in(site, THANDI)
    reader.get(ADD)
    assert reader.post(ADD, credential=credential).status == 422


def test_another_readers_passkey_is_neither_named_nor_removed(site: World, device: Authenticator) -> None:
    add(site, device)
    (row,) = site.rows("SELECT id FROM passkey")
    sipho = signed_in(site, SIPHO)
    token = re.findall(r'name="csrf" value="([^"]+)"', sipho.get("/account").text)[0]
    for act in ("name", "remove"):
        form, headers = {"csrf": token, "name": "mine"}, {"sec-fetch-site": "same-origin"}
        answer = sipho.http.post(f"{HOME}/{row['id']}/{act}", data=form, headers=headers)
        assert answer.status_code == 404
    assert site.rows("SELECT name FROM passkey") == [{"name": "my phone"}]


def test_thirty_tries_from_a_network_and_no_more(site: World) -> None:
    browser, seen = site.browser(), []
    for _ in range(32):
        browser.get("/sign-in")
        seen.append(try_in(browser, "{}").status)
    assert seen == [422] * 30 + [429] * 2


def test_where_the_host_has_no_name_there_are_none(world: World) -> None:
    browser = world.browser()
    assert "passkey" not in browser.get("/sign-in").text
    browser.sign_in(THANDI)
    assert "passkey" not in browser.get("/account").text
    for path in (HOME, ADD):
        assert browser.get(path).path == "/account"


def test_the_account_offers_one_after_signing_in_until_the_reader_says_no(
    site: World, device: Authenticator
) -> None:
    offer = "Sign in with your fingerprint or face next time"

    def sign_in(browser: Browser) -> Answer:
        browser.get("/sign-in")
        browser.post("/sign-in", email=THANDI)
        site.settle()
        browser.get(site.mailed_link(THANDI, "/sign-in/link/").replace("localhost", "127.0.0.1"))
        return browser.post("/sign-in/confirm")

    browser = site.browser()
    assert offer in sign_in(browser).words
    assert offer not in browser.get("/account").words, "only just after signing in"
    assert "Your passkeys" in browser.page.words
    browser.post("/sign-out")
    assert offer in sign_in(browser).words
    assert offer not in browser.post("/account/passkeys/not-now").words
    browser.post("/sign-out")
    assert offer not in sign_in(browser).words
    other = site.browser()
    sign_in(other)
    other.post(ADD, credential=device.create(options_on(other.get(ADD))))
    other.get("/account")
    other.post("/sign-out")
    assert offer not in use(site, device, other).words
