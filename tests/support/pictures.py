"""Makes small PNG files, right and wrong ones."""

import zlib

from billing.rules.png import SAMPLES, SIGNATURE


def chunk(name: bytes, data: bytes) -> bytes:
    """A part of a PNG with its checksum."""
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)


def png(
    width: int,
    height: int,
    *,
    colour_type: int = 2,
    depth: int = 8,
    interlaced: int = 0,
    rows: int | None = None,
) -> bytes:
    """A black picture; `rows` that are not as many as its height make it a wrong one."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour_type, 0, 0, interlaced])
    row = bytes(1 + (width * SAMPLES[colour_type] * depth + 7) // 8)
    data = zlib.compress(row * (height if rows is None else rows))
    palette = chunk(b"PLTE", bytes(3)) if colour_type == 3 else b""
    return SIGNATURE + chunk(b"IHDR", header) + palette + chunk(b"IDAT", data) + chunk(b"IEND", b"")
