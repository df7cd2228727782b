"""The database restarts, or a standby takes over, while a worker holds mails: its claims are lost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from billing.timetable import Queue, tick
from tests.support.lost_claims import another_worker, lose_claims
from tests.support.world import World

ELSEWHERE = "UPDATE installation SET home = 'somewhere else'"


def _trials(world: World, count: int) -> list[str]:
    """Readers whose first mails wait, in the order of sending."""
    for number in range(count):
        world.start_trial(f"r{number}@example.com", f"pm_card_visa__{number}")
    return [
        row["recipient"] for row in world.rows("SELECT recipient FROM message ORDER BY next_attempt_at, id")
    ]


def _ask_for_link(world: World, email: str) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=email)


def _sent(world: World) -> Counter[str]:
    return Counter(to for mail in world.smtp.received for to in mail.recipients)


def _send(world: World) -> None:
    tick(world.services, queue=Queue.MAIL)


def test_a_worker_whose_claims_are_lost_sends_nothing_that_another_has_in_hand(world: World) -> None:
    first, second, *others = _trials(world, 4)
    on_the_wire, gave_up = Event(), Event()

    def the_other_is_slow() -> None:
        on_the_wire.set()
        assert gave_up.wait(30), "the first worker's run ends"

    with ThreadPoolExecutor(1) as other:

        def the_database_restarts() -> None:
            lose_claims(world.services.database)
            other.submit(tick, another_worker(world), queue=Queue.MAIL)
            assert on_the_wire.wait(30), "the second worker has come to the second mail"

        world.smtp.meanwhile(the_database_restarts, at="dot", to=first)
        world.smtp.meanwhile(the_other_is_slow, at="dot", to=second)
        _send(world)
        gave_up.set()
    assert _sent(world) == {first: 2, **dict.fromkeys([second, *others], 1)}, (
        "twice is only what was on the wire"
    )
    states = world.rows("SELECT DISTINCT state, claimed_by FROM message")
    assert states == [{"state": "accepted", "claimed_by": None}]


def test_the_first_answer_of_a_relay_that_took_a_mail_twice_counts(world: World) -> None:
    (email,) = _trials(world, 1)
    taken_at = world.now

    def the_database_restarts() -> None:
        lose_claims(world.services.database)
        tick(another_worker(world), queue=Queue.MAIL)
        world.skip_to(taken_at.replace(minute=30))

    world.smtp.meanwhile(the_database_restarts, at="dot", to=email)
    _send(world)
    assert world.rows("SELECT accepted_at FROM message") == [{"accepted_at": taken_at}]


def test_a_worker_whose_claims_are_lost_leaves_what_it_held_to_the_next_run(world: World) -> None:
    first, *others = _trials(world, 3)
    world.smtp.meanwhile(lambda: lose_claims(world.services.database), at="dot", to=first)
    _send(world)
    assert _sent(world) == {first: 1}
    _send(world)
    assert _sent(world) == {first: 1, **dict.fromkeys(others, 1)}


def test_after_a_failover_only_links_to_sign_in_with_go_on(world: World) -> None:
    first, *_ = _trials(world, 3)

    def a_standby_takes_over() -> None:
        world.execute(ELSEWHERE)
        lose_claims(world.services.database)

    world.smtp.meanwhile(a_standby_takes_over, at="dot", to=first)
    _send(world)
    _ask_for_link(world, "waits@example.com")
    _send(world)
    assert _sent(world) == {first: 1, "waits@example.com": 1}


def test_what_holds_mail_is_asked_before_each_batch(world: World) -> None:
    emails = _trials(world, 3)
    _ask_for_link(world, "waits@example.com")
    world.smtp.meanwhile(lambda: world.execute(ELSEWHERE), at="dot", to="waits@example.com")
    _send(world)
    assert _sent(world) == {"waits@example.com": 1}, "the link is a batch of its own"
    queued = world.rows("SELECT recipient FROM message WHERE state = 'queued' ORDER BY next_attempt_at, id")
    assert [row["recipient"] for row in queued] == emails
