"""One replacement in a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` become `new`. `variant` tells edits of one kind apart, so that a draw has some of each."""

    start: int
    end: int
    new: str
    variant: str

    def apply(self, data: bytes) -> bytes:
        """The file with the edit."""
        return data[: self.start] + self.new.encode() + data[self.end :]
