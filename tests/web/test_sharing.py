"""Links are sent on without scripts, and their previews, icons and manifest show the paper."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from billing.rules.drawn_pictures import as_ico, icon_picture, ridge_picture
from billing.rules.png import png_size
from billing.web.kit.static_files import STATIC
from emails.samples import HOUSE
from tests.brand.test_brand_command import WHY, said
from tests.brand.test_brand_on_pages import SQUARE, shows
from tests.support.pictures import png
from tests.support.polling import until
from tests.support.shared_chromium import Chromium
from tests.support.starting_points import Subscriber
from tests.support.world import World

FREE = "/articles/who-leases-the-wind"
PROPERTY = re.compile(r'<meta property="(og:[a-z:_]+)" content="([^"]*)">')


def test_an_articles_link_is_in_a_field_and_one_press_from_whatsapp(world: World) -> None:
    text = world.browser().get(FREE).text
    link = f"{world.url}{FREE}"
    assert f'readonly value="{link}"' in text
    (address,) = re.findall(r'href="(https://wa\.me/[^"]+)" rel="noopener noreferrer"', text)
    (words,) = parse_qs(urlsplit(address.replace("&amp;", "&")).query)["text"]
    assert words == f"Who leases the wind {link}" or words.endswith(f" {link}")
    assert text.count('type="button" hidden') == 2, "no button that does nothing without scripts"


def test_a_gifts_link_too(world: World, paid: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get("/articles/the-water-nobody-counted")
    page = browser.post("/articles/the-water-nobody-counted/gift")
    (link,) = set(re.findall(r'readonly value="([^"]+/gift/[^"]+)"', page.text))
    assert "https://wa.me/?text=" in page.text
    assert "share.js" in page.text
    assert httpx.get(link, trust_env=False).status_code == 303


def test_the_script_is_small_and_reaches_for_nothing_elsewhere() -> None:
    source = (STATIC / "share.js").read_text()
    assert len(source.encode()) < 1500
    assert "http" not in source


@pytest.mark.parametrize("path", ["/", "/articles", FREE])
def test_a_preview_has_title_words_and_picture(world: World, path: str) -> None:
    found = dict(PROPERTY.findall(world.browser().get(path).text))
    assert found["og:url"] == f"{world.url}{path}"
    assert found["og:title"]
    assert found["og:description"]
    answer = httpx.get(found["og:image"], trust_env=False)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    size = png_size(answer.content)
    assert (
        (found["og:image:width"], found["og:image:height"])
        == (str(size.width), str(size.height))
        == ("1200", "630")
    )


def test_a_large_logo_of_the_paper_is_its_picture(world: World) -> None:
    said(world, "logo", "-", *WHY, stdin=png(400, 210))
    found = dict(PROPERTY.findall(shows(world, "/brand/logo.png").page.text))
    assert "/brand/logo.png?v=" in found["og:image"]
    assert (found["og:image:width"], found["og:image:height"]) == ("400", "210")


def test_icons_and_manifest_are_drawn_in_the_papers_colour(world: World) -> None:
    said(world, "set", "--accent", "#14532d", *WHY)
    publisher = world.services.publisher
    until(lambda: publisher.house.brand.accent == "#14532d", "the process to follow")
    text = world.browser().get("/").text
    manifest = httpx.get(f"{world.url}/manifest.webmanifest", trust_env=False)
    assert manifest.headers["content-type"] == "application/manifest+json"
    content = manifest.json()
    assert (content["name"], content["theme_color"]) == ("The Swartberg Post", "#14532d")
    for icon in content["icons"]:
        answer = httpx.get(f"{world.url}{icon['src']}", trust_env=False)
        side = int(png_size(answer.content).width)
        assert icon["sizes"] == f"{side}x{side}"
        assert bytes.fromhex("14532d") in answer.content
    (touch,) = re.findall(r'rel="apple-touch-icon" href="([^"]+)"', text)
    assert png_size(httpx.get(f"{world.url}{touch}", trust_env=False).content).width == 180
    followed = httpx.get(f"{world.url}/apple-touch-icon.png", trust_env=False, follow_redirects=True)
    assert followed.content == icon_picture(180, "#14532d")
    favicon = httpx.get(f"{world.url}/favicon.ico", trust_env=False)
    assert favicon.headers["content-type"] == "image/x-icon"
    assert favicon.content == as_ico(icon_picture(48, "#14532d"), 48)
    assert httpx.get(f"{world.url}/brand/icon-47.png", trust_env=False).status_code == 404


def test_square_logos_are_the_icons(world: World) -> None:
    for content in (SQUARE, png(96, 96)):
        said(world, "logo", "-", *WHY, stdin=content)
    text = shows(world, 'apple-touch-icon" href="/brand/logo.png').page.text
    assert 'rel="apple-touch-icon" href="/brand/logo.png?v=' in text
    icons = httpx.get(f"{world.url}/manifest.webmanifest", trust_env=False).json()["icons"]
    assert [icon["sizes"] for icon in icons] == ["any", "96x96"]
    favicon = httpx.get(f"{world.url}/favicon.ico", trust_env=False).content
    assert favicon == as_ico(png(96, 96), 96)
    assert favicon[:6] == b"\0\0\1\0\1\0"
    assert int.from_bytes(favicon[14:18], "little") == len(favicon) - 22


def test_drawings_are_small_and_the_same_each_time() -> None:
    picture = ridge_picture("#14532d", "#f3ece0")
    assert picture == ridge_picture("#14532d", "#f3ece0")
    assert len(picture) < 20_000
    for side in (48, 180, 192, 512):
        assert png_size(icon_picture(side, "#14532d")).width == side
    assert HOUSE.brand.accent == ""


@pytest.mark.browser
def test_copy_copies_and_share_stays_hidden_where_it_is_not_known(world: World, chromium: Chromium) -> None:
    with chromium.context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{world.url}{FREE}")
        assert not page.get_by_role("button", name="Share").is_visible()
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("The link is copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"{world.url}{FREE}"
