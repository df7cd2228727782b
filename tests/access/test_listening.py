"""A recording plays for five minutes, in the browser its address was made for, in ranges (PW-7)."""

import re
from datetime import datetime

import httpx
import pytest

from billing.dev.paper.sample_articles import AUDIO, sample_articles
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World

SPOKEN = next(one.teaser.id for one in sample_articles() if one.teaser.audio)
DOOR = f"/v1/audio/{SPOKEN}"
WHOLE = AUDIO.read_bytes()


@pytest.fixture
def nomsa(world: World) -> Browser:
    """A subscriber, signed in."""
    return in_trial_by_pages(world, "nomsa@example.com")


def address_of(browser: Browser) -> str:
    return str(browser.http.get(DOOR).raise_for_status().json()["address"])


def refused(answer: httpx.Response) -> str:
    """The code of a refusal that lets no recording be played."""
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert len(answer.json()["detail"].split()) > 8
    return str(answer.json()["code"])


def ask(browser: Browser, address: str, **headers: str) -> httpx.Response:
    return browser.http.get(address, headers={"accept": "*/*", **headers})


def test_an_address_plays_for_five_minutes_and_the_next_goes_on(world: World, nomsa: Browser) -> None:
    answer = nomsa.http.get(DOOR).json()
    until = datetime.fromisoformat(answer["until"])
    assert 0 < (until - world.now).total_seconds() <= 300
    assert answer["article"] == SPOKEN
    assert ask(nomsa, answer["address"]).content == WHOLE
    world.advance(minutes=4, seconds=59)
    assert ask(nomsa, answer["address"]).status_code == 200
    world.advance(seconds=1)
    assert refused(ask(nomsa, answer["address"])) == "address_over"
    page = nomsa.http.get(answer["address"])
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert ask(nomsa, address_of(nomsa), range="bytes=1000-").content == WHOLE[1000:], "an hour later, too"


def test_it_plays_in_no_other_session_and_for_no_other_article(world: World, nomsa: Browser) -> None:
    stranger, pieter, phone = world.browser(), world.browser(), world.browser()
    pieter.start("pieter@example.org", "5555555555554444")
    for browser in (phone, nomsa):
        browser.sign_in("nomsa@example.com")
    address = address_of(nomsa)
    assert refused(ask(stranger, address)) == "listening_not_included"
    assert refused(ask(pieter, address)) == "others_address", "a subscriber's, but not this one's"
    assert refused(ask(phone, address)) == "others_address", (
        "the same reader's other browser asks for its own"
    )
    assert ask(phone, address_of(phone)).content == WHOLE
    head, _, seal = address.rpartition(".")
    later = head[:-1] + str((int(head[-1]) + 1) % 10)
    for forged in (f"{later}.{seal}", f"{head}.{seal[::-1]}", f"{head}.x", f"{'9' * 30}.{seal}"):
        where = forged if "/listen/" in forged else f"/listen/{SPOKEN}/{forged}"
        assert refused(ask(nomsa, where)) == "others_address"
    nomsa.get("/account")
    nomsa.post("/sign-out")
    assert refused(ask(nomsa, address)) == "listening_not_included"


def test_an_app_listens_by_its_reader_token(world: World, nomsa: Browser) -> None:
    token = nomsa.http.get("/v1/access-token").json()["token"]
    app, backend = by_token(world, token), by_token(world, given_to_a_program(world))
    for player, others in ((app, backend), (backend, app)):
        address = player.get(DOOR).raise_for_status().json()["address"]
        received = player.get(address, headers={"range": "bytes=9-19"})
        assert (received.status_code, received.content) == (206, WHOLE[9:20])
        assert refused(others.get(address)) == "others_address", "another's, although the same reader's"
        assert (
            refused(world.browser().http.get(address, headers={"accept": "*/*"})) == "listening_not_included"
        )
        assert refused(world.api.get(address)) == "listening_not_included", "a key names nobody who listens"
    assert ask(nomsa, app.get(DOOR).json()["address"]).content == WHOLE, "the session that the token is of"
    assert app.get(address_of(nomsa)).content == WHOLE
    world.advance(minutes=5)
    assert (app.get(DOOR).status_code, app.get(DOOR).json()["code"]) == (401, "token_expired")
    for_reader = by_token(world, given_to_a_program(world)).get(DOOR).json()["address"]
    assert by_token(world, given_to_a_program(world)).get(for_reader).content == WHOLE, (
        "by the next token, too"
    )
    nomsa.get("/account")
    fresh = by_token(world, nomsa.http.get("/v1/access-token").json()["token"])
    address = fresh.get(DOOR).json()["address"]
    nomsa.post("/sign-out")
    assert (fresh.get(address).status_code, fresh.get(address).json()["code"]) == (401, "session_ended")
    row = world.rows("SELECT id FROM subscription")[0]
    world.api.post(f"/v1/subscriptions/{row['id']}/cancel", json={"when": "now"}).raise_for_status()
    left = by_token(world, given_to_a_program(world))
    assert refused(left.get(for_reader)) == "listening_not_included", "what ends ends at once"


