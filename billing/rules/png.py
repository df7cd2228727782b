"""Reads a PNG chunk by chunk (ISO/IEC 15948): one still picture, whole, and with nothing behind it."""

import zlib
from collections.abc import Iterator

from billing.rules.pictures import MOST_PIXELS, BadPicture, Size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by colour type."""
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample, by colour type."""
CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
ANIMATED = (b"acTL", b"fcTL", b"fdAT")


def png_size(content: bytes) -> Size:
    """The size of the picture, whose data is unpacked once. Raises BadPicture."""
    chunks = list(_chunks(content))
    names = [name for name, _ in chunks]
    if not names or names[0] != b"IHDR" or names.count(b"IHDR") != 1 or b"IDAT" not in names:
        raise BadPicture("this PNG doesn't begin as one does")
    if any(name in ANIMATED for name in names):
        raise BadPicture("an animated PNG can't be a logo")
    # a capital first letter marks a chunk that a program must understand
    if any(name[0] < 0x60 and name not in CRITICAL for name in names):
        raise BadPicture("this PNG has a part that no program needs to know")
    size, row_bytes = _header(chunks[0][1])
    _unpack(b"".join(data for name, data in chunks if name == b"IDAT"), row_bytes * int(size.height))
    return size


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk with its name; the checksum of each is right, and the last one ends the file."""
    if not content.startswith(SIGNATURE):
        raise BadPicture("this PNG doesn't begin as one does")
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        length = int.from_bytes(content[at : at + 4])
        name, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        checksum = content[at + 8 + length : at + 12 + length]
        if len(checksum) < 4 or zlib.crc32(name + data) != int.from_bytes(checksum):
            raise BadPicture("this PNG is cut off or damaged")
        yield name, data
        at += 12 + length
    if at != len(content):
        raise BadPicture("something stands behind the end of this PNG")


def _header(header: bytes) -> tuple[Size, int]:
    """The size, and the bytes of a row with its filter."""
    if len(header) != 13:
        raise BadPicture("this PNG doesn't begin as one does")
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    depth, colour_type, packing, filtering, interlaced = header[8:]
    if depth not in DEPTHS.get(colour_type, ()) or packing or filtering:
        raise BadPicture("this PNG has a form that no program needs to know")
    if interlaced:
        raise BadPicture("this PNG is interlaced; save it without")
    if max(width, height) > MOST_PIXELS:
        raise BadPicture(f"it is {width} by {height} pixels, and may be {MOST_PIXELS} at most")
    return Size(width, height), 1 + (width * SAMPLES[colour_type] * depth + 7) // 8


def _unpack(packed: bytes, expected: int) -> None:
    """Unpack no more than is expected: a small file may hold gigabytes."""
    unpacking = zlib.decompressobj()
    try:
        found = len(unpacking.decompress(packed, expected + 1))
    except zlib.error:
        found = -1
    if found != expected:
        raise BadPicture("this PNG is cut off or damaged")
