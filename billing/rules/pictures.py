"""Pictures that are shown to readers: which SVG and PNG files may be, and how large they are. Nothing is mended; a file is refused."""

from dataclasses import dataclass
from enum import StrEnum

MOST_BYTES = 32 * 1024
"""A page weighs less than 45 kB without its logo, and must stay readable on a slow phone."""
MOST_PIXELS = 2000
"""The longest side of a PNG."""
WIDEST = 10
"""How many times as wide as high, or as high as wide, a logo may be."""


class PictureKind(StrEnum):
    """The form of a picture's file."""

    SVG = "svg"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return "image/svg+xml" if self is PictureKind.SVG else "image/png"


class BadPicture(ValueError):
    """The file is no picture that may be shown; the message says why."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height: pixels of a PNG, units of an SVG."""

    width: float
    height: float

    def __post_init__(self) -> None:
        """Raises BadPicture."""
        if not 0 < self.width < 100_000 or not 0 < self.height < 100_000:
            raise BadPicture("its width and height must be numbers above 0")
        if max(self.width / self.height, self.height / self.width) > WIDEST:
            raise BadPicture(f"one side is more than {WIDEST} times as long as the other")

    @property
    def is_square(self) -> bool:
        """Whether it may be an icon."""
        return self.width == self.height

    def at_height(self, height: int) -> int:
        """The width in whole pixels at this height."""
        return max(1, round(height * self.width / self.height))


def kind_of(content: bytes) -> PictureKind:
    """SVG or PNG, by the file's first bytes. Raises BadPicture."""
    if len(content) > MOST_BYTES:
        raise BadPicture(f"it has {len(content) // 1024 + 1} kB, and may have {MOST_BYTES // 1024}")
    if content.startswith(b"\x89PNG"):
        return PictureKind.PNG
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return PictureKind.SVG
    raise BadPicture("it is neither an SVG nor a PNG")
