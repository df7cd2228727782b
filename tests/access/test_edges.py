"""For servers and apps in front of the articles: the gate, reader tokens, and AuthZEN."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from billing.access import edge_tokens
from billing.platform.ids import EPOCH
from tests.support.articles import Put
from tests.support.browser import Browser
from tests.support.installation import SECRET_KEY
from tests.support.meter import counted
from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World

ADDRESS = "thandi@example.com"


def reader_of(world: World, email: str = ADDRESS) -> str:
    return str(world.rows("SELECT id FROM reader WHERE email = :e", e=email)[0]["id"])


def token_of(browser: Browser) -> str:
    return str(browser.http.get("/v1/access-token").raise_for_status().json()["token"])


def with_token(world: World, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=world.url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=30
    )


def gate(http: httpx.Client, article: str, **headers: str) -> tuple[int, str]:
    answer = http.get(f"/v1/gate/{article}", headers=headers)
    assert answer.content == b"", "nginx drops the line otherwise"
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.status_code, answer.headers["x-access-reason"]


def test_the_gate_lets_in_and_says_why_without_a_body(world: World, put: Put) -> None:
    holder, stranger = in_trial_by_pages(world, ADDRESS), world.browser()
    free, metered, closed = put("gull", "free"), put("heron", "metered"), put("ibis", "subscriber")
    assert [gate(holder.http, one) for one in (free, metered, closed)] == [
        (204, "free"),
        (204, "trial"),
        (204, "trial"),
    ]
    assert gate(stranger.http, free) == (204, "free")
    assert gate(stranger.http, closed) == (403, "subscribe")
    assert gate(stranger.http, "no-such") == (403, "unknown_article")
    assert gate(world.api, closed) == (403, "subscribe"), "a program that names nobody"
    named = world.api.get(f"/v1/gate/{closed}", params={"reader_id": reader_of(world)})
    assert (named.status_code, named.headers["x-access-reason"]) == (204, "trial")
    assert gate(with_token(world, "mk_forged"), closed) == (401, "unauthenticated")


def test_the_gate_counts_readings_and_nothing_else(world: World, put: Put) -> None:
    articles = [put(f"metered-{number}", "metered") for number in range(5)]
    stranger = world.browser().http
    assert gate(stranger, articles[0], purpose="prefetch") == (403, "prefetch")
    assert gate(stranger, articles[0], **{"x-original-method": "HEAD"}) == (403, "prefetch")
    assert counted(world) == []
    assert [gate(stranger, one)[0] for one in articles] == [204, 204, 204, 403, 403]
    assert gate(stranger, articles[4])[1] == "meter_used"
    assert gate(stranger, articles[0]) == (204, "meter"), "read once this month, so it is free"


def test_a_token_says_who_reads_what_and_until_when(world: World) -> None:
    browser = in_trial_by_pages(world, ADDRESS)
    answer = browser.http.get("/v1/access-token")
    assert answer.headers["cache-control"] == "private, no-store"
    keys = httpx.get(f"{world.url}/.well-known/jwks.json", trust_env=False)
    assert "max-age" in keys.headers["cache-control"]
    found = {key.key_id: key for key in jwt.PyJWKSet.from_dict(keys.json()).keys}
    assert len(found) == 3
    token = answer.json()["token"]
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token,
        found[kid].key,
        ["EdDSA"],
        audience="reading",
        issuer=world.url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == reader_of(world)
    assert claims["features"] == ["listen", "read"]
    assert claims["exp"] - claims["iat"] == 300 == answer.json()["expires_in"]
    ends = world.rows("SELECT access_until FROM subscription")[0]["access_until"]
    assert claims["paid_until"] == int(ends.timestamp()) + 86_400, "a late job of ours locks nobody out"
    assert claims["sid"] == world.rows("SELECT id FROM reader_session")[0]["id"]

    browser.get("/account/cancel")
    browser.post("/account/cancel")
    again = jwt.decode(token_of(browser), options={"verify_signature": False})
    assert again["paid_until"] == int(ends.timestamp()), "what is cancelled ends when it ends"
    for_program = world.api.get("/v1/access-token", params={"reader_id": claims["sub"]}).json()["token"]
    assert "sid" not in jwt.decode(for_program, options={"verify_signature": False})
    assert world.api.get("/v1/access-token").json()["code"] == "unknown_reader"
    assert world.browser().http.get("/v1/access-token").json()["code"] == "not_signed_in"
    assert with_token(world, token).get("/v1/access-token").json()["code"] == "not_signed_in"


def test_keys_follow_each_other_without_a_gap(world: World) -> None:
    def published() -> list[str]:
        listed = httpx.get(f"{world.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
        assert all("d" not in key for key in listed), "never the private half"
        return [key["kid"] for key in listed]

    before = published()
    world.skip_to(world.now + edge_tokens.PERIOD)
    assert published()[:2] == before[1:]


def test_a_token_reads_as_its_reader_and_a_stale_one_gives_way_to_the_session(world: World, put: Put) -> None:
    browser = in_trial_by_pages(world, ADDRESS)
    closed = put("kite", "subscriber")
    token = token_of(browser)
    app = with_token(world, token)
    assert app.get(f"/v1/access/{closed}").json()["reason"] == "trial"
    assert app.post("/v1/access", json={"articles": [closed]}).json()[0]["reason"] == "trial"
    assert gate(app, closed) == (204, "trial")
    world.advance(minutes=5)
    refused = app.get(f"/v1/access/{closed}")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert gate(app, closed) == (401, "token_expired")
    for stale in (token, f"{token}x", "a.b.c"):
        browser.http.headers["authorization"] = f"Bearer {stale}"
        assert gate(browser.http, closed) == (204, "trial"), (
            "a payer is never refused because a token is stale"
        )
        assert browser.http.get(f"/v1/access/{closed}").json()["reason"] == "trial"


def test_signing_out_ends_the_tokens_of_the_session(world: World, put: Put) -> None:
    browser = in_trial_by_pages(world, ADDRESS)
    closed = put("lark", "subscriber")
    app = with_token(world, token_of(browser))
    of_program = world.api.get("/v1/access-token", params={"reader_id": reader_of(world)}).json()["token"]
    assert gate(app, closed) == (204, "trial")
    browser.get("/account")
    browser.post("/sign-out")
    assert gate(app, closed) == (401, "session_ended")
    assert gate(with_token(world, of_program), closed) == (204, "trial"), "it came from no session"


def forged(world: World, **more: Any) -> list[str]:
    """Tokens that aren't ours: other keys, other algorithms, none, other audiences."""
    now = int(time.time())
    claims = {
        "iss": world.url,
        "aud": "reading",
        "sub": reader_of(world),
        "iat": now,
        "exp": now + 10**9,
    } | more
    keys = httpx.get(f"{world.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    current = {"kid": keys[1]["kid"]}
    tokens = world.services.site.tokens
    other = edge_tokens._key(type(tokens)("another secret, as long as the first one").key("edge", "1"))
    ours = edge_tokens._key(tokens.key("edge", str((world.now - EPOCH) // edge_tokens.PERIOD)))
    return [
        jwt.encode(claims, other.private, "EdDSA", current),
        jwt.encode(claims, other.private, "EdDSA", {"kid": other.kid}),
        jwt.encode(claims, "", "none", current),
        jwt.encode(claims, SECRET_KEY, "HS256", current),
        jwt.encode(claims | {"aud": "money"}, ours.private, "EdDSA", current),
        jwt.encode(claims | {"iss": "https://evil.example"}, ours.private, "EdDSA", current),
        jwt.encode({"iss": world.url, "aud": "reading", "sub": "x"}, ours.private, "EdDSA", current),
        "..",
        "é.é.é".encode().decode("latin-1"),
        "a." * 5000 + ".",
    ]


def test_forged_tokens_open_nothing(world: World, put: Put) -> None:
    in_trial_by_pages(world, ADDRESS)
    closed = put("myna", "subscriber")
    for token in forged(world):
        answer = httpx.get(
            f"{world.url}/v1/access/{closed}",
            headers=[(b"authorization", f"Bearer {token}".encode("latin-1"))],
            trust_env=False,
        )
        assert answer.status_code == 401, token[:60]


Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(world: World) -> Ask:
    """`ask("rdr_…", "listen", "owl")`: one evaluation, as a gateway requests it."""

    def evaluate(reader: str, action: str, article: str, kind: str = "reader", **more: Any) -> dict[str, Any]:
        body = {
            "subject": {"type": kind, "id": reader, "properties": {"any": 1}},
            "action": {"name": action},
            "resource": {"type": "article", "id": article},
            "later": "fields that we do not know",
        }
        answer = world.api.post("/access/v1/evaluation", json=body | more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return evaluate


def evaluation_of(article: str) -> dict[str, Any]:
    return {
        "subject": {"type": "anonymous", "id": "x"},
        "action": {"name": "read"},
        "resource": {"type": "article", "id": article},
    }


def known_elsewhere(world: World) -> str:
    """A reader in a trial, whose number at the publisher is 42."""

    def start() -> str:
        return str(world.start_trial(ADDRESS, external_id="42")["reader"]["id"])

    return world.once("a reader called 42 starts a trial", start)


def test_a_gateway_asks_in_the_words_of_authzen(world: World, put: Put, ask: Ask) -> None:
    reader = known_elsewhere(world)
    closed, metered = put("owl", "subscriber"), put("plover", "metered")
    assert ask(reader, "read", closed)["decision"] is True
    assert ask(reader, "can_listen", closed)["context"]["reason"] == "trial"
    assert ask("42", "listen", closed, "external")["decision"] is True
    assert ask(reader, "comment", closed)["decision"] is False
    assert ask("x", "read", closed, "anonymous") == {
        "decision": False,
        "context": world.api.get(f"/v1/access/{closed}").json(),
    }
    assert ask(reader, "read", "no-such")["context"]["error"]["status"] == 404
    assert ask(reader, "read", closed, "robot")["decision"] is False
    assert ask(reader, "read", closed, resource={"type": "house", "id": closed})["decision"] is False
    deep = {"more": json.loads("[" * 600 + "]" * 600)}
    for body in (evaluation_of(closed) | deep, evaluation_of(closed) | {"context": deep}):
        answer = world.api.post("/access/v1/evaluation", content=json.dumps(body | {"much": 1e400}))
        assert answer.status_code in (200, 422), "left alone, or refused, and nothing breaks"
    registered = register(world, "sipho@example.com")
    assert ask(registered, "read", metered, context={"prefetch": True})["decision"] is False
    assert ask(registered, "read", metered)["context"]["meter"] == {"used": 1, "limit": 10}


def evaluated(world: World, reason: str) -> float:
    """The number of evaluations of this process so far, for this reason."""
    wanted = f'masthead_gate_answers_total{{reason="{reason}",route="authzen"}} '
    lines = world.api.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def test_the_plainest_evaluations_are_answered_by_the_gate_as_by_the_framework(
    world: World, put: Put
) -> None:
    """The framework reads every context, even an empty one."""
    reader = known_elsewhere(world)
    articles = [put(name, name) for name in ("free", "registered", "metered", "subscriber")]
    subjects = [
        ("reader", reader),
        ("reader", "rdr_none"),
        ("external", "42"),
        ("external", "43"),
        ("anonymous", "x"),
    ]
    by_gate_before, by_framework_before = evaluated(world, "all"), evaluated(world, "framework")
    asked = 0
    for kind, name in subjects:
        for action in ("read", "can_listen", "comment"):
            around: dict[str, Any] = {"subject": {"type": kind, "id": name}, "action": {"name": action}}
            each: list[dict[str, Any]] = [
                {"resource": {"type": "article", "id": article}} for article in [*articles, "no-such"]
            ]
            for path, body in [
                *(("evaluation", around | one) for one in each),
                *(
                    ("evaluations", around | {"evaluations": some})
                    for some in (each, each[:2], [*each, {"action": {}}])
                ),
            ]:
                plain, other = (
                    world.api.post(f"/access/v1/{path}", json=body | more)
                    for more in ({}, {"context": {"prefetch": True}})
                )
                assert (plain.status_code, plain.json()) == (other.status_code, other.json()), body
                asked += 1
    by_gate = evaluated(world, "all") - by_gate_before
    assert asked // 2 < by_gate < asked
    assert by_gate + evaluated(world, "framework") - by_framework_before == 2 * asked
    named = world.api.post("/access/v1/evaluations", json=body, headers={"x-request-id": "bfe9eb29-ab87"})
    assert named.headers["x-request-id"] == "bfe9eb29-ab87"
    no_key = httpx.post(f"{world.url}/access/v1/evaluation", json=body, trust_env=False)
    assert no_key.status_code == 401


def register(world: World, email: str) -> str:
    browser = world.browser()
    browser.sign_in(email)
    return reader_of(world, email)


def test_many_evaluations_share_what_they_have_in_common(world: World, put: Put) -> None:
    free, closed, metered = put("robin", "free"), put("swift", "subscriber"), put("tern", "metered")
    reader = register(world, ADDRESS)

    def decisions(semantic: str, *articles: str) -> list[bool]:
        body = {
            "subject": {"type": "reader", "id": reader},
            "action": {"name": "read"},
            "evaluations": [{"resource": {"type": "article", "id": one}} for one in articles],
            "options": {"evaluations_semantic": semantic},
        }
        answer = world.api.post(
            "/access/v1/evaluations", json=body, headers={"x-request-id": "bfe9eb29-ab87-4ca3"}
        )
        assert answer.headers["x-request-id"] == "bfe9eb29-ab87-4ca3", "the gateway's own name for it"
        return [one["decision"] for one in answer.json()["evaluations"]]

    assert decisions("execute_all", free, closed, metered) == [True, False, False]
    assert decisions("deny_on_first_deny", free, closed, free) == [True, False]
    assert decisions("permit_on_first_permit", closed, free, free) == [False, True]
    assert counted(world) == [], "many at once count nothing"
    whole = world.api.post("/access/v1/evaluations", json={"evaluations": [{}]}).json()["evaluations"][0]
    assert whole["context"]["error"]["status"] == 400
    odd = world.api.post(
        "/access/v1/evaluations", json={"evaluations": [{}]}, headers={"x-request-id": "a\tb"}
    )
    assert odd.headers["x-request-id"] != "a\tb"
    found = httpx.get(f"{world.url}/.well-known/authzen-configuration", trust_env=False).json()
    assert found["access_evaluation_endpoint"] == f"{world.url}/access/v1/evaluation"
