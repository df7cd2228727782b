"""Masthead and articles on one host: the list of Masthead's paths against the application's routes."""

import re
from pathlib import Path

import billing
from billing.app import create_app
from tests.support.routes import routes_of
from tests.support.world import World

PAGE = Path(billing.__file__).parent / "docs" / "two_hosts.md"
OPERATORS = {"/healthz", "/readyz", "/metrics"}


def listed() -> set[str]:
    """The paths that the page sends to Masthead, each with all that is below it."""
    (sentence,) = re.findall(r"^Send (.*?) to Masthead", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`]+)`", sentence))


def chosen() -> set[str]:
    """The paths that either may serve, by the documentation."""
    _, _, choices = PAGE.read_text().partition("Three choices are yours:")
    lines = [line for line in choices.splitlines() if line.startswith("- ")]
    return {path for line in lines for path in re.findall(r"`([^`]+)`", line.partition(". If")[0])}


def is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def test_the_list_of_paths_for_masthead_is_that_of_its_routes(world: World) -> None:
    paths = {route.path for route in routes_of(create_app(world.services))} | {"/static/site.css"}
    elsewhere = OPERATORS | chosen()
    missing = {p for p in paths if not any(is_below(p, top) for top in listed() | elsewhere)}
    assert missing == set(), "an address in a mail or on a page would lead to the paper"
    assert {top for top in listed() if not any(is_below(p, top) for p in paths)} == set()
    assert {top for top in elsewhere if not any(is_below(p, top) for p in paths)} == set()
