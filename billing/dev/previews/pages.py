"""Every page with sample values."""

from collections.abc import Iterator

from billing.dev.previews import (
    account,
    books,
    cases,
    editing,
    newsletters,
    operators,
    paper,
    proving,
    requests,
    staff,
    start,
)
from billing.web import views

MODULES = (start, account, paper, staff, proving, requests, books, cases, editing, operators, newsletters)


def pages() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """Name, view and frame of every page in every variant worth a look."""
    for module in MODULES:
        yield from module.pages()
