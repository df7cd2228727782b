"""What shared caches may keep: only pages that are the same for everyone, no longer than they are true, whatever the address."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from tests.support.hidden_text import HEADERS, LOCKED, METERED, pieces, plain, raw_request
from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World, local

PUBLIC = "public, max-age=0, s-maxage=60"
PRIVATE = "private, no-store"
NEVER_KEPT = ("set-cookie", "etag", "last-modified")


def passer_by(world: World, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{world.url}{path}", headers=headers, trust_env=False)


def test_what_is_the_same_for_everybody_is_shared_and_nothing_else(world: World) -> None:
    by_level = {level: f"/articles/{ids[0]}" for level, ids in world.articles.items()}
    for level in ("free", "registered", "subscriber"):
        answer = passer_by(world, by_level[level])
        assert answer.headers["cache-control"] == PUBLIC, level
        assert answer.headers["vary"] == "Cookie, Accept-Language"
        assert not any(name in answer.headers for name in NEVER_KEPT)
        assert 'name="csrf"' not in answer.text
    assert passer_by(world, "/articles").headers["cache-control"] == PUBLIC
    counted = passer_by(world, by_level["metered"])
    assert (counted.headers["cache-control"], "set-cookie" in counted.headers) == (PRIVATE, True)
    crawler = passer_by(world, by_level["metered"], **{"user-agent": "Googlebot/2.1"})
    assert crawler.headers["cache-control"] == PRIVATE, "another page than a person's"
    for header in (
        {"cookie": "masthead-session=x"},
        {"cookie": "masthead-visitor=x; theme=dark"},
        {"cookie": "masthead-flash=signed-out"},
        {"cookie": "__Host-masthead-gift=x"},
        {"authorization": "Bearer x"},
    ):
        for level in ("free", "subscriber"):
            assert passer_by(world, by_level[level], **header).headers["cache-control"] == PRIVATE, header
    assert passer_by(world, by_level["free"], cookie="theme=dark").headers["cache-control"] == PUBLIC


def test_readers_get_their_own(world: World) -> None:
    reader = in_trial_by_pages(world)
    for ids in world.articles.values():
        answer = reader.get(f"/articles/{ids[0]}").response
        assert answer.headers["cache-control"] == PRIVATE
        assert "etag" not in answer.headers
    reader.get("/account")
    reader.post("/sign-out")
    assert "You are signed out." in reader.page.text
    assert reader.page.response.headers["cache-control"] == PRIVATE
    assert reader.get("/articles").response.headers["cache-control"] == PRIVATE, (
        "it is still a browser we know"
    )


def test_a_shared_page_is_kept_no_longer_than_it_is_true(world: World) -> None:
    article = world.articles["subscriber"][0]
    body = {"until": (world.now + timedelta(seconds=20)).isoformat(), "reason": "flood"}
    world.api.post(f"/v1/articles/{article}/open", json=body).raise_for_status()
    assert (
        passer_by(world, f"/articles/{article}").headers["cache-control"] == "public, max-age=0, s-maxage=20"
    )
    world.advance(seconds=19.5)
    last = passer_by(world, f"/articles/{article}")
    assert (last.headers["cache-control"], "in the public interest" in last.text) == (PRIVATE, True)
    world.advance_to(local(2027, 11, 17, 23, 59, 30))
    assert (
        passer_by(world, "/articles/who-leases-the-wind").headers["cache-control"].endswith("s-maxage=30")
    ), "it opens for good at midnight"


@pytest.mark.parametrize("setting", [{"shared_seconds": 0}, {"crawlers": "list"}])
def test_it_can_be_turned_off_and_isnt_shared_where_crawlers_read_more(
    make_world: Callable[..., World], setting: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    if "crawlers" in setting:
        path = tmp_path_factory.mktemp("lists") / "common-crawlers.json"
        path.write_text('{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}')
        setting = {"crawlers": path}
    world = make_world(**setting)
    locked, free = (
        passer_by(world, f"/articles/{world.articles[level][0]}") for level in ("subscriber", "free")
    )
    assert locked.headers["cache-control"] == PRIVATE
    assert (free.headers["cache-control"] == PUBLIC) is ("crawlers" in setting), (
        "what is free is free to them too"
    )


def test_nothing_that_a_cache_leaves_out_of_its_key_changes_a_shared_page(world: World) -> None:
    """A visitor with other headers can't put another page into a shared cache."""
    for path in (
        f"/articles/{world.articles['subscriber'][0]}",
        "/articles",
        "/feed.xml",
        "/sitemap.xml",
        "/robots.txt",
    ):
        honest, shared = passer_by(world, path), 0
        for headers in HEADERS:
            answer = raw_request(
                world.url,
                "GET",
                path,
                headers | {"x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher"},
            )
            head, _, rest = answer.partition(b"\r\n\r\n")
            if b"cache-control: public" in head and b" 200 " in head.splitlines()[0]:
                shared += 1
                assert b"evil.example" not in answer
                assert rest.strip() == honest.content.strip(), (path, headers)
        assert shared > len(HEADERS) // 2


