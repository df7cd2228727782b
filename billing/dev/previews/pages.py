"""All previews together."""

from collections.abc import Iterator

from billing.dev.previews import (
    account,
    address,
    books,
    cases,
    editing,
    home,
    legal,
    lists,
    many,
    newsletters,
    numbers,
    operators,
    paper,
    proving,
    requests,
    staff,
    staff_records,
    start,
)
from billing.web.views.frame import Frame, Page

MODULES = (
    start,
    legal,
    account,
    address,
    paper,
    staff,
    staff_records,
    lists,
    many,
    proving,
    requests,
    books,
    cases,
    editing,
    home,
    operators,
    newsletters,
    numbers,
)


ENGLISH_ALONE = ("staff/", "staff_demo", "mailbox")
"""How the names of templates begin whose pages are in English alone: those of staff, and of the demo."""


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    for module in MODULES:
        yield from module.pages()


def of_readers() -> Iterator[tuple[str, Page, Frame]]:
    """The same, for pages of readers alone; each language has these."""
    for name, page, frame in pages():
        if frame.staff is None and not page.template.startswith(ENGLISH_ALONE):
            yield name, page, frame
