"""Parts of pages that are made once for their values: `kept(parts.foot, house)`."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import billing
from billing.dev.previews.pages import pages
from billing.dev.previews.values import HOUSE, LOOK
from billing.web.views.frame import Frame, Page
from emails.languages import offered
from tests.support.pseudo_language import write_catalogue

KEPT = re.compile(r"kept\((\w+)\.\w+")
TEMPLATES = [
    path for path in Path(billing.__file__).parent.rglob("*.html") if KEPT.search(path.read_text("utf-8"))
]


def preview(name: str) -> tuple[Page, Frame]:
    """A page of the previews."""
    return next((page, frame) for found, page, frame in pages() if found == name)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_part_that_is_kept_sees_nothing_but_its_values(path: Path) -> None:
    source = path.read_text("utf-8")
    for module in {*KEPT.findall(source)} - {"parts"}:
        assert f" as {module} %}}" in source, f"{module} is imported nowhere, or with the context"


@pytest.mark.parametrize("name", ["sign-in", "offer"])
def test_another_publisher_has_parts_of_its_own(name: str) -> None:
    page, frame = preview(name)
    before = LOOK.page(page, frame)
    renamed = LOOK.page(page, replace(frame, house=replace(HOUSE, address="2 Mark Street, Elsewhere, 7000")))
    assert ("Elsewhere" in before, "Elsewhere" in renamed) == (False, True)
    assert LOOK.page(page, frame) == before


def test_a_page_is_in_english_each_time_while_a_kept_part_lacks_a_message(tmp_path: Path) -> None:
    write_catalogue(tmp_path, "st", without="Who charged me?")  # in the foot of every page
    write_catalogue(tmp_path, "ts")
    sesotho, xitsonga = offered(["st", "ts"], tmp_path).all
    page, frame = preview("sign-in")
    english = LOOK.page(page, frame)
    for _ in range(3):
        assert LOOK.page(page, replace(frame, language=sesotho)) == english
    assert [
        LOOK.page(page, replace(frame, language=xitsonga)).count("⟦ts Who charged me?⟧") for _ in range(2)
    ] == [
        1,
        1,
    ]
