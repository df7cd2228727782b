"""Nonsense at every address: never an error of ours, never internals in an answer."""

import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.good_bodies import GOOD
from tests.support.proof_size import sized
from tests.support.routes import Route, routes
from tests.support.two_readers import PAYING, TwoReaders, open_everything

NASTY = [
    "",
    "\x00",
    "%00",
    "\ud800",
    "é☃",
    "'; DROP TABLE reader; --",
    "{{7*7}}",
    "%s%n",
    "../../etc/passwd",
    "⟦token:sign-in:x⟧",
    "a"
    * 1_500,  # four of them stay within the bound of an address, which the server answers before the application
    "\r\nX: y",
    "true",
    "-1",
    "1e400",
    "NaN",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
]
texts = st.sampled_from(NASTY) | st.text(max_size=40)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
FIELDS = sorted(
    {name for body in GOOD.values() for name in body}
    | {
        "email",
        "consent",
        "code",
        "when",
        "reason",
        "comment",
        "back",
        "to",
        "csrf",
        "requested_at",
        "refund",
    }
)
QUERIES = ["reader_id", "external_id", "email", "limit", "after", "setup", "to", "as"]


def urlsafe(text: str) -> str:
    return httpx.QueryParams({"a": text.encode("utf-8", "replace").decode()}).__str__()[2:]


ODD_NAMES = texts.map(urlsafe)


@st.composite
def requests(draw: st.DrawFn, surface: list[Route], names: dict[str, str], csrf: str) -> dict[str, Any]:
    """A request to one of our addresses with something wrong in each of its parts, or nothing."""
    route = draw(st.sampled_from(surface))
    true_names = {**names, "token": "x.y"}
    places = re.findall(r"\{(\w+)\}", route.path)
    filled = {name: draw(st.just(true_names.get(name, "none")) | ODD_NAMES) for name in places}
    path = route.at(**filled)
    query = {
        name: draw(texts).encode("utf-8", "replace").decode()
        for name in draw(st.sets(st.sampled_from(QUERIES), max_size=2))
    }
    headers = {"accept": draw(st.sampled_from(["text/html", "*/*", "application/json", "nonsense"]))}
    headers["sec-fetch-site"] = draw(st.sampled_from(["same-origin", "cross-site", "nonsense"]))
    if route.is_page:
        fields = {
            name: draw(texts).encode("utf-8", "replace").decode()
            for name in draw(st.sets(st.sampled_from(FIELDS), max_size=4))
        }
        content: Any = httpx.QueryParams(fields | {"csrf": csrf}).__str__().encode()
        headers["content-type"] = draw(
            st.sampled_from(
                [
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=b",
                    "multipart/form-data",
                    "text/plain",
                ]
            )
        )
    else:
        good = GOOD.get(str(route), {})
        spoilt = good | draw(st.dictionaries(st.sampled_from(FIELDS), values, max_size=3))
        content = draw(
            st.just(json.dumps(spoilt).encode())
            | values.map(lambda value: json.dumps(value).encode())
            | st.binary(max_size=60)
        )
        headers["content-type"] = "application/json"
        headers |= draw(st.sampled_from([{}, {"idempotency-key": "k"}, {"idempotency-key": "x" * 300}]))
    return {
        "method": route.method,
        "path": path,
        "params": query or None,
        "content": content,
        "headers": headers,
    }


def throw(readers: TwoReaders, examples: int) -> None:
    surface = [
        route
        for route in routes(readers.world)
        if route.path not in ("/v1/clock/advance", "/demo/clock", "/sign-out", "/sign-out-everywhere")
    ]
    csrf = open_everything(readers, readers.payer, PAYING)
    readers.payer.http.headers["authorization"] = f"Bearer {readers.world.api_key}"

    @settings(max_examples=examples, database=None)
    @given(requests(surface, readers.names[PAYING], csrf))
    def never_breaks(asked: dict[str, Any]) -> None:
        answer = readers.payer.http.request(
            asked["method"],
            asked["path"],
            params=asked["params"],
            content=asked["content"],
            headers=asked["headers"],
            follow_redirects=False,
        )
        assert answer.status_code < 500, f"{asked}: {answer.text[:300]}"
        assert "Traceback" not in answer.text
        assert "psycopg" not in answer.text
        assert answer.headers["x-request-id"]

    never_breaks()


def test_nonsense_at_every_address_never_breaks_anything(readers: TwoReaders) -> None:
    throw(readers, 150)


@pytest.mark.prove
def test_a_great_deal_of_nonsense_never_breaks_anything(readers: TwoReaders) -> None:
    throw(readers, sized(at_length=6_000, usual=500))
