"""The owner of the old address stops a change, before or after it is confirmed, without signing in."""

from datetime import timedelta

from billing.rules.addresses import ERASED_DOMAIN
from tests.support.another_address import NEW, addresses, change, confirm, give, stop
from tests.support.erasures import ask_for
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

ASKED, CHANGED = "Another address was given", "has another address now"


def stopping_link(world: World, email: str, subject: str) -> str:
    """The link in the newest mail with this subject."""
    (link,) = [link for link in world.letter(email, subject).links if "/address/stop/" in link]
    return link


def test_before_it_is_confirmed_the_request_ends(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    page = stop(world, stopping_link(world, paid.email, ASKED))
    assert "The change is stopped" in page.words
    assert browser.get(world.mailed_link(NEW, "/account/address/link/")).status == 410
    assert browser.get("/account").path == "/sign-in", "whoever asked was signed in"
    assert addresses(world) == [paid.email]


def test_after_it_the_old_address_is_back_and_everybody_is_signed_out(world: World, paid: Subscriber) -> None:
    browser = change(world, paid.email)
    world.advance(days=6)
    finder = world.browser()
    link = stopping_link(world, paid.email, CHANGED)
    page = finder.get(link)
    assert f"Put {paid.email} back?" in page.words
    assert NEW not in page.text
    assert addresses(world) == [NEW], "looking changes nothing"
    page = finder.post("/address/stop")
    world.settle()
    assert f"{paid.email} is back" in page.words
    assert "Sign in, and look at your card" in page.words
    assert addresses(world) == [paid.email]
    assert browser.get("/account").path == "/sign-in"
    assert [row["email"] for row in world.sandbox.objects("customer")] == [paid.email]
    assert world.browser().sign_in(paid.email).path == "/account"
    assert len(addresses(world)) == 1


def test_the_link_of_the_first_mail_undoes_it_too(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    stop(world, stopping_link(world, paid.email, ASKED))
    assert addresses(world) == [paid.email]


def test_the_link_of_an_earlier_request_undoes_what_took_its_place(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser, "thandi@third.example")
    link = stopping_link(world, paid.email, ASKED)
    give(world, browser)
    confirm(world, browser)
    assert f"{paid.email} is back" in stop(world, link).words
    assert addresses(world) == [paid.email]


def test_stopping_twice_does_it_once(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    link = stopping_link(world, paid.email, CHANGED)
    stop(world, link)
    later = change(world, paid.email, "thandi@third.example")
    finder = world.browser()
    assert "is back" in finder.get(link).words
    assert 'action="/address/stop"' not in finder.page.text
    assert later.get("/account").path == "/account", "nobody is signed out once more"
    assert addresses(world) == ["thandi@third.example"]


def test_a_second_click_on_the_button_does_nothing_more(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    finder = world.browser()
    finder.get(stopping_link(world, paid.email, CHANGED))
    form = finder.filled("/address/stop")
    for _ in range(2):
        assert finder.http.send(form).status_code == 200
    rows = world.rows("SELECT stopped_at, put_back_at FROM address_change")
    assert len(rows) == 1
    assert addresses(world) == [paid.email]


def test_a_chain_of_changes_is_undone_whole(world: World, paid: Subscriber) -> None:
    """Whoever took an account over may change its address once more."""
    thief = change(world, paid.email)
    give(world, thief, "thief@third.example")
    confirm(world, thief, "thief@third.example")
    stop(world, stopping_link(world, paid.email, CHANGED))
    assert addresses(world) == [paid.email]
    rows = world.rows("SELECT put_back_at IS NOT NULL AS back FROM address_change")
    assert [row["back"] for row in rows] == [True, True]


def test_passkeys_that_were_added_since_are_removed(world: World, paid: Subscriber) -> None:
    for name, at in (("old", world.now - timedelta(days=5)), ("new", world.now)):
        world.execute(
            "INSERT INTO passkey (id, reader_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)"
            " VALUES (:name, :reader, :name, '', 0, :name, '', false, :at)",
            name=name,
            reader=paid.reader_id,
            at=at,
        )
    change(world, paid.email)
    stop(world, stopping_link(world, paid.email, CHANGED))
    assert world.rows("SELECT id FROM passkey") == [{"id": "old"}]


def test_after_a_week_it_is_too_late(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    link = stopping_link(world, paid.email, CHANGED)
    world.advance(days=7, minutes=1)
    page = world.browser().get(link)
    assert (page.status, "a week has passed" in page.words) == (410, True)
    assert addresses(world) == [NEW]


def test_a_forged_link_stops_nothing(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    forged = stopping_link(world, paid.email, CHANGED)[:-4] + "AAAA"
    assert world.browser().get(forged).status == 404
    confirming = world.mailed_link(NEW, "/account/address/link/").rpartition("/")[2]
    assert world.browser().get(f"/address/stop/{confirming}").status == 404, "one purpose each"
    assert addresses(world) == [NEW]


def test_an_old_address_with_an_account_of_its_own_goes_to_staff(world: World, paid: Subscriber) -> None:
    browser = change(world, paid.email)
    world.execute("INSERT INTO reader (id, email, created_at) VALUES ('rdr_zz', :old, now())", old=paid.email)
    page = stop(world, stopping_link(world, paid.email, CHANGED))
    assert "A person looks at it" in page.words
    assert browser.get("/account").path == "/sign-in"
    (case,) = world.rows("SELECT kind, reader_id FROM staff_case")
    assert (case["kind"], case["reader_id"]) == ("address_stopped", paid.reader_id)
    assert addresses(world) == [NEW, paid.email]


def test_nothing_is_left_to_stop_once_the_account_is_erased(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    link = stopping_link(world, paid.email, CHANGED)
    world.advance(days=1)
    ask_for(world, paid.reader_id)
    world.advance(days=3)
    assert addresses(world) == [f"{paid.reader_id}{ERASED_DOMAIN}"]
    assert world.browser().get(link).status == 410
