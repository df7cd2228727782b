"""The pages in Chromium, at a phone's and a desktop's width, in light and dark, and by keyboard."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from billing.dev.previews.__main__ import LANGUAGES, write
from billing.dev.previews.pages import pages
from billing.dev.previews.values import LOOK
from tests.support.a11y import ANY, accessibility_barriers
from tests.support.proof_size import only_at_length
from tests.support.shared_chromium import Chromium
from tests.support.without_scripts import faults

NAMES = [name for name, _, _ in pages()]
STAFF = [name for name, page, frame in pages() if frame.staff or page.template.startswith("staff")]
"""The previews of all pages of staff; `test_staff_previews` says that no page lacks one."""
SIZES = {"phone": (360, 640), "desktop": (1280, 800)}
STYLES = [("phone", "light"), ("desktop", "light"), ("desktop", "dark")]
AGREEMENTS = (
    "review",
    "review-problem",
    "review-year",
    "review-without-trial",
    "review-card-on-file",
    "review-changed",
)
MUST_SEE = (
    "#review h1",
    ".terms",
    ".consent",
    ".consent input",
    ".consent-form .button",
    ".terms div:last-child",
)
IN_VAIN = [
    '<button type="button">Copy</button>',
    '<select name="kind"></select>',
    '<form><input name="words"></form>',
    '<a href="#nowhere">Down</a>',
    '<p hidden="">Copied</p>',
]
"""What does nothing without a script."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.prove,  # the real pages are looked at in tests/browser in every run
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves the preview without logging."""

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("preview")
    write(folder)
    for name, page, frame in pages():
        for language in LANGUAGES.all if name in AGREEMENTS else ():
            shown = replace(frame, language=language, languages=LANGUAGES.all, banner=None)
            (folder / f"{name}-{language.code}.html").write_text(LOOK.page(page, shown), "utf-8")
    with served(folder) as where:
        yield where


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of this folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@only_at_length
@pytest.mark.parametrize(("size", "scheme"), STYLES)
def test_every_page_is_accessible_and_fits_its_width(
    chromium: Chromium, address: str, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    found: dict[str, Any] = {}
    with chromium.context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:
        page = context.new_page()
        for name in NAMES:
            page.goto(f"{address}/{name}.html")
            if wrong := accessibility_barriers(page):
                found[name] = wrong
    assert found == {}


def test_every_page_of_staff_has_no_violation_and_fits_a_phone_and_a_desktop(
    chromium: Chromium, address: str
) -> None:
    """With what is folded away unfolded. Any violation counts, also a minor one."""
    found: dict[str, Any] = {}
    with chromium.context() as context:
        page = context.new_page()
        for name in STAFF:
            page.goto(f"{address}/{name}.html")
            page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                if wrong := accessibility_barriers(page, ANY):
                    found[f"{name} on a {size}"] = wrong
    assert found == {}


def test_every_page_of_staff_shows_nothing_in_vain_without_scripts(chromium: Chromium, address: str) -> None:
    """One heading, and no control that a script alone would answer or show."""
    found: dict[str, list[str]] = {}
    with chromium.context(java_script_enabled=False, viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        for name in STAFF:
            page.goto(f"{address}/{name}.html", wait_until="domcontentloaded")
            if wrong := faults(page):
                found[name] = wrong
        page.set_content("<main>" + "".join(IN_VAIN) + "</main>")
        assert [each.partition(": ")[2] for each in faults(page)[1:]] == IN_VAIN, (
            "what the others lack is found"
        )
    assert found == {}


def test_a_filter_of_staff_takes_few_rows_and_a_moment_one_line(chromium: Chromium, address: str) -> None:
    def rows(page: Page) -> int:
        boxes = [field.bounding_box() for field in page.locator(".sift > *").all()]
        return len({round(box["y"] + box["height"]) for box in boxes if box})

    with chromium.context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{address}/staff-audit.html")
        boxes = [field.bounding_box() for field in page.locator(".sift [placeholder]").all()]
        assert min(box["width"] for box in boxes if box) > 250, "what a field is for can be read"
        page.set_viewport_size({"width": 800, "height": 600})
        heights = [box["height"] for time in page.locator("td > time").all() if (box := time.bounding_box())]
        assert max(heights) < 30
        page.set_viewport_size({"width": 360, "height": 640})
        page.goto(f"{address}/staff-list-subscriptions.html")
        page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        fields = page.locator(".sift > *").count()
        assert rows(page) <= fields // 2 + 1


@only_at_length
@pytest.mark.parametrize("code", [language.code for language in LANGUAGES.all[1:]])
def test_every_page_of_readers_is_accessible_and_fits_a_phone_in_each_language(
    chromium: Chromium, tmp_path: Path, code: str
) -> None:
    found: dict[str, Any] = {}
    names = write(tmp_path, code)
    with served(tmp_path) as address, chromium.context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        for name in names:
            page.goto(f"{address}/{name}.html")
            if wrong := accessibility_barriers(page):
                found[name] = wrong
    assert found == {}


@pytest.mark.parametrize("code", [language.code for language in LANGUAGES.all])
@pytest.mark.parametrize("name", AGREEMENTS)
def test_the_whole_agreement_is_seen_on_a_small_phone_without_scrolling(
    chromium: Chromium, address: str, name: str, code: str
) -> None:
    """CARD-2: price, dates, how to cancel, consent and the button at 360x640, in each language."""
    with chromium.context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        page.goto(f"{address}/{name}-{code}.html")
        for selector in MUST_SEE:
            box = page.locator(selector).bounding_box()
            assert box is not None, selector
            assert box["height"] > 0, selector
            assert box["y"] >= 0, selector
            assert box["y"] + box["height"] <= 640, selector
        assert page.locator(".consent input").is_checked() is False


@only_at_length
def test_buttons_and_links_of_the_frame_are_large_enough_to_touch(chromium: Chromium, address: str) -> None:
    with chromium.context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        for name in NAMES:
            page.goto(f"{address}/{name}.html")
            page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
            for target in page.locator(
                "button, .button, summary, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), nav a, select"
            ).all():
                box = target.bounding_box()
                assert box is None or box["height"] >= 44, (name, target.inner_text(), box)


def test_the_first_tab_offers_to_skip_to_the_content(chromium: Chromium, address: str) -> None:
    with chromium.context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{address}/offer.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        box = page.locator(".skip").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_nothing_moves_after_the_first_paint(chromium: Chromium, address: str) -> None:
    with chromium.context(viewport={"width": 360, "height": 640}) as context:
        context.add_init_script(
            "window.shift = 0; new PerformanceObserver(list => list.getEntries()"
            ".forEach(entry => { window.shift += entry.value; })).observe({type: 'layout-shift', buffered: true});"
        )
        page = context.new_page()
        for name in ("offer", "articles", "article-open", "account", "review"):
            page.goto(f"{address}/{name}.html", wait_until="networkidle")
            if (
                page.evaluate("window.shift") >= 0.01
            ):  # what moves moves again, and not for a page that arrives slowly
                page.reload(wait_until="networkidle")
            assert page.evaluate("window.shift") < 0.01, name


def test_the_waiting_page_moves_on_when_the_answer_is_another_page(chromium: Chromium, address: str) -> None:
    with chromium.context() as context:
        page = context.new_page()
        asked: list[str] = []

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.continue_(url=f"{address}/{'start-pending' if len(asked) < 3 else 'started'}.html")

        page.route("**/start-pending.html", answer)
        page.goto(f"{address}/start-pending.html")
        expect(page.locator("h1")).to_have_text(
            "Your trial runs until Monday 7 December 2026", timeout=30_000
        )
        assert len(asked) >= 3
