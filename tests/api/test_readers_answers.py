"""Readers in the API: their data, and how to find them."""

import httpx

from billing.platform.actors import WORKER
from billing.rules.scopes import SCOPES, grants
from billing.staff.api_keys import create
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def test_readers_are_found_by_address_by_external_id_and_page_by_page(world: World) -> None:
    begun = [
        world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}", external_id=f"crm-{n}")["reader"]
        for n in range(7)
    ]
    get = world.api.get
    assert get("/v1/readers", params={"email": "R3@Example.com"}).json()["data"][0]["id"] == begun[3]["id"]
    found = get("/v1/readers", params={"external_id": "crm-5"}).json()
    assert ([row["id"] for row in found["data"]], found["has_more"]) == ([begun[5]["id"]], False)
    for query in ({"email": "nobody@example.com"}, {"external_id": "crm-99"}):
        assert get("/v1/readers", params=query).json() == {"data": [], "has_more": False}

    seen: list[str] = []
    more, after = True, None
    while more:
        page = get("/v1/readers", params={"limit": 3} | ({"after": after} if after else {})).json()
        seen += [row["id"] for row in page["data"]]
        more, after = page["has_more"], seen[-1]
    assert sorted(seen) == sorted(row["id"] for row in begun)
    assert seen == sorted(seen)
    one = get(f"/v1/readers/{begun[2]['id']}").json()
    assert (one["email"], one["external_id"]) == ("r2@example.com", "crm-2")
    assert one["subscription"]["status"] == "trialing"
    for wrong in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"email": "no address"}):
        assert get("/v1/readers", params=wrong).status_code == 422
    assert get("/v1/readers/rdr_nobody").json()["code"] == "unknown_reader"


def test_a_subscription_is_told_in_the_shape_of_the_contract(world: World) -> None:
    begun = world.start_trial("naledi@example.com", "pm_card_mastercard")
    assert begun["subscription"] == world.subscription(begun["subscription"]["id"])
    world.advance_to(local(2027, 3, 16, 9))
    found = world.subscription(begun["subscription"]["id"])
    assert (
        found.items()
        >= {
            "status": "active",
            "trial_ends_at": None,
            "period_start": "2027-03-16",
            "period_end": "2027-04-16",
            "access_until": "2027-04-15T22:00:00Z",
            "cancel_requested_at": None,
            "cancels_at": None,
        }.items()
    )
    assert found["next_charge"] == {
        "at": "2027-04-16T07:00:00Z",
        "amount": {"amount": 7500, "currency": "ZAR"},
    }
    assert (found["price"]["amount"], found["price"]["currency"]) == (7500, "ZAR")
    method = found["payment_method"]
    assert (method["brand"].lower(), method["last4"]) == ("mastercard", "4444")
    assert {"exp_month", "exp_year"} < method.keys()
    answer = world.api.get("/v1/subscriptions/sub_nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_subscription")


def test_events_tell_from_to_when_who_and_why_in_order(world: World, paid: Subscriber) -> None:
    reader, subscription = paid.reader_id, paid.subscription_id
    world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={"reason": "price", "comment": "dear"})
    world.api.post(f"/v1/subscriptions/{subscription}/resume")
    events = world.api.get(f"/v1/readers/{reader}/events").json()
    notices = [(event["happening"], event["from"], event["to"], event["by"]) for event in events["data"]]
    assert notices == [
        ("started", None, "trialing", "api:tests"),
        ("charged", "trialing", "active", "worker"),
        ("cancel_asked", "active", "active", "api:tests"),
        ("cancel_undone", "active", "active", "api:tests"),
    ]
    assert events["data"][2]["why"] == "price: dear"
    assert events["data"][1]["at"] == "2027-03-16T07:00:00Z"
    assert not events["has_more"]
    first = world.api.get(f"/v1/readers/{reader}/events", params={"limit": 3}).json()
    assert first["has_more"]
    rest = world.api.get(f"/v1/readers/{reader}/events", params={"after": first["data"][-1]["id"]}).json()
    assert [*first["data"], *rest["data"]] == events["data"]
    assert world.api.get("/v1/readers/rdr_nobody/events").status_code == 404


