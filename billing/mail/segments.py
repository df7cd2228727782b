"""One mail for thousands of recipients: encoded once, cut at the recipient's own values, and joined for each.

Joining costs microseconds; rendering, inlining and encoding for each recipient costs milliseconds."""

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from billing.mail.mime import CRLF, body_lines, boundary_of, part_head
from billing.platform.errors import Invalid

WIDTH = 76
"""Octets in a line of quoted-printable, its soft break included (RFC 2045 section 6.7)."""
_CUT = 70
"""Octets in a line that we break ourselves."""
_OWN_WORDS = re.compile(r"[A-Za-z0-9:/._~%+@\[\]-]+")
_HEADER_VALUE = re.compile(r"[!-~]+")


class UnsafeValue(Invalid):
    """What is put into a mail for one recipient must be an address or a link of plain characters."""

    code = "unsafe_value"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a recipient's own value: `quoted` in the body, plain in a header."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Segments:
    """A mail with gaps. Each value in the body has lines of its own (`=` CRLF value `=` CRLF), so the text around it stays."""

    pieces: tuple[bytes | Place, ...]

    def join(self, values: Mapping[str, str]) -> bytes:
        """The mail for one recipient. Raises UnsafeValue, and KeyError for a missing value."""
        made = {place: (_quoted if place.quoted else _plain)(values[place.name]) for place in self.places}
        return b"".join(made[piece] if isinstance(piece, Place) else piece for piece in self.pieces)

    @property
    def places(self) -> frozenset[Place]:
        """The gaps."""
        return frozenset(piece for piece in self.pieces if isinstance(piece, Place))

    def stuffed(self) -> "Segments":
        """Double the dots at the beginnings of lines for the wire (RFC 5321 section 4.5.2).

        Pieces can be treated one by one: each after a value begins a line, and no value begins with a dot."""
        return Segments(
            tuple(
                piece if isinstance(piece, Place) else re.sub(rb"(?m)^\.", b"..", piece)
                for piece in self.pieces
            )
        )


def compile_mail(
    head: Iterable[tuple[str, str]], *, text: str, html: str, marks: Mapping[str, str]
) -> Segments:
    """A multipart/alternative mail, text first (H14), in quoted-printable (H15).

    `head` holds the headers in order, ready for the wire. `marks` maps each value's name to the string that stands for it."""
    boundary = boundary_of(f"{text}\0{html}")
    lines = [
        *head,
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;{CRLF} boundary="{boundary}"'),
    ]
    pieces: list[bytes | Place] = []
    for name, value in lines:
        pieces += _split(f"{name}: {value}{CRLF}", marks, quoted=False)
    for subtype, content in (("plain", text), ("html", html)):
        pieces.append(f"{CRLF}{part_head(subtype, boundary)}".encode())
        pieces += _split(body_lines(content), marks, quoted=True)
    pieces.append(f"{CRLF}--{boundary}--{CRLF}".encode())
    return Segments(tuple(_merged(pieces)))


def _split(content: str, marks: Mapping[str, str], *, quoted: bool) -> list[bytes | Place]:
    names = {mark: name for name, mark in marks.items()}
    found: list[bytes | Place] = []
    parts = re.split(f"({'|'.join(map(re.escape, names))})", content) if names else [content]
    for number, part in enumerate(parts):
        if part in names:
            found.append(Place(names[part], quoted))
        elif quoted:
            found.append(_encoded(part, open_end=number < len(parts) - 1))
        else:
            found.append(part.encode("ascii"))
    return found


def _encoded(content: str, *, open_end: bool) -> bytes:
    """Quoted-printable. With an `open_end`, the last line leaves room for the soft break before a value."""
    encoded = binascii.b2a_qp(content.encode("utf-8"), istext=True)
    # where the content has no line break, binascii ends lines with LF
    encoded = re.sub(rb"(?<!\r)\n", b"\r\n", encoded)
    start = encoded.rfind(b"\n") + 1
    if open_end and len(encoded) - start >= WIDTH:
        cut = start + _CUT
        while b"=" in encoded[cut - 2 : cut]:  # never within an escape such as =3D
            cut -= 1
        encoded = encoded[:cut] + b"=\r\n" + encoded[cut:]
    return encoded


def _merged(pieces: Iterable[bytes | Place]) -> list[bytes | Place]:
    merged: list[bytes | Place] = []
    for piece in pieces:
        if isinstance(piece, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _quoted(value: str) -> bytes:
    if not _OWN_WORDS.fullmatch(value):
        raise UnsafeValue
    lines = [value[at : at + _CUT] for at in range(0, len(value), _CUT)]
    # `stuffed` doubles no dots in values, so none of their lines may begin with one
    safe = ("=2E" + line[1:] if line.startswith(".") else line for line in lines)
    return f"={CRLF}{f'={CRLF}'.join(safe)}={CRLF}".encode("ascii")


def _plain(value: str) -> bytes:
    if not _HEADER_VALUE.fullmatch(value):
        raise UnsafeValue
    return value.encode("ascii")
