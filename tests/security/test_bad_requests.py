"""Bad input to every API route: a named refusal without effect."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

from billing.http.limits import MOST_BYTES, MOST_WEBHOOK_BYTES
from billing.platform.actors import WORKER
from billing.rules.scopes import PARTS, READERS, SCOPES
from billing.staff.api_keys import create
from tests.support.good_bodies import CONSENT, GOOD
from tests.support.routes import UNSAFE, Route, is_named_refusal, routes
from tests.support.table_contents import changed, contents
from tests.support.two_readers import PAYING, TwoReaders

WRONG_TYPES: tuple[Any, ...] = (None, [], {}, [[]], True, 1.5, "\x00", "\ud800", "x" * 70_000)
OPTIONAL = {
    ("POST /v1/payments/{payment_id}/refunds", "amount"),
    ("POST /v1/clock/advance", "seconds"),
    ("PUT /v1/articles/{article_id}", "access"),
}
PLAIN = ("/cancel", "/withdraw", "/resume")
"""Requests for which an empty body is valid."""
MISSING = "sub_00000000000000000000000000"


def programs(readers: TwoReaders) -> list[Route]:
    return [route for route in routes(readers.world) if route.path.startswith(("/v1/", "/access/"))]


def with_key(readers: TwoReaders) -> list[Route]:
    """Endpoints with an API key. A reader's own browser or app asks where to listen (`test_listening`), and `billing check` proves
    itself by the secret key (`tests/preflight`)."""
    return [route for route in programs(readers) if not route.path.startswith(("/v1/audio/", "/v1/reached"))]


def with_body(readers: TwoReaders) -> Iterator[tuple[Route, str, dict[str, Any]]]:
    """Each route that reads a body, its address with a real reader's ids, and a valid body."""
    for route in programs(readers):
        if route.has_body:
            yield route, route.at(**readers.names[PAYING]), GOOD[str(route)]


