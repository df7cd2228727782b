"""The sandbox's state: tables with indexes, and a journal that lets them survive a kill."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from pathlib import Path

from billing.dev.sandbox.commit_log import CommitLog
from billing.dev.sandbox.packed_rows import PackedRows
from billing.dev.sandbox.packed_rows import Row as Row

INDEXES: dict[str, tuple[str, ...]] = {
    "customer": ("email",),
    "payment_method": ("customer",),
    "setup_intent": ("customer", "payment_method"),
    "setup_attempt": ("setup_intent",),
    "checkout.session": ("customer", "payment_intent", "setup_intent", "status"),
    "sale": (),
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "balance_transaction": ("source", "type", "payout"),
    "dispute": ("charge", "payment_intent"),
    "payout": ("status",),
    "radar.early_fraud_warning": ("charge", "payment_intent"),
    "event": ("type",),
    "file": (),
    "webhook_endpoint": (),
    "delivery": ("event",),
    "vault": (),
    "idempotency": (),
    "setting": (),
}
PACKED = ("customer", "payment_method", "setup_intent", "setup_attempt", "checkout.session", "payment_intent", "charge",
          "balance_transaction", "event")  # fmt: skip
"""Kinds with many rows that are hardly read when they are old."""
WARM_SECONDS = 10 * 86400
"""Age at which a row is packed: by then it is paid out and hardly read."""


class Table:
    """Rows by id in order of insertion, with equality indexes of sorted sequence numbers."""

    def __init__(self, indexed: tuple[str, ...]) -> None:
        self.rows = PackedRows()
        self.rising = True
        self._sequences: list[int] = []
        self._ids: list[str] = []
        """The ids of the rows in `_sequences`."""
        self._sequence_of: dict[str, int] = {}
        self._index: dict[str, dict[str, list[int]]] = {field: {} for field in indexed}
        self._values: dict[str, tuple[str | None, ...]] = {}
        """The indexed values of each row that isn't packed, since a caller may have changed the row in place."""
        self._next = 1
        self._latest = 0
        self._packed = 0

    def put(self, row: Row) -> None:
        """Add a row or update its indexes."""
        identifier, values = row["id"], self._values_of(row)
        before = self._indexed_values(identifier) if identifier in self._sequence_of else None
        if before is None:
            self._append(identifier, row)
        elif before != values:
            self._unindex(identifier)
        self.rows[identifier], self._values[identifier] = row, values
        if before != values:
            for index, value in zip(self._index.values(), values, strict=True):
                if value is not None:
                    insort(index.setdefault(value, []), self._sequence_of[identifier])

    def _values_of(self, row: Row) -> tuple[str | None, ...]:
        return tuple(row.get(field) for field in self._index)

    def _indexed_values(self, identifier: str) -> tuple[str | None, ...]:
        return self._values.get(identifier) or self._values_of(self.rows[identifier])

    def _append(self, identifier: str, row: Row) -> None:
        self._sequence_of[identifier] = self._next
        self._sequences.append(self._next)
        self._ids.append(identifier)
        self._next += 1
        created = row.get("created", self._latest)
        self.rising = self.rising and created >= self._latest
        self._latest = max(self._latest, created)

    def _unindex(self, identifier: str) -> None:
        sequence = self._sequence_of[identifier]
        for index, value in zip(self._index.values(), self._indexed_values(identifier), strict=True):
            if value is not None:
                entries = index[value]
                del entries[bisect_left(entries, sequence)]
                if not entries:
                    del index[value]

    def remove(self, identifier: str) -> None:
        """Remove a row."""
        self._unindex(identifier)
        place = bisect_left(self._sequences, self._sequence_of.pop(identifier))
        del self._sequences[place], self._ids[place], self.rows[identifier]
        self._values.pop(identifier, None)

    def pack(self, before: int) -> None:
        """Pack the rows created before `before` (epoch seconds). Each row is packed once."""
        for place in range(bisect_right(self._sequences, self._packed), len(self._sequences)):
            identifier = self._ids[place]
            if self.rows[identifier].get("created", before) >= before:
                return
            self.rows.pack(identifier)
            self._values.pop(identifier, None)
            self._packed = self._sequences[place]

    def where(self, field: str | None = None, value: str | None = None) -> list[int]:
        """The sequence numbers, oldest first, of all rows or of those with this value in an indexed field."""
        return self._sequences if field is None else self._index[field].get(value or "", [])

    def indexes(self, field: str) -> bool:
        """Whether the field is indexed."""
        return field in self._index

    def newest(self, sequences: list[int], before: str | None = None) -> Iterator[Row]:
        """Rows newest first, starting just before (older than) the row `before`."""
        stop = len(sequences) if before is None else bisect_left(sequences, self._sequence_of[before])
        for place in range(stop - 1, -1, -1):
            yield self._row(sequences[place])

    def oldest(self, sequences: list[int], after: str | None = None) -> Iterator[Row]:
        """Rows oldest first, starting just after (newer than) the row `after`."""
        start = 0 if after is None else bisect_right(sequences, self._sequence_of[after])
        for place in range(start, len(sequences)):
            yield self._row(sequences[place])

    def _row(self, sequence: int) -> Row:
        return self.rows[self._ids[bisect_left(self._sequences, sequence)]]


class Store:
    """All tables. Changes reach the journal together, at `commit`."""

    def __init__(self, path: Path | None) -> None:
        self.tables = {name: Table(indexed) for name, indexed in INDEXES.items()}
        self._changed: dict[tuple[str, str], bool] = {}
        self._journal = CommitLog(path) if path else None
        if self._journal:
            self._replay(self._journal)

    def _replay(self, journal: CommitLog) -> None:
        for kind, identifier, row in journal.read():
            if row is not None:
                self.tables[kind].put(row)
            elif identifier in self.tables[kind].rows:
                self.tables[kind].remove(identifier)
        self.compact()

    def compact(self) -> None:
        """Rewrite the journal with the present rows only."""
        if self._journal:
            self._journal.rewrite(
                (kind, identifier, row)
                for kind, table in self.tables.items()
                for identifier, row in table.rows.items()
            )

    def __getitem__(self, kind: str) -> Table:
        return self.tables[kind]

    def get(self, kind: str, identifier: str) -> Row | None:
        """The row, or None."""
        return self.tables[kind].rows.get(identifier)

    def put(self, kind: str, row: Row) -> Row:
        """Add or change a row."""
        self.tables[kind].put(row)
        if self._journal:
            self._changed[kind, row["id"]] = True
        return row

    def remove(self, kind: str, identifier: str) -> None:
        """Remove a row."""
        self.tables[kind].remove(identifier)
        if self._journal:
            self._changed[kind, identifier] = False

    def pack(self, now: int) -> None:
        """Pack old rows; `now` is in epoch seconds."""
        for kind in PACKED:
            self.tables[kind].pack(now - WARM_SECONDS)

    def commit(self) -> None:
        """Write all changes to the journal, so that they survive a kill of this process."""
        if self._journal and self._changed:
            self._journal.append((kind, row_id, self.get(kind, row_id)) for kind, row_id in self._changed)
            self._changed.clear()

    def clear(self) -> None:
        """Remove everything."""
        self.tables = {name: Table(indexed) for name, indexed in INDEXES.items()}
        self._changed.clear()
        self.compact()

    def close(self) -> None:
        """Commit and close the journal."""
        self.commit()
        if self._journal:
            self._journal.close()
