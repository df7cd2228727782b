"""A bounded map: entries stay until they are dropped or others need the room."""

from collections.abc import Callable
from typing import Generic, TypeVar

Name = TypeVar("Name")
Kept = TypeVar("Kept")


class _Generation(dict[Name, Kept | None]):
    """Entries kept or read lately; `older` finds all others."""

    __slots__ = ("older",)

    def __init__(self, older: Callable[[Name], Kept | None]) -> None:
        super().__init__()
        self.older = older

    def __missing__(self, name: Name) -> Kept | None:
        return self.older(name)


class Bounded(Generic[Name, Kept]):
    """At most so many entries. Evicts those not read lately, a generation at a time.

    Two dicts and no list of uses: a read costs no more than a dict's."""

    __slots__ = ("_most", "_old", "_young", "generation", "get")

    get: Callable[[Name], Kept | None]
    """The entry, or None. The dict's own method: it is called several times a request."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most // 2)
        self.generation = 0
        """Counts the generations: an entry of one is still there throughout the next."""
        self.clear()

    def keep(self, name: Name, value: Kept) -> None:
        """Keep it; evicts the older half when there is no room."""
        if len(self._young) >= self._most and name not in self._young:
            self._begin(self._young)
        self._young[name] = value

    def drop(self, name: Name) -> Kept | None:
        """Remove and return it."""
        young, old = self._young.pop(name, None), self._old.pop(name, None)
        return old if young is None else young

    def clear(self) -> None:
        """Remove everything."""
        self._begin({})

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def values(self) -> list[Kept]:
        """All entries."""
        return [value for kept in (self._young, self._old) for value in kept.values() if value is not None]

    def _begin(self, old: dict[Name, Kept | None]) -> None:
        """Begin a generation; entries of the one before move over when they are read."""
        self.generation += 1
        self._old = old
        self._young = _Generation(self._again)
        self.get = self._young.__getitem__

    def _again(self, name: Name) -> Kept | None:
        found = self._old.pop(name, None)
        if found is not None:
            self.keep(name, found)
        return found
