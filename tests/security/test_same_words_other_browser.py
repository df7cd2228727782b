"""A browser with the reader's user agent, and the reader's own browser after an update (6.3.5)."""

from tests.support.browser import Browser
from tests.support.world import World

ADDRESS = "thandi@example.com"
UPDATED = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/151.0.0.0 Mobile Safari/537.36"


def notices(world: World) -> list[str]:
    """The mails about a new device."""
    world.settle()
    return [letter.text for letter in world.letters(ADDRESS) if "device" in letter.subject.lower()]


def sign_in_again(browser: Browser) -> None:
    browser.get("/account")
    browser.post("/sign-out")
    browser.sign_in(ADDRESS)


def test_another_browser_of_the_same_name_is_new(world: World) -> None:
    world.browser().sign_in(ADDRESS)
    assert notices(world) == []
    world.browser().sign_in(ADDRESS)
    assert len(notices(world)) == 1


def test_the_same_browser_under_another_name_is_not(world: World) -> None:
    home = world.browser()
    home.sign_in(ADDRESS)
    home.http.headers["user-agent"] = UPDATED
    sign_in_again(home)
    assert notices(world) == []


def test_the_mail_names_the_browser_in_words(world: World) -> None:
    world.browser().sign_in(ADDRESS)
    thief = world.browser()
    thief.http.headers["user-agent"] = UPDATED
    thief.sign_in(ADDRESS)
    (text,) = notices(world)
    assert "Chrome on Android" in text


def test_a_browser_seen_once_is_not_new_again(world: World) -> None:
    home, away = world.browser(), world.browser()
    home.sign_in(ADDRESS)
    away.sign_in(ADDRESS)
    sign_in_again(away)
    sign_in_again(home)
    assert len(notices(world)) == 1


def test_what_is_kept_of_a_browser_is_no_cookie(world: World) -> None:
    home = world.browser()
    home.sign_in(ADDRESS)
    (row,) = world.rows("SELECT browser_hash FROM reader_session")
    secret = home.http.cookies["masthead-browser"]
    assert row["browser_hash"] == world.services.site.tokens.digest("browser", secret)
    assert secret not in str(world.rows("SELECT * FROM reader_session"))
