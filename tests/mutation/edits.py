"""One replacement in a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` become `new`. `variant` distinguishes edits of one kind, so that a draw has some of each."""

    start: int
    end: int
    new: str
    variant: str

    def apply(self, data: bytes) -> bytes:
        """Apply the edit to the file's bytes."""
        return data[: self.start] + self.new.encode() + data[self.end :]
