"""AccessCache is bounded, loads each entry once, and never keeps an entry that changed during its look-up."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from billing.access_cache.bounded_map import Bounded
from billing.access_cache.cache import MAX_AGE_SECONDS, UNIT, AccessCache
from billing.access_cache.entries import CachedSession
from billing.access_cache.packed_entitlements import Packer
from billing.http.cookies import value_in
from billing.rules.access import STRENGTH, Entitlement, Reason
from tests.access_cache.cache_parts import CacheParts
from tests.support.stepped_clock import SteppedClock

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)
OnFloor = Callable[..., None]
held = st.builds(
    Entitlement,
    st.sampled_from(STRENGTH),
    st.none() | st.integers(-9000, 9000).map(lambda days: AT + timedelta(days=days, microseconds=7)),
    st.frozensets(st.sampled_from(["listen", "comment", "newsletter:sport"])),
    st.booleans(),
)
paused = st.integers(0, 900).map(
    lambda days: Entitlement(
        Reason.SUBSCRIPTION, AT + timedelta(days=days), frozenset(), renews=True, ahead=True
    )
)


@given(st.booleans(), st.lists(held | paused, max_size=4).map(tuple))
def test_what_is_packed_comes_out_as_it_went_in(registered: bool, holdings: tuple[Entitlement, ...]) -> None:
    packer = Packer()
    assert packer.unpack(packer.pack(registered, holdings)) == (registered, holdings)


def test_two_caches_number_features_for_themselves() -> None:
    """As for two installations in one process; and a cache that is cleared begins again."""
    one, other = AccessCache(10, SteppedClock()), AccessCache(10, SteppedClock())
    listen, comment = (Entitlement(Reason.TRIAL, AT, frozenset({name})) for name in ("listen", "comment"))
    first = one.packer.pack(True, (listen,))
    assert one.packer.pack(True, (comment,)) != first
    assert other.packer.pack(True, (comment,)) == first
    one.clear()
    assert one.packer.pack(True, (comment,)) == first


@given(st.lists(st.integers(0, 40)))
def test_bounded_keeps_the_newest_and_never_more(names: list[int]) -> None:
    kept: Bounded[int, int] = Bounded(10)
    for number, name in enumerate(names):
        kept.keep(name, number)
        assert kept.get(name) == number
        assert len(kept) <= 10
    for name in set(names[-5:]):
        assert kept.get(name) is not None


def test_what_is_asked_for_outlives_what_is_not() -> None:
    kept: Bounded[int, int] = Bounded(100)
    kept.keep(-1, 1)
    for number in range(1_000):
        kept.keep(number, number)
        assert kept.get(-1) == 1


def insert_reader(url: str, name: str, external: str | None = None) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO reader (id, email, external_id, created_at) VALUES (%s, %s, %s, %s)",
            (name, f"{name}@example.com", external, AT),
        )


def test_a_herd_for_one_reader_makes_one_look(on_cache: OnFloor) -> None:
    async def story(parts: CacheParts) -> None:
        insert_reader(parts.url, "rdr_herd")
        await parts.invalidated(1)
        asked = [parts.loader.fill(parts.cache, ("standing", "rdr_herd"), AT) for _ in range(200)]
        assert all(await asyncio.gather(*asked))
        assert parts.loader.lookups == 1
        assert len(parts.cache.entitlements) == 1

    on_cache(story)


def test_a_look_that_raced_a_change_is_not_kept(on_cache: OnFloor) -> None:
    async def story(parts: CacheParts) -> None:
        for kind, name, change in (
            ("standing", "rdr_a", f"standing{UNIT}rdr_a"),
            ("standing", "rdr_a", "standing"),
            ("standing", "rdr_a", f"plan{UNIT}monthly"),
            ("external", "42", f"external{UNIT}41{UNIT}42"),
        ):
            look = asyncio.create_task(parts.loader.fill(parts.cache, (kind, name), AT))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            parts.cache.invalidate(
                change
            )  # as if it had been committed between the look's snapshot and its answer
            assert await look
            assert len(parts.cache.entitlements) + len(parts.cache.external_ids) == 0, change
            await parts.loader.fill(parts.cache, (kind, name), AT)
            assert len(parts.cache.entitlements) + len(parts.cache.external_ids) == 1
            parts.cache.clear()
        look = asyncio.create_task(parts.loader.fill(parts.cache, ("standing", "rdr_a"), AT))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        parts.listener.cuts += 1  # another line is heard now: what was said between the two nobody knows
        assert await look
        assert len(parts.cache.entitlements) == 0

    on_cache(story)


def test_every_change_of_what_is_remembered_is_told(on_cache: OnFloor) -> None:
    """The triggers and the cache know the same kinds."""
    changes: tuple[tuple[str, set[str]], ...] = (
        (
            "INSERT INTO reader (id, email, external_id, created_at) VALUES ('rdr_x', 'x@example.com', 'x', now())",
            {"standing rdr_x", "external x"},
        ),
        ("UPDATE reader SET external_id = 'y y'", {"standing rdr_x", "external x", "external y y"}),
        (
            "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason)"
            " VALUES ('g', 'rdr_x', now(), now(), '[]', 'command', 'a', 'b')",
            {"standing rdr_x"},
        ),
        (
            "INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)"
            " VALUES ('ses_x', repeat('ab', 32), 'rdr_x', now(), now(), '', '', true)",
            set(),
        ),
        ("UPDATE reader_session SET ended_at = now()", {f"session ses_x {'ab' * 16}"}),
        (
            "INSERT INTO api_key (id, name, key_hash, scopes, created_at)"
            " VALUES ('key_x', 'n', repeat('cd', 32), '[\"access\"]', now())",
            set(),
        ),
        (
            "UPDATE api_key SET key_hash = repeat('ef', 32), previous_hash = key_hash, previous_until = now()",
            {f"api_key {'cd' * 16}", f"api_key {'ef' * 16}"},
        ),
        (
            "UPDATE api_key SET key_hash = repeat('01', 32), previous_hash = key_hash, previous_until = now()",
            {f"api_key {each * 16}" for each in ("cd", "ef", "01")},
        ),
        ("INSERT INTO api_key_use (key_id, last_used_at) VALUES ('key_x', now())", set()),
        ("UPDATE api_key SET revoked_at = now()", {f"api_key {each * 16}" for each in ("ef", "01")}),
        ("UPDATE plan SET name = name", {"plan monthly", "plan yearly"}),
        (
            "INSERT INTO public_window (id, scope, subject, opened_at, until, reason, actor_kind, actor_id)"
            " VALUES ('o', 'site', '', now(), now() + interval '1 day', 'r', 'command', 'b')",
            {"public_window "},
        ),
        (
            "INSERT INTO section_policy (section, at, access, actor_kind, actor_id) VALUES ('Town', now(), 'free', 'command', 'b')",
            {"section_policy Town"},
        ),
    )

    async def story(parts: CacheParts) -> None:
        notices: list[str] = []
        receive = parts.listener.invalidate

        def listen(payload: str) -> None:
            kind, *names = payload.split(UNIT)
            notices.extend(f"{kind} {name}" for name in names)
            receive(payload)

        parts.listener.invalidate = listen
        for statement, expected in changes:
            notices.clear()
            async with await psycopg.AsyncConnection.connect(parts.url, autocommit=True) as connection:
                await connection.execute(statement.encode())
                assert await parts.listener.catch_up(connection)
            assert set(notices) == expected, statement

    on_cache(story)


def test_thousands_of_changes_at_once_fit_into_few_words(on_cache: OnFloor) -> None:
    async def story(parts: CacheParts) -> None:
        async with await psycopg.AsyncConnection.connect(parts.url, autocommit=True) as connection:
            for number in range(3_000):
                parts.cache.keep_entitlements(f"rdr_{number:026d}", 1)
            kept = len(parts.cache.entitlements)
            assert kept > 500
            await connection.execute(
                "INSERT INTO reader (id, email, created_at)"
                " SELECT 'rdr_' || lpad(n::text, 26, '0'), n || '@example.com', now() FROM generate_series(0, 2999) n"
            )
            assert await parts.listener.catch_up(connection)
            assert parts.cache.invalidations == 3_000
            assert len(parts.cache.entitlements) == 0
            parts.cache.keep_entitlements("rdr_other", 1)
            odd = "\x1f" + "x" * 10
            await connection.execute(
                "INSERT INTO reader (id, email, created_at) VALUES (%s, 'odd@example.com', now())", (odd,)
            )
            assert await parts.listener.catch_up(connection)
            assert len(parts.cache.entitlements) == 0, "a name that could not be told apart forgets all"

    on_cache(story, most=2_000)


def test_a_seat_never_holds_what_nobody_would_be_told_of() -> None:
    cache = AccessCache(10, SteppedClock())
    cache.keep_entitlements("rdr_a", 5)
    seat, other = CachedSession("rdr_a", 0), CachedSession("rdr_a", 0)
    assert (cache.held_in(seat), seat.held) == (5, 5)
    cache.invalidate(f"standing{UNIT}rdr_a")
    assert seat.held is None
    cache.keep_entitlements("rdr_a", 6)
    assert cache.held_in(seat) == 6
    assert cache.held_in(other) == 6
    assert seat.held is None, "one at a time has it at hand: the other would not be told of a change"
    for number in range(20):
        cache.keep_entitlements(f"rdr_{number}", number)
    assert seat.generation != cache.entitlements.generation, (
        "there was no room for what it holds: it may not be believed"
    )
    assert cache.held_in(seat) is None


def test_a_seat_is_believed_to_the_second() -> None:
    cache = AccessCache(10, SteppedClock())
    cache.keep_session(b"digest", "rdr_a", 6_059.7)
    seat = cache.sessions.get(b"digest")
    assert seat is not None
    assert seat.until == 6_059, "not a minute less: until then nobody else would take up the visit either"


def test_a_day_of_silence_is_bounded_by_the_belt() -> None:
    clock = SteppedClock()
    cache = AccessCache(10, clock)
    cache.keep_entitlements("rdr_a", 5)
    assert cache.held_by("rdr_a", clock.seconds()) == 5
    clock.step(MAX_AGE_SECONDS)
    assert cache.held_by("rdr_a", clock.seconds()) == 5
    clock.step(1)
    assert cache.held_by("rdr_a", clock.seconds()) is None
    cache.keep_entitlements("rdr_a", 6)
    assert cache.held_by("rdr_a", clock.seconds()) == 6


def test_a_cookie_is_found_where_a_cookie_stands() -> None:
    name = b"masthead-session="
    for header, value in (
        (b"masthead-session=a", b"a"),
        (b"x=1; masthead-session=a; y=2", b"a"),
        (b"masthead-session=a;masthead-session=b", b"b"),
        (b"not-masthead-session=a", b""),
        (b"masthead-session=a; not-masthead-session=b", b"a"),
        (b"x=masthead-session=a", b""),
        (b"x=1 masthead-session=a", b""),
        (b"x=1;\t masthead-session=a\t; y", b"a"),
        (b"masthead-session=", b""),
        (b"masthead-session=\xe9", b""),
        (b"masthead-session=a\x01b", b""),
        (b"", b""),
        (b"masthead-session", b""),
    ):
        assert value_in(header, name) == value, header