def send(readers: TwoReaders, route: Route, path: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return readers.world.api.request(
        route.method, path, content=content, headers={"content-type": "application/json", **headers}
    )


def test_every_route_with_a_body_is_looked_at_here(readers: TwoReaders) -> None:
    assert {str(route) for route, _, _ in with_body(readers)} == set(GOOD)


def test_without_a_key_or_with_a_false_one_nothing_is_told(readers: TwoReaders) -> None:
    before, let_in = contents(readers.world), []
    stranger = readers.world.http_client()
    for route in with_key(readers):
        path, body = route.at(**readers.names[PAYING]), GOOD.get(str(route), {})
        for_readers_too = route.path.startswith(("/v1/access", "/v1/gate"))
        for headers in ({}, {"authorization": "Bearer mk_forged"}, {"authorization": "Basic bWs6"}):
            answer = stranger.request(route.method, path, json=body, headers=headers)
            if for_readers_too and "Bearer" not in headers.get("authorization", ""):
                continue
            if answer.status_code != 401 or answer.headers["www-authenticate"] != "Bearer":
                let_in.append(f"{route} {headers}: {answer.status_code}")
    assert let_in == []
    assert changed(before, contents(readers.world)) in ([], ["meter_month"])


def test_a_key_opens_what_its_scope_says_and_nothing_else(readers: TwoReaders) -> None:
    world, keys = readers.world, {}
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        for scope in SCOPES:
            keys[scope] = create(ctx, scope, [scope])
    before, wrong, program = contents(world), [], world.http_client()
    for route in with_key(readers):
        path = route.at(**dict.fromkeys(readers.names[PAYING], MISSING))
        answers = {
            scope: program.request(
                route.method, path, json={"nonsense": 1}, headers={"authorization": f"Bearer {key}"}
            )
            for scope, key in keys.items()
        }
        taken = [
            scope
            for scope, answer in answers.items()
            if answer.status_code != 403
            or answer.headers.get("x-access-reason", "scope_missing") != "scope_missing"
        ]
        part = [scope for scope in taken if scope in PARTS[READERS]]
        if len(taken) != 1 and sorted(taken) != [READERS, *part][:2]:
            wrong.append(f"{route} takes {taken}")
    assert wrong == []
    assert changed(before, contents(world)) == []


NOT_JSON = (
    b"{",
    b"",
    b"{'email': 1}",
    b"\xff\xfe",
    b'{"a": 1} trailing',
    b"[" * 30_000,
    b'{"amount": ' + b"9" * 5_000 + b"}",
    b"\x00",
)


def test_what_is_not_json_is_malformed(readers: TwoReaders) -> None:
    before = contents(readers.world)
    for route, path, _ in with_body(readers):
        for body in NOT_JSON:
            if body == b"" and str(route).endswith(PLAIN):
                continue
            answer = send(readers, route, path, body)
            case = f"{route}, {body[:20]!r}: {answer.text}"
            assert answer.status_code == (422 if body == b"" else 400), case
            assert is_named_refusal(answer), case
    assert changed(before, contents(readers.world)) == []


def spoilt(name: str, good: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The good body, with one thing wrong each time."""
    yield "null", None
    yield "a list", []
    yield "a text", "text"
    if not name.startswith("POST /access/"):  # the standard lets others add fields of their own
        yield "an unknown field", good | {"surprise": 1}
        yield "a field nested deeper than anything honest", good | {"deep": json.loads("[" * 600 + "]" * 600)}
        yield "a number beyond all numbers", good | {"much": float("inf")}
    yield "a field with half a character in its name", good | {"\ud800": 1}
    for field in good:
        for wrong in WRONG_TYPES:
            if not (wrong is None and (name, field) in OPTIONAL):
                yield f"{field} is {str(wrong)[:20]!a}", good | {field: wrong}
        if not name.endswith(PLAIN) and (name, field) not in OPTIONAL:
            yield f"no {field}", {key: value for key, value in good.items() if key != field}


def test_wrong_types_unknown_fields_and_missing_ones_are_invalid(readers: TwoReaders) -> None:
    before, taken = contents(readers.world), []
    for route, path, good in with_body(readers):
        for what, body in spoilt(str(route), good):
            if body is None and str(route).endswith(PLAIN):
                continue
            answer = send(readers, route, path, body)
            allowed = (413,) if "xxxx" in what else (422,)
            if answer.status_code not in allowed or not is_named_refusal(answer):
                taken.append(f"{route}: {what}: {answer.status_code} {answer.text[:100]}")
    assert taken == []
    assert changed(before, contents(readers.world)) == []


OUT_OF_BOUNDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("POST /v1/payments/{payment_id}/refunds", {"amount": 0, "reason": "x"}),
    ("POST /v1/payments/{payment_id}/refunds", {"amount": -7500, "reason": "x"}),
    ("POST /v1/payments/{payment_id}/refunds", {"amount": 100, "reason": ""}),
    ("POST /v1/payments/{payment_id}/refunds", {"amount": 100, "reason": "card 4242 4242 4242 4242"}),
    (
        "POST /v1/articles/{article_id}/open",
        {"until": "2027-12-01T00:00:00Z", "reason": "4242424242424242"},
    ),
    ("POST /v1/articles/{article_id}/open", {"until": "0001-01-01T00:00:00+14:00", "reason": "x"}),
    ("POST /v1/articles/{article_id}/open", {"until": "9999-12-31T23:59:59-14:00", "reason": "x"}),
    ("POST /v1/articles/{article_id}/open", {"until": "2027-12-01T00:00:00", "reason": "no zone"}),
    ("POST /v1/articles/{article_id}/open", {"until": "2020-01-01T00:00:00Z", "reason": "past"}),
    ("POST /v1/clock/advance", {"seconds": -1}),
    ("POST /v1/clock/advance", {"seconds": 10**12}),
    ("POST /v1/clock/advance", {"to": "2199-01-01T00:00:00Z"}),
    ("POST /v1/clock/advance", {}),
    ("POST /v1/trials", GOOD["POST /v1/trials"] | {"email": "not an address"}),
    ("POST /v1/trials", GOOD["POST /v1/trials"] | {"email": "a@example.com\r\nBcc: b@example.com"}),
    ("POST /v1/trials", GOOD["POST /v1/trials"] | {"payment_method": "pm_x'; DROP TABLE reader; --"}),
    (
        "POST /v1/trials",
        GOOD["POST /v1/trials"] | {"consent": CONSENT | {"accepted_at": "2190-01-01T00:00:00Z"}},
    ),
    ("POST /v1/trials", GOOD["POST /v1/trials"] | {"consent": CONSENT | {"ip": "999.1.1.1"}}),
    ("POST /v1/subscriptions/{subscription_id}/cancel", {"requested_at": "2190-01-01T00:00:00Z"}),
    ("POST /v1/subscriptions/{subscription_id}/cancel", {"requested_at": "2000-01-01T00:00:00Z"}),
    ("POST /v1/subscriptions/{subscription_id}/cancel", {"when": "yesterday"}),
    ("POST /v1/subscriptions/{subscription_id}/cancel", {"refund": "all of it"}),
    ("POST /v1/access", {"articles": ["x"] * 501}),
)


def test_values_out_of_bounds_are_invalid(readers: TwoReaders) -> None:
    before = contents(readers.world)
    found = {str(route): (route, path) for route, path, _ in with_body(readers)}
    for name, body in OUT_OF_BOUNDS:
        answer = send(readers, *found[name], body)
        assert answer.status_code == 422, f"{name}, {body}: {answer.text}"
        assert is_named_refusal(answer), f"{name}, {body}"
    assert changed(before, contents(readers.world)) == []


def test_more_is_not_refunded_than_was_paid(readers: TwoReaders) -> None:
    before = contents(readers.world)
    for amount in (7501, 10**30):
        answer = readers.world.api.post(
            f"/v1/payments/{readers.names[PAYING]['payment_id']}/refunds",
            json={"amount": amount, "reason": "x"},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "refund_exceeds_payment")
    assert changed(before, contents(readers.world)) == []


def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(readers: TwoReaders) -> None:
    before, taken = contents(readers.world), []
    for route in routes(readers.world):
        reads_it = route.is_form or route.has_body or route.path.startswith("/webhooks/")
        if route.method not in UNSAFE or not reads_it:
            continue
        most = MOST_WEBHOOK_BYTES if route.path.startswith("/webhooks/") else MOST_BYTES
        path = route.at(**readers.names[PAYING])
        kinds = ["application/json"] if not route.is_page else ["application/x-www-form-urlencoded"]
        for kind in [*kinds, "multipart/form-data; boundary=b"] if route.is_page else kinds:
            begin = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' if "multi" in kind else b"a"
            for content in (begin + b"a" * most, iter([begin, *[b"a" * 1024] * (most // 1024 + 1)])):
                answer = readers.world.api.request(
                    route.method,
                    path,
                    content=content,
                    headers={"content-type": kind, "stripe-signature": "t=1,v1=00"},
                )
                if answer.status_code != 413 or not is_named_refusal(answer):
                    taken.append(f"{route} {kind} {type(content)}: {answer.status_code} {answer.text[:80]}")
    assert taken == []
    assert changed(before, contents(readers.world)) == []


def test_what_nobody_has_heard_of_is_not_found(readers: TwoReaders) -> None:
    before, wrong = contents(readers.world), []
    odd = [
        "none",
        MISSING,
        "%E2%98%83",
        "..%2f..%2fetc%2fpasswd",
        "%ff%fe",
        "a" * 5_000,
        "'%20OR%201=1--",
        "%0d%0aX:%201",
    ]
    for route in programs(readers):
        if "{" not in route.path:
            continue
        for name in odd:
            body = GOOD.get(str(route))
            if str(route).startswith("PUT /v1/articles") and name in ("none", MISSING):
                continue  # a new name is a new article
            if str(route).startswith("PUT /v1/sections"):
                continue  # and any name may be a section's
            path = route.at(**dict.fromkeys(readers.names[PAYING], name))
            answer = readers.world.api.request(route.method, path, json=body)
            bounded = any(part in route.path for part in ("articles", "sections", "audio"))
            allowed = (404, 422) if bounded else (404,)
            if route.path.startswith("/v1/gate") and "%2f" not in name:
                allowed = (403,)
            if answer.status_code not in allowed or not is_named_refusal(answer):
                wrong.append(f"{route} {name[:30]}: {answer.status_code} {answer.text[:80]}")
    assert wrong == []
    assert changed(before, contents(readers.world)) == []


def test_a_nul_in_an_address_or_a_query_is_malformed_everywhere(readers: TwoReaders) -> None:
    queries = "after=%00", "email=%00&setup=%00"
    for number, route in enumerate(routes(readers.world)):
        asked = {f"{route.at()}?{queries[number % 2]}"}
        if "{" in route.path:
            asked.add(route.at(**dict.fromkeys(readers.names[PAYING], "a%00b"), token="a%00b"))
        for address in asked:
            if "%00" in address:
                answer = readers.world.api.request(route.method, address)
                assert answer.status_code == 400, f"{route} {address}"
                assert is_named_refusal(answer)


RARE = ("PUT", "PATCH", "DELETE", "TRACE")
"""Methods that few addresses take. One rule refuses all of them, so each is tried at every fourth address."""


def test_a_method_that_an_address_does_not_take_is_refused(readers: TwoReaders) -> None:
    before = contents(readers.world)
    everything = [
        (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", route.path)), route) for route in routes(readers.world)
    ]
    for number, path in enumerate(sorted({route.path for _, route in everything})):
        address = Route("GET", path, False).at(**readers.names[PAYING], token="x.y")
        takes = {other.method for template, other in everything if template.fullmatch(address)}
        for method in {"GET", "POST", RARE[number % 4]} - takes:
            answer = readers.world.api.request(method, address)
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
            assert set(answer.headers["allow"].split(", ")) <= takes | {"HEAD"}, f"{method} {path}"
    assert changed(before, contents(readers.world)) == []


LISTS = ("events", "invoices", "gifts")


QUERIES = ("limit=0", "limit=101", "limit=x", "after=-1", f"after={'9' * 40}", "limit=1&limit=x")


def test_lists_page_within_bounds(readers: TwoReaders) -> None:
    reader = readers.names[PAYING]["reader_id"]
    for path in (
        "/v1/readers",
        "/v1/openings",
        "/v1/sections",
        *(f"/v1/readers/{reader}/{what}" for what in LISTS),
    ):
        for query in QUERIES:
            answer = readers.world.api.get(f"{path}?{query}")
            assert answer.status_code in (200, 422), f"{path}?{query}: {answer.text}"
            assert answer.status_code == 422 or "after" in query, f"{path}?{query}"


def test_an_idempotency_key_that_is_none_is_refused(readers: TwoReaders) -> None:
    before = contents(readers.world)
    for route, path, good in with_body(readers):
        if not route.path.startswith(("/v1/access", "/access/v1/")):  # which only ask
            for key in ("", "x" * 256, "tab\there"):
                answer = send(readers, route, path, good, **{"idempotency-key": key})
                assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key"), (
                    route,
                    key,
                )
    assert changed(before, contents(readers.world)) == []


def test_a_body_that_does_not_say_it_is_json_is_not_read_as_json(readers: TwoReaders) -> None:
    """A form on another site can send these three types without permission, so none of them does anything here."""
    before = contents(readers.world)
    for route, path, good in with_body(readers):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
            answer = send(readers, route, path, good, **{"content-type": kind})
            assert answer.status_code == 422, f"{route}, {kind!r}: {answer.text}"
    assert changed(before, contents(readers.world)) == []
