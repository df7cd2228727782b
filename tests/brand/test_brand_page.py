"""The staff page Brand: an admin looks, saves, is told what is wrong, and loses nothing."""

import re
from html import unescape

import pytest

from tests.brand.test_brand_command import SVG, WHY, said
from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.pictures import png
from tests.support.staff_members import SignIn
from tests.support.world import World

ROOM = "/staff/brand"
FORM = {
    "accent": "#14532d",
    "accent_dark": "",
    "tagline": "News of the valley",
    "benefits": "Every article\r\nEvery letter",
    "footer": "Of the press council",
    "mail_footer": "",
    "support_email": "help@paper.example",
    "support_hours": "Weekdays",
}


@pytest.fixture
def admin(staff: SignIn) -> Browser:
    browser = staff("admin")
    browser.get(ROOM)
    return browser


def save(browser: Browser, version: int = 0, **fields: str) -> Answer:
    return browser.post(ROOM, **FORM | {"version": str(version), "reason": "the new design"} | fields)


def token(browser: Browser) -> str:
    return browser.page.text.partition('name="csrf" value="')[2].partition('"')[0]


def upload(browser: Browser, content: bytes, reason: str = "the new design") -> str:
    answer = browser.http.post(
        f"{ROOM}/logo",
        data={"csrf": token(browser), "reason": reason},
        files={"file": ("logo", content)},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=True,
    )
    return unescape(answer.text)


def samples(browser: Browser) -> list[str]:
    """The pages in the frames."""
    addresses = re.findall(r'<iframe[^>]* src="([^"]+)"', browser.page.text)
    return [browser.http.get(unescape(address)).text for address in addresses]


def test_an_admin_saves_and_readers_see_it_at_once(world: World, admin: Browser) -> None:
    assert "BILLING_PUBLISHER_LEGAL_NAME Swartberg Post Media (Pty) Ltd" in admin.page.words
    page = save(admin)
    assert "Saved." in page.text
    offer = world.browser().get("/")
    assert "News of the valley" in offer.words
    assert "Every letter" in offer.words
    assert "help@paper.example" in offer.text
    (line,) = world.rows(f"SELECT {BY}, reason, before, after FROM audit_line WHERE act = 'brand'")
    assert (line["by"], line["reason"]) == ("staff:admin@paper.example", "the new design")
    assert line["before"]["benefits"] == []
    assert line["after"]["benefits"] == ["Every article", "Every letter"]


def test_what_is_typed_is_looked_at_before_it_is_saved(world: World, admin: Browser) -> None:
    page = save(admin, look="yes")
    assert "Nothing is saved yet." in page.words
    light, dark = samples(admin)
    assert "News of the valley" in light
    assert "--brand: #14532d" in light
    assert "@media not all" in light
    assert "@media all" in dark
    assert "--brand: #26a057" in dark, "the nearest shade for the dark"
    assert 'value="the new design"' in page.text
    assert world.rows("SELECT * FROM audit_line WHERE act = 'brand'") == []
    assert "News of the valley" not in world.browser().get("/").words


def test_each_field_says_what_is_wrong_and_nothing_is_lost(admin: Browser) -> None:
    page = save(admin, accent="#f0a000", footer="Dear {name}")
    assert page.status == 422
    assert "has a contrast of 1.83:1" in page.words
    assert "the nearest that has it is #926100" in page.words
    assert "Footer of pages holds one of { } < >" in page.words
    assert page.text.count('aria-invalid="true"') == 2
    for typed in ("#f0a000", "Dear {name}", "News of the valley", "the new design"):
        assert f'value="{typed}"' in page.text
    assert "Every article\nEvery letter</textarea>" in page.text
    light, _ = samples(admin)
    assert "News of the valley" in light
    assert "#f0a000" not in light, "what can't be saved isn't shown"


def test_a_reason_is_asked_for(admin: Browser) -> None:
    page = save(admin, reason=" ")
    assert "Say why; the reason is kept" in page.words
    assert 'value="News of the valley"' in page.text


def test_an_older_form_does_not_undo_what_another_changed(world: World, admin: Browser) -> None:
    said(world, "set", "--footer", "Of another", *WHY)
    page = save(admin, version=0)
    assert page.status == 409
    assert "Somebody else has changed the brand" in page.words
    assert 'value="News of the valley"' in page.text
    assert save(admin, version=0, accent="nonsense").status == 422
    assert save(admin, version=0).status == 409, "a mistake in between makes an older form no newer"
    assert "Saved." in save(admin, version=1).text


def test_logos_are_shown_replaced_and_removed(world: World, admin: Browser) -> None:
    assert "Saved." in upload(admin, SVG)
    assert "Saved." in upload(admin, png(80, 40))
    admin.get(ROOM)
    assert "/brand/logo.svg" in admin.page.text
    assert "/brand/logo.png" in admin.page.text
    assert "data:image/svg+xml;base64," in samples(admin)[0]
    admin.post(f"{ROOM}/logo/svg_logo/remove", reason="too loud")
    assert "Saved." in admin.page.text
    assert "/brand/logo.svg" not in admin.page.text
    assert "/brand/logo.png" in world.browser().get("/").text
    said(world, "set", "--accent", "#14532d", *WHY)
    answer = admin.http.post(f"{ROOM}/logo/accent/remove", data={"csrf": token(admin), "reason": "x"})
    assert answer.status_code == 422, "that is no logo"
    assert "accent         #14532d" in said(world, "show")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a", "it is neither an SVG nor a PNG"),
        (SVG.replace(b"<path", b"<script"), "it holds <script>"),
        (png(80, 40)[:-4], "this PNG is cut off or damaged"),
        (png(80, 40) + b"x" * 33_000, "it has 33 kB, and may have 32"),
        (b"", "it is neither"),
    ],
)
def test_a_logo_that_may_not_be_is_refused_in_words(
    world: World, admin: Browser, content: bytes, words: str
) -> None:
    text = upload(admin, content, reason="try this")
    assert words.replace("<", "&lt;").replace(">", "&gt;") in text or words in text
    assert 'value="try this"' in text
    assert world.rows("SELECT * FROM audit_line WHERE act = 'brand'") == []


@pytest.mark.parametrize("role", ["support", "finance", "editor"])
def test_only_an_admin_may(world: World, staff: SignIn, role: str) -> None:
    browser = staff(role)
    assert browser.get(ROOM).status == 403
    browser.get("/contact")
    assert "Your role may not do that" in upload(browser, SVG)
    assert world.rows("SELECT version FROM brand") == []


def test_the_sample_loads_and_runs_nothing(admin: Browser) -> None:
    answer = admin.http.get(
        f"{ROOM}/sample", params={"tagline": "<script>alert(1)</script>", "accent": "red;}"}
    )
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in answer.text
    assert "red;}" not in answer.text
