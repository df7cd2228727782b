"""Places for concurrent calls, and the share of them that one party may have. Used on the event loop only."""

import asyncio
from collections import Counter, deque


class Places:
    """So many calls at once, and so many that wait for their turn. With `shares`, one party gets at most half of each."""

    def __init__(self, at_once: int, waiting: int, *, shares: bool = True) -> None:
        most, part = at_once + waiting, 2 if shares else 1
        self._most, self._each = most, most // part
        self._at_once, self._each_at_once = at_once, at_once // part
        self._inside: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._queue: deque[tuple[str, asyncio.Future[None]]] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        """The number of calls that wait for their turn."""
        return len(self._queue)

    async def take(self, party: str, seconds: float | None = None) -> bool:
        """Whether the party got a place, which it must give up. Not where the queue is full, or no place comes free in time."""
        if self.running + self.waiting >= self._most or self._inside[party] >= self._each:
            return False
        self._inside[party] += 1
        if self._has_room(party):
            self._begin(party)
            return True
        waits = (party, asyncio.get_running_loop().create_future())
        self._queue.append(waits)
        try:
            async with asyncio.timeout(seconds):
                await waits[1]
        except TimeoutError:
            self._leave(*waits)
            return False
        except asyncio.CancelledError:
            self._leave(*waits)
            raise
        return True

    def give_up(self, party: str) -> None:
        """Free a place of this party, for the first in the queue whose party has not its share already."""
        self.running -= 1
        _subtract(self._running, party)
        _subtract(self._inside, party)
        for waits in tuple(self._queue):
            if self.running >= self._at_once:
                return
            next_party, turn = waits
            if self._has_room(next_party) and not turn.done():
                self._queue.remove(waits)
                self._begin(next_party)
                turn.set_result(None)

    def _has_room(self, party: str) -> bool:
        return self.running < self._at_once and self._running[party] < self._each_at_once

    def _begin(self, party: str) -> None:
        self.running += 1
        self._running[party] += 1

    def _leave(self, party: str, turn: asyncio.Future[None]) -> None:
        """End the wait of a call. It may have got its turn in the moment in which it ended."""
        if turn.done() and not turn.cancelled():
            self.give_up(party)
        else:
            self._queue.remove((party, turn))
            _subtract(self._inside, party)


class TakenPlace:
    """One place that a call has taken. It may be given up more than once."""

    __slots__ = ("_party", "_places")

    def __init__(self, places: Places, party: str) -> None:
        self._places: Places | None = places
        self._party = party

    def give_up(self) -> None:
        """Let another in."""
        if self._places is not None:
            places, self._places = self._places, None
            places.give_up(self._party)


def _subtract(counter: Counter[str], party: str) -> None:
    """One fewer; a party with none isn't kept."""
    counter[party] -= 1
    if not counter[party]:
        del counter[party]
