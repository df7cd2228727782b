"""A Cookie header means the same to the access cache and to the framework, whatever else is in it."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from billing.access_cache.cache import AccessCache
from billing.access_cache.decider import AccessLookup
from billing.access_cache.entries import CachedArticle
from billing.access_cache.identifier import STRANGER
from billing.access_cache.packed_entitlements import REGISTERED
from billing.access_cache.presented import presented_in
from billing.http import cookies
from billing.http.at_once import Header
from billing.rules.policies import AccessLevel, ArticlePolicy, FreeSpan
from tests.access_cache.cache_parts import new_decider
from tests.support.installation import settings_for
from tests.support.signed_in import in_trial_by_pages
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)
SECRET = "s3cret-of-a-session"
NAME = b"masthead-session="
SETTINGS = settings_for("postgresql://nobody@127.0.0.1/none")
PIECES = (
    *(NAME, NAME + SECRET.encode(), b"; " + NAME + SECRET.encode(), SECRET.encode()),
    *(
        b";",
        b"; ",
        b" ",
        b"\t",
        b"=",
        b",",
        b'"',
        b"\\073",
        b"\x0b",
        b"\x1f",
        b"\xa0",
        b"\x85",
        b"\xe9",
        b"\x7f",
    ),
    *(
        b"x",
        b"x=1",
        b"$Version=1",
        b"$Path=/",
        b"masthead-session",
        b"Masthead-Session=",
        b"not-masthead-session=",
    ),
)
headers = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join), max_size=3)


def meant(lines: list[bytes]) -> str:
    """What it means: pairs divided by semicolons, spaces and tabs around a pair being nothing, nor
    quotes around its value. The last of a name counts, and a value that we can't have set is none."""
    found = b""
    for pair in b";".join(lines).split(b";"):
        if pair.strip(b" \t").startswith(NAME):
            found = pair.strip(b" \t").removeprefix(NAME).strip(b" \t")
            quoted = re.fullmatch(b'"(.*)"', found, re.DOTALL)
            found = quoted[1] if quoted else found
    return found.decode("latin-1") if found.isascii() and found.decode("latin-1").isprintable() else ""


class Cache:
    """A cache that knows one session, its reader and one article, which is free."""

    def __init__(self) -> None:
        clock = SteppedClock()
        self.now = clock.seconds()
        self.cache, self.decider = AccessCache(100, clock), new_decider()
        self.digest = self.decider.identifier.session_digest(SECRET.encode())[:16]
        self.cache.keep_session(self.digest, "rdr_1", int(AT.timestamp()) + 3600)
        self.cache.keep_entitlements("rdr_1", REGISTERED)
        policy = ArticlePolicy(AccessLevel.FREE, (FreeSpan(None, None),))
        self.cache.keep_article(CachedArticle("a", policy, (), self.now, "/?article=a"))
        plain: list[Header] = [(b"cookie", NAME + SECRET.encode())]
        assert self.answered_by(plain) == SECRET
        assert self.fast_path(plain)

    def fast_path(self, given: list[Header]) -> bool:
        """Whether the fast path takes this for the session."""
        return self.decider.builder.fast_path(self.cache, given, "a", AT.timestamp(), self.now) is not None

    def answered_by(self, given: list[Header]) -> str | None:
        """The session that the cache answers for or looks up, or empty for none. None if the cache leaves it to the
        framework.
        """
        who = presented_in("GET", given, b"")
        if who is None:
            return None
        found = self.decider.answers(self.cache, AccessLookup(who, ("a",)), AT, self.now)
        if isinstance(found, tuple):
            return f"digest {found[1].hex()}"
        assert isinstance(found, list)
        reader = self.decider.identifier.reader(self.cache, who, AT, self.now)
        return "" if reader == STRANGER else SECRET


@pytest.fixture(scope="module")
def cache() -> Cache:
    return Cache()


@settings(max_examples=2_000)
@given(headers)
@example([b"x" * len(NAME) + SECRET.encode() + b"; x"])
@example([b"x" * (len(NAME) - 1) + SECRET.encode() + b"; x"])
def test_cache_and_framework_find_the_same_session(cache: Cache, lines: list[bytes]) -> None:
    given: list[Header] = [(b"cookie", line) for line in lines]
    expected = meant(lines)
    request = Request({"type": "http", "headers": given})
    assert cookies.read(request, SETTINGS, cookies.SESSION) == expected
    assert not expected or cookies.any_of_ours(request)
    answered = cache.answered_by(given)
    digest = cache.decider.identifier.session_digest(expected.encode()).hex()
    assert answered in (None, expected if expected in ("", SECRET) else f"digest {digest}")
    assert expected == SECRET or not cache.fast_path(given)
    if given == [(b"cookie", b"x=1; " + NAME + SECRET.encode())]:
        assert cache.fast_path(given)


@pytest.mark.parametrize(
    ("before", "after"),
    [("x=1 ", ""), ("x=1\t", ""), ("x= ", ""), ('x="', '"'), ("x=1, ", ""), ("x=1; y ", "; z=2")],
)
def test_a_session_within_another_cookie_opens_nothing(world: World, before: str, after: str) -> None:
    reader, article = in_trial_by_pages(world), world.articles["subscriber"][0]
    [secret] = [cookie.value for cookie in reader.cookies if cookie.name == "masthead-session"]
    stranger = world.browser().http

    def reasons(cookie: str) -> list[str]:
        presented_in = stranger.get(f"/v1/access/{article}", headers={"cookie": cookie}).json()["reason"]
        gate = stranger.get(f"/v1/gate/{article}", headers={"cookie": cookie}).headers["x-access-reason"]
        return [presented_in, gate]

    assert reasons(f"x=1; masthead-session={secret}") == ["trial", "trial"]
    smuggled = f"{before}masthead-session={secret}{after}"
    assert reasons(smuggled) == ["subscribe", "subscribe"]
    assert stranger.get("/account", headers={"cookie": smuggled}).url.path == "/sign-in"