def by_token(world: World, token: str) -> httpx.Client:
    """An app: no cookies, a reader token with every request."""
    headers = {"authorization": f"Bearer {token}", "accept": "*/*"}
    return httpx.Client(base_url=world.url, headers=headers, trust_env=False, timeout=30)


def given_to_a_program(world: World) -> str:
    """A token that a publisher's server got for its reader, and passes on."""
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    return str(world.api.get("/v1/access-token", params={"reader_id": reader}).json()["token"])


def test_what_ends_ends_at_once_not_with_the_address(world: World, nomsa: Browser) -> None:
    address = address_of(nomsa)
    assert ask(nomsa, address).status_code == 200
    row = world.rows("SELECT id FROM subscription")[0]
    body = {"when": "now", "reason": "other"}
    world.api.post(f"/v1/subscriptions/{row['id']}/cancel", json=body).raise_for_status()
    assert refused(ask(nomsa, address)) == "listening_not_included"


def test_ranges_as_players_ask_for_them(nomsa: Browser) -> None:
    address, size = address_of(nomsa), len(WHOLE)
    whole = ask(nomsa, address)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    for wanted_range, start, end in (
        ("0-99", 0, 100),
        ("100-", 100, size),
        ("-500", size - 500, size),
        ("5-999999999", 5, size),
    ):
        part = ask(nomsa, address, range=f"bytes={wanted_range}")
        assert (part.status_code, part.content) == (206, WHOLE[start:end]), wanted_range
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    tag = whole.headers["etag"]
    assert ask(nomsa, address, range="bytes=9-", **{"if-range": tag}).content == WHOLE[9:]
    assert ask(nomsa, address, range="bytes=9-", **{"if-range": '"older"'}).content == WHOLE
    beyond = ask(nomsa, address, range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"], beyond.content) == (
        416,
        f"bytes */{size}",
        b"",
    )
    head = nomsa.http.head(address, headers={"range": "bytes=0-99"})
    assert (head.status_code, head.headers["content-length"], head.content) == (206, "100", b"")
    assert nomsa.http.head(address).headers["content-length"] == str(size)


def test_several_ranges_come_in_parts_and_many_as_the_whole(nomsa: Browser) -> None:
    address = address_of(nomsa)
    two = ask(nomsa, address, range="bytes=0-9, 100-109, 5-20")
    boundary = two.headers["content-type"].partition("boundary=")[2].encode()
    parts = two.content.split(b"--" + boundary)[1:-1]
    assert two.status_code == 206
    assert [part.partition(b"\r\n\r\n")[2][:-2] for part in parts] == [WHOLE[0:21], WHOLE[100:110]]
    many = ask(nomsa, address, range="bytes=" + ",".join(f"{n}-{n}" for n in range(0, 200, 2)))
    assert (many.status_code, many.content) == (200, WHOLE), "never more than the recording itself"


def test_a_page_holds_an_address_that_ends_and_a_program_is_given_none(world: World, nomsa: Browser) -> None:
    page = nomsa.get(f"/articles/{SPOKEN}").text
    found = re.findall(rf'(/listen/{SPOKEN}/[0-9]+\.[\w-]+)"', page)
    assert len(found) == 1
    assert ".ogg" not in page
    assert ask(nomsa, found[0]).content == WHOLE
    for answer in (nomsa.http.get(f"/v1/access/{SPOKEN}"), world.api.get(f"/v1/articles/{SPOKEN}")):
        assert "/listen/" not in answer.text
        assert "ogg" not in answer.text
    world.advance(minutes=5)
    assert refused(ask(nomsa, found[0])) == "address_over"
