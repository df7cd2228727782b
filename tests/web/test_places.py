"""Places and their queue, step by step on an event loop."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from billing.http.shares import Places, TakenPlace

Story = Callable[[], Coroutine[None, None, None]]


def run(story: Story) -> None:
    asyncio.run(story())


async def a_turn_of_the_loop() -> None:
    await asyncio.sleep(0)


def test_a_party_at_its_share_lets_others_pass_it_in_the_queue() -> None:
    async def story() -> None:
        places = Places(2, 4)
        assert await places.take("crowd")
        crowd = asyncio.create_task(places.take("crowd"))
        await a_turn_of_the_loop()
        assert (places.running, places.waiting) == (1, 1), "half of two is one"
        assert await places.take("other")
        third = asyncio.create_task(places.take("third"))
        await a_turn_of_the_loop()
        places.give_up("other")
        assert await third
        assert not crowd.done()
        places.give_up("crowd")
        assert await crowd
        for party in ("crowd", "third"):
            places.give_up(party)
        assert (places.running, places.waiting) == (0, 0)

    run(story)


def test_behind_a_full_queue_nobody_waits() -> None:
    async def story() -> None:
        places = Places(1, 1, shares=False)
        assert await places.take("one")
        waits = asyncio.create_task(places.take("two"))
        await a_turn_of_the_loop()
        assert not await places.take("three")
        places.give_up("one")
        assert await waits

    run(story)


@pytest.mark.parametrize("is_granted", [False, True])
def test_who_goes_away_while_waiting_takes_no_place_along(is_granted: bool) -> None:
    """Also who got the place in the very moment of going."""

    async def story() -> None:
        places = Places(1, 2, shares=False)
        assert await places.take("one")
        goes = asyncio.create_task(places.take("two"))
        await a_turn_of_the_loop()
        if is_granted:
            places.give_up("one")
        goes.cancel()
        with pytest.raises(asyncio.CancelledError):
            await goes
        if not is_granted:
            places.give_up("one")
        assert (places.running, places.waiting) == (0, 0)
        assert await places.take("two")

    run(story)


def test_no_time_to_wait_is_no_place() -> None:
    async def story() -> None:
        places = Places(1, 2, shares=False)
        assert await places.take("one", 0), "a free place needs no time"
        assert not await places.take("two", 0)
        assert (places.running, places.waiting) == (1, 0)

    run(story)


def test_a_place_is_given_up_once() -> None:
    async def story() -> None:
        places = Places(2, 0, shares=False)
        assert await places.take("one")
        assert await places.take("two")
        place = TakenPlace(places, "one")
        place.give_up()
        place.give_up()
        assert places.running == 1

    run(story)