def test_the_query_of_the_first_visitor_is_not_in_a_shared_page(world: World) -> None:
    for path in (f"/articles/{world.articles['subscriber'][0]}", "/articles"):
        answer = passer_by(world, f"{path}?utm_campaign=of-one-visitor")
        assert answer.headers["cache-control"] == PUBLIC
        assert answer.text == passer_by(world, path).text


DECEPTIONS = (
    "{path}/x.css",
    "{path}.css",
    "{path}/x.css?v=1",
    "{path};x.css",
    "{path};jsessionid=1",
    "{path}%3Bx.css",
    "{path}%00.css",
    "{path}%00",
    "{path}%0a.css",
    "{path}%23x.css",
    "{path}%3Fx.css",
    "{path}%2Fx.css",
    "{path}%2f..%2fx.css",
    "{path}/..%2fx.css",
    "{path}/..%2f..%2fstatic%2fsite.css",
    "{path}.",
    "{path}...",
    "{path}/.",
    "{path}/",
    "{path}//",
    "{path}\\x.css",
    "/static/..%2f{tail}",
    "/static/%2e%2e/{tail}",
    "/static/../{tail}",
    "/robots.txt/..%2f{tail}",
    "/feed.xml/../{tail}",
    "/sitemap.xml%2f..%2f{tail}",
    "/license.xml;/{tail}",
    "/favicon.ico/..%2f{tail}",
    "//{tail}",
    "/x/..//{tail}",
    "/%61{rest}",
    "/./{tail}",
    "{path}?cb=1&x.css",
    "{path}?.css",
    "{path}#x.css",
)


def test_no_trick_with_an_address_makes_a_readers_page_look_like_a_file(world: World) -> None:
    """A reader is lured to such an address. No cache keeps the answer, so nobody else gets it."""
    reader = in_trial_by_pages(world)
    cookie = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    victims = [
        *(f"/articles/{article.teaser.id}" for article in (LOCKED[0], METERED[0])),
        "/account",
        "/account/gifts",
    ]
    secrets = [*pieces(LOCKED[0]), *pieces(METERED[0]), b"thandi@example.com"]
    seen = 0
    for path in victims:
        for deception in DECEPTIONS:
            where = deception.replace("{path}", path).replace("{tail}", path[1:]).replace("{rest}", path[2:])
            answer = plain(raw_request(world.url, "GET", where, {"cookie": cookie, "accept": "text/css,*/*"}))
            head = answer.partition(b"\r\n\r\n")[0].lower()
            if any(secret in answer for secret in secrets):
                seen += 1
                assert b"cache-control: private, no-store" in head, where
                assert b"content-type: text/html" in head, where
            if b"cache-control: public" in head:
                assert b"content-type: text/html" not in head, where
            again = plain(raw_request(world.url, "GET", where, {}))
            assert not any(secret in again for secret in secrets if secret not in pieces(METERED[0])), where
    assert seen >= 2 * len(victims), "some of them do lead to the page, and it is still the reader's own"
