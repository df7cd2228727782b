"""One mail for thousands of recipients: encoded once, cut where a recipient's own values stand, and joined for each.

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
    """A mail with gaps. Each value in the body has lines of its own (`=` CRLF value `=` CRLF), so that the text around it
    never changes."""

    pieces: tuple[bytes | Place, ...]

    def join(self, values: Mapping[str, str]) -> bytes:
        """The mail for one recipient. Raises UnsafeValue, and KeyError for a value that is missing."""
        made: dict[Place, bytes] = {}
        for place in self.places:
            value = values[place.name]
            made[place] = _quoted(value) if place.quoted else _plain(value)
        return b"".join(piece if type(piece) is bytes else made[piece] for piece in self.pieces)  # type: ignore[index]

    @property
    def places(self) -> frozenset[Place]:
        """The gaps."""
        return frozenset(piece for piece in self.pieces if isinstance(piece, Place))

    def stuffed(self) -> "Segments":
        """The same with the dots at the beginnings of lines doubled for the wire (RFC 5321 section 4.5.2).

        Each piece after a value begins a line, and no value begins with a dot."""
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

    `head` holds its headers in order, ready for the wire; `marks` says which string stands for which value, in the
    headers as in both parts."""
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
    parts = re.split("(" + "|".join(map(re.escape, names)) + ")", content) if names else [content]
    for number, part in enumerate(parts):
        if part in names:
            found.append(Place(names[part], quoted))
        elif quoted:
            found.append(_encoded(part, open_end=number < len(parts) - 1))
        else:
            found.append(part.encode("ascii"))
    return found


def _encoded(content: str, *, open_end: bool) -> bytes:
    """Quoted-printable; with an `open_end` its last line leaves room for the soft break that a value begins with."""
    encoded = binascii.b2a_qp(content.encode("utf-8"), istext=True)
    encoded = re.sub(
        rb"(?<!\r)\n", b"\r\n", encoded
    )  # where the content has no line break, binascii makes its own kind
    start = encoded.rfind(b"\n") + 1
    if open_end and len(encoded) - start >= WIDTH:
        cut = start + _CUT
        while encoded[cut - 1 : cut] == b"=" or encoded[cut - 2 : cut - 1] == b"=":
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
    safe = ("=2E" + line[1:] if line.startswith(".") else line for line in lines)
    return f"={CRLF}{f'={CRLF}'.join(safe)}={CRLF}".encode("ascii")


def _plain(value: str) -> bytes:
    if not _HEADER_VALUE.fullmatch(value):
        raise UnsafeValue
    return value.encode("ascii")
