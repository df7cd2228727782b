"""Passkeys in Chromium, with its virtual authenticator (WebAuthn over the DevTools protocol)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, Response, expect

from tests.support.a11y import accessibility_barriers
from tests.support.person import LAPTOP, PHONE
from tests.support.shared_chromium import Chromium
from tests.support.world import World

ADDRESS = "thandi@example.com"
MOST_BYTES, MOST_REQUESTS = 45_000, 4
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

pytestmark = pytest.mark.browser


@pytest.fixture
def site(make_world: Callable[..., World]) -> World:
    """Masthead at `localhost`: passkeys are bound to a name, and Chromium trusts this one without TLS."""
    world = make_world()
    return make_world(public_url=world.url.replace("127.0.0.1", "localhost"))


@pytest.fixture
def context(chromium: Chromium) -> Iterator[BrowserContext]:
    with chromium.context(**PHONE) as context:
        yield context


def with_device(page: Page, **different: bool) -> tuple[CDPSession, str]:
    """Give the page a device for passkeys."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE | different})
    return session, str(made["authenticatorId"])


def sign_in_by_mail(site: World, page: Page) -> None:
    page.goto(f"{site.settings.public_url}/sign-in")
    page.get_by_label("Your email").fill(ADDRESS)
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.locator("main")).to_contain_text(f"We have written to {ADDRESS}")
    site.settle()
    page.goto(site.mailed_link(ADDRESS, "/sign-in/link/"))
    page.get_by_role("button", name="Sign me in").click()
    page.wait_for_url("**/account")


def add_passkey(page: Page, name: str) -> None:
    page.get_by_label("A name for it, if you like").fill(name)
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/account/passkeys")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.wait_for_load_state()


def test_a_passkey_is_added_named_used_and_removed(site: World, context: BrowserContext) -> None:
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    device, key = with_device(page)
    sign_in_by_mail(site, page)
    expect(page.locator("main")).to_contain_text("Sign in with your fingerprint or face next time")
    page.get_by_role("link", name="Add a passkey").click()
    assert accessibility_barriers(page) == []
    add_passkey(page, "my phone")
    expect(page.locator("main")).to_contain_text("my phone")
    assert accessibility_barriers(page) == []
    page.set_viewport_size(LAPTOP["viewport"])
    assert accessibility_barriers(page) == []
    page.get_by_text("Rename").click()
    page.get_by_label("Name", exact=True).fill("Thandi’s phone")
    page.get_by_role("button", name="Save the name").click()
    expect(page.locator("main")).to_contain_text("Thandi’s phone")

    sign_out(page)
    # Chromium's own list of suggestions can't be clicked here: the device answers the question without it.
    page.goto(f"{site.settings.public_url}/sign-in")
    page.wait_for_url("**/account")
    expect(page.locator("main")).to_contain_text(ADDRESS)
    expect(page.locator("main")).not_to_contain_text("Sign in with your fingerprint or face next time")

    page.goto(f"{site.settings.public_url}/account/passkeys")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).to_contain_text("You have none yet")
    assert len(device.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1
    sign_out(page)
    page.goto(f"{site.settings.public_url}/sign-in")
    expect(page.locator("main")).to_contain_text("That passkey did not work here")
    assert [each for each in troubles if "422" not in each] == []


def test_the_button_uses_a_passkey_and_says_when_there_is_none(site: World, context: BrowserContext) -> None:
    page = context.new_page()
    device, key = with_device(page)
    sign_in_by_mail(site, page)
    page.goto(f"{site.settings.public_url}/account/passkeys/add")
    add_passkey(page, "my phone")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.locator("[data-known]")).to_contain_text("This device has a passkey for your account already")

    quiet = {"authenticatorId": key, "enabled": False}
    device.send("WebAuthn.setAutomaticPresenceSimulation", quiet)
    sign_out(page)
    page.goto(f"{site.settings.public_url}/sign-in")
    button = page.get_by_role("button", name="Use a passkey")
    expect(button).to_be_visible()
    assert accessibility_barriers(page) == []
    device.send("WebAuthn.setAutomaticPresenceSimulation", quiet | {"enabled": True})
    button.click()
    page.wait_for_url("**/account")

    sign_out(page)
    device.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    page.goto(f"{site.settings.public_url}/sign-in")
    button.click()
    expect(page.locator("[data-failed]")).to_contain_text("No passkey was used")
    expect(page.get_by_role("button", name="Mail me a link")).to_be_visible()


def test_a_browser_without_scripts_or_passkeys_sees_the_mailed_link_alone(
    site: World, chromium: Chromium
) -> None:
    with chromium.context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.settings.public_url}/sign-in")
        expect(page.get_by_role("button", name="Mail me a link")).to_be_visible()
        expect(page.get_by_text("Use a passkey")).to_be_hidden()
    with chromium.context() as context:
        page = context.new_page()
        page.add_init_script("delete window.PublicKeyCredential")
        page.goto(f"{site.settings.public_url}/sign-in")
        expect(page.get_by_text("Use a passkey")).to_be_hidden()


def test_the_sign_in_page_stays_light(site: World, context: BrowserContext) -> None:
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{site.settings.public_url}/sign-in")
    page.wait_for_load_state("networkidle")
    assert any("passkeys.js" in answer.url for answer in answers)
    assert len(answers) <= MOST_REQUESTS, [answer.url for answer in answers]
    assert sum(len(answer.body()) for answer in answers) < MOST_BYTES


def test_the_sent_page_counts_down_to_another_mail(site: World, context: BrowserContext) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site.settings.public_url}/sign-in")
    page.get_by_label("Your email").fill("lerato@gmail.con")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.locator("h1")).to_contain_text("Did you mean lerato@gmail.com?")
    assert accessibility_barriers(page) == []
    page.get_by_role("button", name="Yes, use lerato@gmail.com").click()
    expect(page.locator("main")).to_contain_text("We have written to lerato@gmail.com")
    button = page.get_by_role("button", name="Send another mail")
    expect(button).to_be_disabled()
    expect(button).to_contain_text("s")
    assert accessibility_barriers(page) == []
    page.clock.fast_forward(61_000)
    expect(button).to_be_enabled()
    expect(button).to_have_text("Send another mail")
    button.click()
    expect(page.locator("main")).to_contain_text("you can ask for another mail in 60 seconds")
    site.advance(seconds=60)
    page.clock.fast_forward(61_000)
    button.click()
    page.wait_for_url("**/sign-in/sent")
    site.settle()
    assert len(site.letters("lerato@gmail.com")) == 2
