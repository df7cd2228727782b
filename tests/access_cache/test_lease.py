"""How long the access cache is trusted after the last notification."""

from collections.abc import Callable

import psycopg
import pytest

from billing.access_cache.change_listener import LEASE, ChangeListener
from tests.access_cache.cache_parts import CacheParts
from tests.support.stepped_clock import SteppedClock


def believed(line: ChangeListener) -> bool:
    """Asked anew each time."""
    return line.is_fresh


def test_a_word_is_believed_for_a_second_from_when_it_was_said() -> None:
    clock, cuts = SteppedClock(), list[str]()
    line = ChangeListener("", lambda _: None, lambda: cuts.append("cut"), clock)
    assert not believed(line), "nothing was heard yet"
    said = clock.seconds()
    clock.step(0.4)
    line._on_notice(psycopg.Notify(line.name, repr(said), 1))
    assert line.lag == pytest.approx(0.4)
    assert believed(line)
    clock.step(LEASE - 0.41)
    assert believed(line)
    clock.step(0.02)
    assert not believed(line), "the time that the word took counts"
    line._on_notice(psycopg.Notify(line.name, repr(clock.seconds()), 1))
    assert believed(line)
    line._cut()
    assert not believed(line)
    assert cuts == ["cut"]


def test_a_line_that_was_silent_is_believed_again_at_its_next_word(on_cache: Callable[..., None]) -> None:
    async def story(parts: CacheParts) -> None:
        parts.clock.step(LEASE)
        assert not parts.listener.is_fresh
        await parts.until_up()

    on_cache(story)
