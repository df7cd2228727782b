"""Bounded memory: what was looked up, until it changes, an hour passes, or others need the room."""

from typing import Generic, TypeVar

Name = TypeVar("Name")
Kept = TypeVar("Kept")


class Bounded(Generic[Name, Kept]):
    """At most so many names. Those that nobody asks for go first, a generation at a time: two dicts and no list of uses,
    so asking costs no more than a dict does."""

    __slots__ = ("_most", "_old", "_young")

    def __init__(self, most: int) -> None:
        self._most = max(1, most // 2)
        self._young: dict[Name, Kept] = {}
        self._old: dict[Name, Kept] = {}

    def get(self, name: Name) -> Kept | None:
        """What is kept by the name."""
        found = self._young.get(name)
        if found is None and self._old:
            found = self._old.pop(name, None)
            if found is not None:
                self.keep(name, found)
        return found

    def keep(self, name: Name, value: Kept) -> None:
        """Keep it; half of the names go when there is no room, those that were asked for least lately."""
        self._young[name] = value
        if len(self._young) > self._most:
            del self._young[name]
            self._old, self._young = self._young, {name: value}

    def drop(self, name: Name) -> None:
        """Forget it."""
        self._young.pop(name, None)
        self._old.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._young, self._old = {}, {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def values(self) -> list[Kept]:
        """All that is kept."""
        return [*self._young.values(), *self._old.values()]
