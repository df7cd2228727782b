"""Redirects lead only to our own pages or the card page; request data never decides."""

from collections.abc import Iterator

import httpx

from tests.support.routes import Route, routes
from tests.support.two_readers import PAYING, TwoReaders, token_of

ELSEWHERE = "//evil.example/%2f.."
NAMES = (
    "next",
    "back",
    "to",
    "url",
    "return",
    "return_to",
    "redirect",
    "redirect_uri",
    "continue",
    "goto",
    "way",
    "setup",
)
HOSTILE = dict.fromkeys(NAMES, ELSEWHERE)
SENT_ALONG = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-original-url": "https://evil.example/",
    "x-rewrite-url": "https://evil.example/",
    "referer": "https://evil.example/",
    "origin": "",
}


def asked(readers: TwoReaders, path: str, route: Route, token: str) -> httpx.Response:
    """Send a form as from a page of ours, so that its origin isn't refused."""
    http = readers.payer.http
    if not route.is_form:
        return http.request(route.method, path, params=HOSTILE, headers=SENT_ALONG, follow_redirects=False)
    form = HOSTILE | {"csrf": token, "email": "somebody@example.com"}
    headers = {"sec-fetch-site": "same-origin", "referer": "https://evil.example/"}
    return http.request(
        route.method, path, data=form, params=HOSTILE, headers=headers, follow_redirects=False
    )


def locations(readers: TwoReaders) -> Iterator[tuple[Route, str]]:
    listed = sorted(routes(readers.world), key=lambda route: "sign-out" in route.path)
    token = token_of(readers.payer)
    names = readers.names[PAYING] | {"token": readers.token("cancel", PAYING)}
    for route in listed:
        answer = asked(readers, route.at(**names), route, token)
        if "location" in answer.headers:
            yield route, answer.headers["location"]


def test_no_parameter_and_no_header_sends_a_browser_elsewhere(readers: TwoReaders) -> None:
    """ASVS 3.7.2, over every route, signed in; forms with their token."""
    sandbox = str(readers.world.settings.stripe_api_base)
    found = list(locations(readers))
    assert len(found) > 20, "the forms were refused before they could send anybody on"
    here = httpx.URL(readers.world.url)
    wrong = [
        f"{route}: {location}"
        for route, location in found
        if not str(here.join(location.replace("\\", "/"))).startswith((f"{here}/", f"{sandbox}/"))
    ]
    assert wrong == []
