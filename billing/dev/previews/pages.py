"""All previews together."""

from collections.abc import Iterator

from billing.dev.previews import (
    account,
    address,
    books,
    cases,
    editing,
    legal,
    newsletters,
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
    proving,
    requests,
    books,
    cases,
    editing,
    operators,
    newsletters,
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    for module in MODULES:
        yield from module.pages()
