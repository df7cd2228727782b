"""Reads the Containerfile."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Containerfile:
    """A Containerfile's instructions in order, each with its words, lines joined."""

    instructions: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path = ROOT / "Containerfile") -> "Containerfile":
        """Read a file."""
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
        split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
        return cls(tuple((name, words) for name, words in split))

    def all(self, name: str) -> list[str]:
        """The words of every instruction of this name."""
        return [words for found, words in self.instructions if found == name]

    def last(self, name: str) -> str:
        """The words of the last instruction of this name, which is the image's."""
        return self.all(name)[-1]

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(pair.split("=", 1) for words in self.all("ENV") for pair in words.split())

    @cached_property
    def entrypoint(self) -> list[str]:
        """What every command begins with."""
        return list(json.loads(self.last("ENTRYPOINT")))

    @cached_property
    def health_check(self) -> list[str]:
        """The command whose exit status is 0 for a healthy web process."""
        return list(json.loads(self.last("HEALTHCHECK").partition("CMD ")[2]))