CALLS = {
    ("GET", "/v1/readers"): "readers:read",
    ("GET", "/v1/readers/rdr_x"): "readers:read",
    ("GET", "/v1/readers/rdr_x/events"): "readers:read",
    ("POST", "/v1/trials"): "readers:start",
    ("GET", "/v1/subscriptions/sub_x"): "readers:read",
    ("POST", "/v1/subscriptions/sub_x/cancel"): "readers:cancel",
    ("POST", "/v1/subscriptions/sub_x/resume"): "readers:start",
    ("GET", "/v1/readers/rdr_x/invoices"): "money",
    ("GET", "/v1/invoices/inv_x"): "money",
    ("POST", "/v1/payments/pay_x/refunds"): "money",
    ("PUT", "/v1/articles/x"): "articles",
    ("GET", "/v1/articles/x"): "articles",
    ("DELETE", "/v1/articles/x"): "articles",
    ("POST", "/v1/articles/x/open"): "articles",
    ("GET", "/v1/access/x"): "access",
    ("POST", "/v1/access"): "access",
}
BODIES = {
    "/v1/trials": {
        "email": "a@example.com",
        "payment_method": "pm_card_visa",
        "consent": {
            "text_version": "1",
            "accepted_at": "2027-01-01T00:00:00Z",
            "ip": "::1",
            "user_agent": "A",
        },
    },
    "/v1/payments/pay_x/refunds": {"reason": "x"},
    "/v1/articles/x": {
        "title": "x",
        "url": "https://news.example/x",
        "section": "x",
        "access": "free",
        "published_at": "2027-01-01T00:00:00Z",
    },
    "/v1/articles/x/open": {"until": "2027-04-01T00:00:00Z", "reason": "x"},
    "/v1/access": {"articles": ["x"]},
    "/v1/clock/advance": {"seconds": 1},
}


def _call(world: World, method: str, path: str, key: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = BODIES.get(path) if method in ("POST", "PUT") else None
    with httpx.Client(base_url=world.url, headers=headers, trust_env=False, timeout=60) as client:
        return client.request(method, path, json=body)


def test_each_call_needs_its_scope_and_no_other(world: World) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        keys = {scope: create(ctx, scope, (scope,)) for scope in SCOPES}
    before = world.rows("SELECT count(*) AS n FROM reader")
    for (method, path), needed in CALLS.items():
        for scope, key in keys.items():
            answer = _call(world, method, path, key)
            if not grants((scope,), needed):
                assert answer.status_code == 403, (method, path, scope)
                assert answer.json()["code"] == "scope_missing"
                assert f"`{needed}`" in answer.json()["detail"]
    assert world.rows("SELECT count(*) AS n FROM reader") == [{"n": before[0]["n"] + 1}], (
        "one right key started"
    )


def test_without_a_key_programs_are_told_to_bring_one(world: World) -> None:
    for key in (None, "nonsense", "mk_" + "0" * 40):
        for method, path in CALLS:
            if path.startswith("/v1/access") and key is None:
                continue  # a browser may ask for itself
            answer = _call(world, method, path, key)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"


def test_the_clock_moves_on_order_and_never_back(world: World, notified: Subscriber) -> None:
    def move(**body: object) -> httpx.Response:
        """Ask for the clock to be moved."""
        return world.api.post("/v1/clock/advance", json=body)

    assert move(seconds=3600).json() == {"now": "2027-03-15T19:00:00Z"}
    assert move(to="2027-03-16T09:00:00+02:00").json() == {"now": "2027-03-16T07:00:00Z"}
    assert len(world.charges()) == 1, "answered when all that fell due was done"
    back = move(to="2027-03-01T00:00:00Z")
    assert (back.status_code, back.json()["code"]) == (409, "cannot_turn_back")
    for wrong in ({}, {"seconds": 1, "to": "2027-04-01T00:00:00Z"}, {"seconds": -1}, {"to": "2027-04-01"}):
        assert move(**wrong).status_code == 422
    assert world.now == local(2027, 3, 16, 9)
