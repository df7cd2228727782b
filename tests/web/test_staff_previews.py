"""Every page of staff has a preview, so that `test_look_in_browser` reads it with axe. Both are read from the code."""

from collections.abc import Iterator
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any

from billing.dev.previews.pages import pages
from tests.support.routes import api_routes
from tests.support.world import World

ROOM = "billing.web"
NO_PAGE = {
    "/staff/brand/sample": "a page of readers in the brand that is typed, in a frame",
    "/staff/many/{action_id}/result.csv": "a file",
    "/staff/newsletters/{issue_id}/preview": "a mail, in a frame",
    "/staff/numbers/{key}.csv": "a file",
    "/staff/numbers/{key}.json": "a file",
    "/staff/readers/{reader_id}/disputes/{dispute_id}/evidence.pdf": "a file",
    "/staff/readers/{reader_id}/invoices/{invoice_id}.pdf": "a file",
    "/staff/sign-in/link/{token}": "leads to /staff/sign-in/confirm",
}
"""What a GET of staff answers that is no page of its own. Other files and redirects share their code with a page."""


def test_no_page_of_staff_is_without_a_preview(world: World) -> None:
    previewed = {type(page) for _, page, _ in pages()}
    without: dict[str, set[str]] = {}
    for route in api_routes(world.app):
        if not route.path.startswith("/staff"):
            continue
        views = set(_views(route.endpoint, set()))
        missing = {view.__name__ for view in views - previewed}
        if missing or ("GET" in (route.methods or ()) and not views):
            without[route.path] = missing
    assert without == {path: set() for path in NO_PAGE}


def _views(function: Any, seen: set[Any]) -> Iterator[type]:
    """The views that a function names, or one that it calls. One that is only mentioned counts too."""
    function = unwrap(function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    names = set(_names(function.__code__))
    used = [function.__globals__[name] for name in names if name in function.__globals__]
    used += [cell.cell_contents for cell in function.__closure__ or ()]
    rooms = [each for each in used if isinstance(each, ModuleType) and each.__name__.startswith(ROOM)]
    used += [getattr(room, name) for room in rooms for name in names if hasattr(room, name)]
    for each in used:
        if isinstance(each, type) and isinstance(getattr(each, "template", None), str):
            yield each
        elif isinstance(each, type) and each.__module__.startswith(ROOM):
            for method in vars(each).values():
                yield from _views(method, seen)
        elif isinstance(each, FunctionType) and each.__module__.startswith(ROOM):
            yield from _views(each, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
