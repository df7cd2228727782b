"""Bounded memory: what was looked up, until it changes, an hour passes, or others need the room."""

from collections.abc import Callable
from typing import Generic, TypeVar

Name = TypeVar("Name")
Kept = TypeVar("Kept")


class _Generation(dict[Name, Kept | None]):
    """Names that were kept or asked for lately; `older` says what is kept by all others."""

    __slots__ = ("older",)

    def __init__(self, older: Callable[[Name], Kept | None]) -> None:
        super().__init__()
        self.older = older

    def __missing__(self, name: Name) -> Kept | None:
        return self.older(name)


class Bounded(Generic[Name, Kept]):
    """At most so many names. Those that nobody asks for go first, a generation at a time: two dicts and no list of uses,
    so asking costs no more than a dict does."""

    __slots__ = ("_most", "_old", "_young", "get", "turn")

    get: Callable[[Name], Kept | None]
    """What is kept by the name. The dict's own method, as it is asked several times a request."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most // 2)
        self.turn = 0
        """Counts the generations: what is kept in one is still kept throughout the next."""
        self.clear()

    def keep(self, name: Name, value: Kept) -> None:
        """Keep it; half of the names go when there is no room, those that were asked for least lately."""
        if len(self._young) >= self._most and name not in self._young:
            self._begin(self._young)
        self._young[name] = value

    def drop(self, name: Name) -> Kept | None:
        """Forget it; what it was."""
        young, old = self._young.pop(name, None), self._old.pop(name, None)
        return old if young is None else young

    def clear(self) -> None:
        """Forget all."""
        self._begin({})

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def values(self) -> list[Kept]:
        """All that is kept."""
        return [one for kept in (self._young, self._old) for one in kept.values() if one is not None]

    def _begin(self, old: dict[Name, Kept | None]) -> None:
        """A new generation; of the one before what is asked for comes back."""
        self.turn += 1
        self._old = old
        self._young = _Generation(self._again)
        self.get = self._young.__getitem__

    def _again(self, name: Name) -> Kept | None:
        found = self._old.pop(name, None)
        if found is not None:
            self.keep(name, found)
        return found
