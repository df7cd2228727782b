"""No request, by any path and with any headers, returns locked text to someone who may not read it.

Every byte of every answer is searched for pieces of the text and of the recording. Readers with access get both.
"""

import random
from collections.abc import Iterator

import httpx
import pytest

from billing.dev.paper.sample_articles import AUDIO
from tests.support.broken_tables import missing_table
from tests.support.hidden_text import HEADERS, LOCKED, METERED, pieces, plain, raw_request
from tests.support.proof_size import sized
from tests.support.signed_in import in_trial_by_pages
from tests.support.staff_members import add, sign_in
from tests.support.world import World

RECORDING = AUDIO.read_bytes()[200:240]
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "PROPFIND", "TRACE")
PATHS = (
    "/articles/{id}",
    "/articles/{id}/",
    "/articles/{id}.html",
    "/articles/{id}.json",
    "/articles/{id}.md",
    "/articles/{id}.css",
    "/articles/{id}.amp",
    "/articles/{id}/x.css",
    "/articles/{id}/style.css?v=1",
    "/articles/{id};.css",
    "/articles/{id}%2f..%2f{id}.css",
    "/articles/{id}%00.css",
    "/articles/{id}%0a.js",
    "/articles/{id}%23.png",
    "/articles/{id}%3f.png",
    "/articles//{id}",
    "//articles/{id}",
    "/./articles/{id}",
    "/static/../articles/{id}",
    "/static/%2e%2e/articles/{id}.md",
    "/static/..%2farticles%2f{id}.md",
    "/static/../web/articles/{id}.md",
    "/static/....//articles/{id}.md",
    "/ARTICLES/{id}",
    "/articles/{id}/print",
    "/articles/{id}/print?whole=1",
    "/articles/{id}/print.css",
    "/articles/{id}/print/..%2f..%2f{id}.css",
    "/articles/{id}%2fprint",
    "/articles/{id}.",
    "/articles/{id}/..;/{id}",
    "/articles/{id}%5cx.css",
    "/articles/{id}%252f.css",
    "/articles/{id}%c0%af.css",
    "/%61rticles/{id}",
    "/articles/{id}?print=1",
    "/articles/{id}?amp=1&format=json&raw=1",
    "/articles/{id}?gift=x&visitor=x&prefetch=true&reader_id=rdr_1",
    "/articles/{id}?preview=true&token=null",
    "/articles/{id}/audio",
    "/articles/{id}/audio?download=1",
    "/v1/audio/{id}",
    "/v1/audio/{id}?reader_id=rdr_1",
    "/listen/{id}/1835000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "/listen/{id}/99999999999999999999.x",
    "/articles/{id}/audio.ogg",
    "/articles/{id}/transcript",
    "/articles/{id}/gift",
    "/gift/{id}",
    "/gift/gft_1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "/v1/access/{id}",
    "/v1/access/{id}?reader_id=rdr_1",
    "/v1/articles/{id}",
    "/v1/articles/{id}/open",
    "/v1/gate/{id}",
    "/v1/access-token?article={id}",
    "/v1/readers/rdr_1/standing?article={id}",
    "/access/v1/evaluation",
    "/staff/articles?what=article:{id}",
    "/staff/newsletters/new?article={id}",
    "/staff/readers/rdr_1/why?article={id}",
    "/newsletters?article={id}",
    "/paywall.js?article={id}",
    "/robots.txt?{id}",
    "/license.xml",
    "/feed.xml?full=1",
    "/feed.xml/{id}",
    "/sitemap-news.xml?id={id}",
    "/articles",
    "/articles?section=all&full=1",
    "/",
    "/feed",
    "/rss.xml",
    "/feed.json",
    "/sitemap.xml",
    "/sitemap-news.xml",
    "/search?q={id}",
    "/amp/articles/{id}",
    "/oembed?url=/articles/{id}",
    "/articles/listen.ogg",
    "/static/listen.ogg",
    "/articles/" + "{id}" * 20,
    "/openapi.json",
)


NEVER = [piece for article in LOCKED for piece in pieces(article)] + [RECORDING]
ONLY_COUNTED = [piece for article in METERED for piece in pieces(article)]


