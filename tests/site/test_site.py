"""The site of the docs: whole, every link of it leads somewhere, and a browser asks no other host for anything."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.site.api_page import openapi
from tests.site.hooks import ADDED, ROOT, mended

PAGES = {"settings.md", "operate.md", "decisions/README.md", "index.md", "pictures/wall.png"}
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Links(HTMLParser):
    """The ids of a page, where its links lead, and what a browser loads for it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids, self.links, self.loaded = set[str](), set[str](), set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.ids.add(value)
            elif (tag, name) in LOADED:
                self.loaded.add(value)
            elif name == "href":
                self.links.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does; a warning is an error there."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "properdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text()) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_every_page_of_the_docs_is_there(site: Path) -> None:
    docs = ROOT / "billing" / "docs"
    uris = {str(path.relative_to(docs)) for path in docs.rglob("*.md")} | set(ADDED.values()) | {"api.md"}
    for uri in uris:
        path = uri.removesuffix(".md").removesuffix("README").removesuffix("index")
        assert (site / path / "index.html").exists(), uri


def dead(found: dict[Path, Links], site: Path) -> Iterator[str]:
    """Links within the site to a file or heading that isn't there."""
    for page, links in found.items():
        for link in sorted(links.links | links.loaded):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            lacks_heading = parts.fragment and target in found and parts.fragment not in found[target].ids
            if not target.exists() or lacks_heading:
                yield f"{page.relative_to(site)}: {link}"


def test_every_link_leads_somewhere(site: Path) -> None:
    found = pages(site)
    assert sum(len(each.links) for each in found.values()) > 1000
    assert list(dead(found, site)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path.resolve() / "index.html"
    page.write_text('<h1 id="a"></h1><a href="#a"></a><a href="#b"></a><a href="c/"></a><img src="d.png">')
    assert list(dead(pages(page.parent), page.parent)) == [
        "index.html: #b",
        "index.html: c/",
        "index.html: d.png",
    ]


def test_a_browser_asks_no_other_host_for_anything(site: Path) -> None:
    for page, links in pages(site).items():
        assert not [address for address in links.loaded if urlsplit(address).netloc], page


def test_the_api_page_has_every_operation_of_the_code(site: Path) -> None:
    text = (site / "api" / "index.html").read_text()
    shown = set(re.findall(r"<h3 [^>]*>(\w+ /[^<]*)</h3>", text))
    described = {
        f"{method.upper()} {path}" for path, methods in openapi()["paths"].items() for method in methods
    }
    assert shown == described
    assert "<code>consent.ip</code>" in text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[Settings](settings.md#mail)", "[Settings](settings.md#mail)"),
        ("[it](../../README.md)", "[it](index.md)"),
        ("[all](decisions/README.md)", "[all](decisions/README.md)"),
        ("![the wall](../../tests/pictures/wall.png)", "![the wall](pictures/wall.png)"),
        ("[Makefile](/Makefile)", "`Makefile`"),
        ("[the map](/billing/app.py)", "the map (`billing/app.py`)"),
        ("[out](https://paper.example/x)", "[out](https://paper.example/x)"),
        ("[below](#start)", "[below](#start)"),
        ("`[x](y.md)` and\n```\n[x](y.md)\n```", "`[x](y.md)` and\n```\n[x](y.md)\n```"),
    ],
)
def test_a_link_out_of_the_docs_leads_into_the_site_or_is_named_as_code(written: str, expected: str) -> None:
    assert mended(written, "operate.md", PAGES) == expected


def test_a_page_from_elsewhere_is_read_from_where_it_was_written() -> None:
    assert mended("[how](billing/docs/operate.md)", "index.md", PAGES) == "[how](operate.md)"
    assert mended("[how](../operate.md)", "decisions/README.md", PAGES) == "[how](../operate.md)"
