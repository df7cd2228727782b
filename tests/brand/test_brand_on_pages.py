"""Pages carry the brand: logo, colours, texts. It is read once a process, and every process follows a change."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event, Thread, current_thread
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from billing.brand.backgrounds import DARK, LIGHT
from billing.brand.publisher import Publisher
from billing.dev.paper import bundles
from billing.platform.db import Database
from billing.rules.contrast import ENOUGH, contrast
from billing.subscriptions import first_plans
from billing.web.kit.brand_sheet import NIGHT, SHEET, sheet_of, stylesheet
from billing.web.kit.static_files import STATIC
from emails.samples import HOUSE
from tests.access_cache.serving import do, serving
from tests.brand.test_brand_command import SVG, WHY, said
from tests.support.browser import Browser
from tests.support.databases import Databases
from tests.support.pictures import png
from tests.support.polling import until
from tests.support.statements import transactions
from tests.support.world import World

SQUARE = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style>@media (prefers-color-scheme: dark) {}</style></svg>'
BACKGROUNDS = ("paper", "sheet", "tint")


def shows(world: World, words: str, path: str = "/") -> Browser:
    """A browser on the page, once it has these words in its source."""
    browser = world.browser()
    until(lambda: words in browser.get(path).text, f"the page to show {words}")
    return browser


def address_of(text: str, name: str) -> str:
    (found,) = set(re.findall(rf'"(/brand/{re.escape(name)}\?v=[0-9a-f]{{12}})"', text))
    return str(found)


def test_texts_stand_where_readers_look(world: World) -> None:
    said(
        world,
        "set",
        "--tagline",
        "News & more",
        "--benefit",
        "All of it",
        "--footer",
        "Of the press council",
        *WHY,
    )
    said(world, "set", "--support-email", "help@paper.example", "--support-hours", "Weekdays at 8", *WHY)
    words = shows(world, "Weekdays at 8").page.text.replace("&amp;", "&")
    for text in ("News & more", "All of it", "Of the press council", "help@paper.example"):
        assert text in words
    assert "on every device of yours" not in words, "the default benefits are replaced"
    assert "We are here: Weekdays at 8." in world.browser().get("/contact").words


def test_a_wide_logo_stands_in_place_of_the_name_and_a_square_one_beside_it(world: World) -> None:
    said(world, "logo", "-", *WHY, stdin=SVG)
    text = shows(world, "/brand/logo.svg").page.text
    assert 'alt="The Swartberg Post" width="120" height="40"' in text
    assert "<span>The Swartberg Post</span>" not in text
    assert "icon.svg" in text, "a wide logo is no icon"
    said(world, "logo", "-", *WHY, stdin=SQUARE)
    text = shows(world, 'width="40" height="40"').page.text
    assert 'alt=""' in text
    assert "<span>The Swartberg Post</span>" in text
    assert "logo-plate" not in text, "it has colours of its own for the dark"
    assert f'rel="icon" href="{address_of(text, "logo.svg")}"' in text


def test_a_logo_is_a_harmless_picture_that_may_be_kept_for_good(world: World) -> None:
    for content in (SVG, png(80, 40)):
        said(world, "logo", "-", *WHY, stdin=content)
    logo = address_of(shows(world, "/brand/logo.svg").page.text, "logo.svg")
    until(lambda: world.services.publisher.house.brand.picture, "the web process to have the PNG too")
    for address, kind, content in (
        (logo, "image/svg+xml", SVG),
        (world.services.publisher.house.brand.picture.path, "image/png", png(80, 40)),  # type: ignore[union-attr]
    ):
        answer = httpx.get(f"{world.url}{address}")
        assert answer.content == content
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    old = httpx.get(f"{world.url}/brand/logo.svg?v=000000000000")
    assert (old.content, old.headers["cache-control"]) == (SVG, "private, no-store")


@pytest.mark.parametrize("path", ["/brand/logo.svg", "/brand/logo.png", "/brand/logo.gif", "/brand/logo"])
def test_there_is_no_logo_but_the_publishers(world: World, path: str) -> None:
    assert httpx.get(f"{world.url}{path}").status_code in (404, 422)


def test_an_accent_changes_the_stylesheet_and_no_request_is_added(world: World) -> None:
    before = world.browser().get("/").text
    said(world, "set", "--accent", "#14532d", *WHY)
    publisher = world.services.publisher
    until(lambda: publisher.house.brand.accent == "#14532d", "the process to follow")
    text = world.browser().get("/").text
    assert bundles.stylesheet(publisher.house) in text
    assert text.count("stylesheet") == before.count("stylesheet")
    own = stylesheet(publisher.house)  # of pages without the sample paper
    answer = httpx.get(f"{world.url}{own}")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith((STATIC / SHEET).read_text())
    assert "--brand: #14532d" in answer.text
    assert httpx.get(f"{world.url}/brand/site.css?v=1").headers["cache-control"] == "private, no-store"


def test_no_page_asks_the_database_for_the_brand(world: World) -> None:
    said(world, "set", "--accent", "#14532d", "--tagline", "News", *WHY)
    browser = shows(world, "News")
    with transactions(world.services.database) as found:
        browser.get("/sign-in")
        httpx.get(f"{world.url}/brand/site.css")
    assert found == []


def test_of_two_that_read_at_once_the_older_brand_is_not_kept(world: World) -> None:
    said(world, "set", "--tagline", "Of the valley", *WHY)
    publisher, engine = Publisher(HOUSE), world.services.database.engine
    has_read, goes_on = Event(), Event()

    def pause(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if current_thread() is slow and "brand.tagline" in statement:
            has_read.set()
            goes_on.wait(60)

    def refresh() -> None:
        with world.services.database.transaction() as session:
            publisher.refresh(session)

    slow, quick = Thread(target=refresh), Thread(target=refresh)
    sa.event.listen(engine, "after_cursor_execute", pause)
    try:
        slow.start()
        assert has_read.wait(60)
        said(world, "set", "--tagline", "Of the hills", *WHY)
        quick.start()
        quick.join(0.3)  # it waits for its turn; without one, it would be done by now
        goes_on.set()
        slow.join()
        quick.join()
    finally:
        sa.event.remove(engine, "after_cursor_execute", pause)
    assert publisher.house.brand.tagline == "Of the hills"


def values(css: str, name: str) -> list[str]:
    return re.findall(rf"--{name}: (#[0-9a-f]{{6}});", css)


def test_the_backgrounds_are_those_of_the_stylesheet() -> None:
    """Of those that text in the accent stands on, the rules know the one on which it is hardest to read."""
    css = (STATIC / SHEET).read_text()
    light, dark = zip(*(values(css, name) for name in BACKGROUNDS), strict=True)
    assert min(light, key=lambda background: contrast(background, "#000000")) == LIGHT
    assert min(dark, key=lambda background: contrast(background, "#ffffff")) == DARK
    assert NIGHT in dark


@pytest.mark.parametrize(
    ("accent", "dark"), [("#14532d", "#26a057"), ("#8a3413", "#f0a67c"), ("#0000ff", "#9a9aff")]
)
def test_each_colour_made_of_the_accent_can_be_read(accent: str, dark: str) -> None:
    css = sheet_of(accent, dark).css.decode().removeprefix((STATIC / SHEET).read_text())
    for colours, background in zip(
        zip(*(values(css, name) for name in ("brand", "brand-deep", "on-brand", "sky")), strict=True),
        (LIGHT, DARK),
        strict=True,
    ):
        brand, deep, on, sky = colours
        assert sky == background
        assert min(contrast(brand, background), contrast(deep, background)) >= ENOUGH
        assert min(contrast(on, brand), contrast(on, deep)) >= ENOUGH


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh() as fresh:
        yield fresh


def test_two_web_processes_follow_a_change(url: str) -> None:
    database = Database(url)
    with database.transaction() as session:
        first_plans.add(session)
    database.close()
    with ExitStack() as ends:
        clients = [ends.enter_context(serving(url)) for _ in range(2)]
        assert ["Of the valley" in client.get("/").text for client in clients] == [False, False]
        do(url, "INSERT INTO brand (id, version, changed_at, tagline) VALUES (1, 1, now(), 'Of the valley')")
        for client in clients:
            until(lambda it=client: "Of the valley" in it.get("/").text, "the process to follow")  # type: ignore[misc]
        do(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%listens%'",
        )
        do(url, "UPDATE brand SET version = 2, tagline = 'Of the hills'")
        for client in clients:
            until(lambda it=client: "Of the hills" in it.get("/").text, "the process to follow after a cut")  # type: ignore[misc]