def hostile(count: int, seed: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """First every path and every header once, then random mixtures."""
    luck = random.Random(seed)
    ids = [article.teaser.id for article in (*LOCKED, *METERED)]
    for number in range(count):
        path = PATHS[number] if number < len(PATHS) else luck.choice(PATHS)
        headers = dict(HEADERS[number % len(HEADERS)])
        if number >= len(PATHS):
            headers |= luck.choice(HEADERS)
        method = "GET" if number < len(PATHS) or luck.random() < 0.7 else luck.choice(METHODS)
        yield method, path.replace("{id}", ids[number % len(ids)]), headers


def leaks(world: World, count: int, seed: int, *, never: list[bytes] = NEVER, cookie: str = "") -> list[str]:
    """The locked text in an answer. `cookie`: those of a signed-in browser that may read none of `never`."""
    found = []
    for method, path, given in hostile(count, seed):
        headers = given | {"cookie": f"{cookie}; {given.get('cookie', 'a=b')}"} if cookie else given
        answer = plain(raw_request(world.url, method, path, headers))
        assert answer.startswith(b"HTTP/1.1 "), (method, path)
        head, _, _ = answer.partition(b"\r\n\r\n")
        if any(piece in answer for piece in never):
            found.append(f"{method} {path} {headers}")
        # One metered article for a browser never seen: counted, and nobody else's to keep.
        counted = method == "GET" and b"set-cookie: masthead-visitor=" in head
        if not cookie and not counted and any(piece in answer for piece in ONLY_COUNTED):
            found.append(f"uncounted: {method} {path} {headers}")
        own = b"no-store" in head or (b"cache-control: public" in head and b"set-cookie" not in head)
        if b" 200 " in head.splitlines()[0] and not own and not path.startswith("/static/"):
            found.append(f"may be kept: {method} {path} {headers}")
    return found


def test_the_searching_finds(world: World) -> None:
    """A reader with access gets the pieces that others must not get."""
    browser = in_trial_by_pages(world)
    for article in (*LOCKED, *METERED):
        page = plain(browser.get(f"/articles/{article.teaser.id}").response.content)
        assert all(piece in page for piece in pieces(article)), article.teaser.id
    spoken = next(article for article in LOCKED if article.teaser.audio)
    address = browser.http.get(f"/v1/audio/{spoken.teaser.id}").json()["address"]
    assert RECORDING in browser.http.get(address).content
    assert len(NEVER) > 30


def test_a_stranger_gets_no_byte_of_it(world: World) -> None:
    assert leaks(world, len(PATHS) + 40, seed=1) == []


@pytest.mark.prove
def test_nor_in_hundreds_of_ways_while_whoever_may_reads(world: World) -> None:
    count = sized(at_length=1200, usual=300)
    assert leaks(world, count, seed=2) == []
    account = world.browser()
    account.sign_in("sipho@example.com")
    cookie = "; ".join(f"{name}={value}" for name, value in account.http.cookies.items())
    locked = [
        piece for article in LOCKED if article.teaser.access == "subscriber" for piece in pieces(article)
    ]
    assert leaks(world, count // 4, seed=4, never=[*locked, RECORDING], cookie=cookie) == [], (
        "an account is no subscription"
    )
    test_the_searching_finds(world)
    assert leaks(world, count // 6, seed=3) == [], "nor once somebody has read it"


def test_staff_and_programs_are_given_none_of_it_by_what_they_are(world: World) -> None:
    """Neither a role nor a key is a subscription."""
    spoken = next(article for article in LOCKED if article.teaser.audio)
    name, path = spoken.teaser.id, f"/articles/{spoken.teaser.id}"
    editor = sign_in(world, add(world, "editor").email)
    support = sign_in(world, add(world, "support").email)
    places = (
        path,
        f"{path}/print",
        f"{path}/audio",
        "/staff",
        "/staff/articles",
        "/staff/newsletters",
        f"/v1/access/{name}",
    )
    answers = [who.http.get(where) for who in (editor, support) for where in places]
    answers += [
        world.api.get(where)
        for where in (
            f"/v1/articles/{name}",
            f"/v1/access/{name}",
            "/v1/openings",
            path,
            f"{path}/print",
            "/feed.xml",
        )
    ]
    answers.append(world.api.post("/v1/access", json={"articles": [article.teaser.id for article in LOCKED]}))
    for answer in answers:
        assert not [piece for piece in NEVER if piece in plain(answer.content)], answer.url


def test_nor_is_it_in_what_is_said_when_we_break(world: World) -> None:
    reader = in_trial_by_pages(world)
    with missing_table(world, "price"):
        for who in (reader, world.browser()):
            for article in LOCKED:
                answer = who.http.get(f"/articles/{article.teaser.id}")
                assert answer.status_code == 500
                assert "no-store" in answer.headers["cache-control"]
                assert not [piece for piece in NEVER if piece in plain(answer.content)]


def test_what_is_over_gives_nothing_any_more(world: World) -> None:
    """An expired gift, an ended subscription, a closed opening: each with everything it once had."""
    article = next(one for one in LOCKED if one.teaser.audio)
    path, secret = f"/articles/{article.teaser.id}", pieces(article)
    subscriber, friend = in_trial_by_pages(world), world.browser()
    subscriber.get(path)
    address = subscriber.http.get(f"/v1/audio/{article.teaser.id}").json()["address"]
    subscriber.post(f"{path}/gift")
    link = subscriber.page.text.partition('readonly value="')[2].partition('"')[0]
    assert secret[0] in plain(friend.get(link).response.content)
    body = {"until": "2027-03-05T08:00:00Z", "reason": "flood"}
    world.api.post(f"/v1/articles/{article.teaser.id}/open", json=body).raise_for_status()
    stranger = world.browser()
    assert secret[0] in plain(stranger.get(path).response.content)
    subscriber.get("/account/cancel")
    subscriber.post("/account/cancel")
    world.advance(days=16)
    asked: list[tuple[httpx.Client, str]] = [
        (who.http, where)
        for who in (subscriber, friend, stranger)
        for where in (
            path,
            link,
            f"{path}/print",
            "/feed.xml",
            address,
            f"/v1/audio/{article.teaser.id}",
            f"/v1/access/{article.teaser.id}",
            "/articles",
            "/account/gifts",
        )
    ]
    for client, where in asked:
        answer = plain(client.get(where).content)
        assert not [piece for piece in [*secret, RECORDING] if piece in answer], where
