"""The log shows where an attack comes from and whom it concerns, but doesn't reveal readers to strangers."""

import hashlib
import logging
from collections.abc import Callable

import pytest

from billing.platform import logs
from billing.platform.logs import LINE, NOISY, Discreet, discreet, network_of
from tests.support.cli import run_on
from tests.support.installation import SECRET_KEY
from tests.support.world import World

ADDRESS = "thandi.mokoena@example.com"
HERE, NEIGHBOUR, THERE = "196.25.1.77", "196.25.1.78", "41.13.8.9"
NEW_KEY = "another secret for tests, made when the first leaked 9876"


@pytest.fixture
def listening(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log as the processes write it."""
    for noisy in (*NOISY, "mail.log"):
        caplog.set_level(logging.WARNING, logger=noisy)
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def behind_a_proxy(make_world: Callable[..., World]) -> World:
    return make_world(proxy_count=1)


def lines(listening: pytest.LogCaptureFixture) -> list[str]:
    return [Discreet(LINE).format(record) for record in listening.records]


def line(listening: pytest.LogCaptureFixture, *parts: str) -> str:
    found = [each for each in lines(listening) if all(part in each for part in parts)]
    assert found, f"{parts} in no line of {lines(listening)}"
    return found[-1]


def origin(line: str) -> str:
    return line.rpartition(" from=")[2].split()[0]


def test_what_happened_says_which_network_it_came_from(
    behind_a_proxy: World, listening: pytest.LogCaptureFixture
) -> None:
    world = behind_a_proxy
    browser = world.browser()
    browser.http.headers["x-forwarded-for"] = HERE
    browser.start(ADDRESS)
    browser.get("/nothing")
    browser.get("/sign-in")
    browser.post("/sign-in", email=ADDRESS)
    for parts in (
        ("consent kept",),
        ("subscription started",),
        ("refused 404",),
        ("sign-in link asked for",),
    ):
        assert origin(line(listening, *parts)).startswith("196.25.1.0/24-"), parts
    assert [each for each in lines(listening) if HERE in each or ADDRESS in each] == []


def test_one_machine_is_followed_and_its_neighbour_told_apart() -> None:
    assert network_of(HERE) == network_of(f"::ffff:{HERE}")
    assert network_of(HERE) != network_of(NEIGHBOUR)
    assert network_of(HERE).partition("-")[0] == network_of(NEIGHBOUR).partition("-")[0] == "196.25.1.0/24"
    one, other = network_of("2c0f:fb50:4002:1::5"), network_of("2c0f:fb50:4002:2::5")
    assert one != other
    assert one.partition("-")[0] == other.partition("-")[0] == "2c0f:fb50:4002::/48"
    assert network_of("no address") == network_of("") == "unknown"


def test_staffs_acts_and_their_refusals_say_it_too(
    behind_a_proxy: World, listening: pytest.LogCaptureFixture
) -> None:
    world = behind_a_proxy
    known = world.start_trial(ADDRESS)["subscription"]["id"]
    for subscription, said in (("sub_none", "refused 404"), (known, "staff extend done")):
        path = f"/v1/subscriptions/{subscription}/extend"
        world.api.post(path, json={"days": 3, "reason": "A kindness."}, headers={"x-forwarded-for": THERE})
        assert origin(line(listening, said)).startswith("41.13.8.0/24-")


def test_a_list_of_addresses_finds_nobody_in_a_leaked_log(
    behind_a_proxy: World, listening: pytest.LogCaptureFixture
) -> None:
    """An attacker with the log and the addresses, but none of our keys, hashes each address and searches for it."""
    browser = behind_a_proxy.browser()
    browser.http.headers["x-forwarded-for"] = HERE
    browser.get("/sign-in")
    browser.post("/sign-in", email=ADDRESS)
    written = "\n".join(lines(listening))
    guesses = [
        hash_(text.encode()).hexdigest()[:8]
        for text in (ADDRESS, ADDRESS.upper(), HERE)
        for hash_ in (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.blake2b)
    ]
    assert [guess for guess in guesses if guess in written] == []
    assert "address=address-" in written


def test_the_worker_says_no_request_and_no_network(world: World, listening: pytest.LogCaptureFixture) -> None:
    world.start_trial(ADDRESS)
    listening.clear()
    world.advance(days=15)
    charged = line(listening, "charge charged")
    assert " from=" not in charged
    assert " request=" not in charged


def test_the_same_person_has_one_name_in_every_process_and_after_a_rotation(world: World) -> None:
    before = logs.name_of(ADDRESS)
    assert discreet(f"to {ADDRESS.upper()}") == f"to {before}"
    world.restart(secret_key=NEW_KEY, previous_secret_keys=SECRET_KEY.replace(",", "%2C"))
    assert logs.name_of(ADDRESS) == before


def test_an_operator_asks_for_a_name(world: World) -> None:
    assert run_on(world, "log-name", f" {ADDRESS.upper()}").output.strip() == logs.name_of(ADDRESS)
    assert run_on(world, "log-name", HERE).output.strip() == network_of(HERE)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"the domain name system doesn't say whose {HERE} is", False),
        (f"GET http://{HERE}/x", False),
        (f"[{HERE}]:5432", False),
        ("2c0f:fb50:4002:1::5 broke", False),
        ("connection to server at 10.0.0.5, port 5432 failed", True),
        ("2027-03-16 07:00:00 version 16.1.0 at 00:00:00:00", True),
        ("::1 and 127.0.0.1", True),
    ],
)
def test_a_public_network_address_leaves_no_line_whole(said: str, kept: bool) -> None:
    assert (discreet(said) == said) is kept
    assert discreet(discreet(said)) == discreet(said), "a line may be made discreet twice"


def test_before_the_keys_are_known_names_are_of_this_process_alone() -> None:
    one, other = logs._Namer().tokens, logs._Namer().tokens
    assert one.list_digest(logs.NAMES, ADDRESS) != other.list_digest(logs.NAMES, ADDRESS)
