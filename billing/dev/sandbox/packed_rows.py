"""Rows by id. Old ones are kept small: packed, and unpacked for whoever asks. A year of charges fits in a tenth of the memory."""

import json
import zlib
from collections.abc import Iterator, MutableMapping
from typing import Any

Row = dict[str, Any]
LEVEL = 6


class PackedRows(MutableMapping[str, Row]):
    """A mapping from ids to rows, in the order they came. A row that is packed is another object each time it is read: whoever
    changes it puts it back, as the journal demands anyway."""

    def __init__(self) -> None:
        self._held: dict[str, Row | bytes] = {}
        self._pattern = b""
        """The first row that was packed: the others are much the same, and are kept as what is different in them."""

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
        """Keep this row small from now on, until it is put anew."""
        held = self._held[identifier]
        if not isinstance(held, bytes):
            plain = json.dumps(held).encode()
            self._pattern = self._pattern or plain
            packer = zlib.compressobj(LEVEL, zdict=self._pattern)
            self._held[identifier] = packer.compress(plain) + packer.flush()

    def _unpacked(self, packed: bytes) -> bytes:
        return zlib.decompressobj(zdict=self._pattern).decompress(packed)
