"""An entry of the register: an export reads its `select`, an erasure runs its `erasing`, the doctor asks its `left_over`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTICE = "jsonb_strip_nulls(jsonb_build_object('which', fields->'which', 'charge_on', fields->'charge_on'))"
"""Of a mail's fields only which notice it was, and of which day: it proves that a charge was announced (CARD-4)."""
BLANKS = {
    "''": "{0} <> ''",
    "NULL": "{0} IS NOT NULL",
    "'{}'": "{0} <> '{{}}'",
    "'[]'": "{0} <> '[]'",
    NOTICE: "{0} - ARRAY['which', 'charge_on'] <> '{{}}'",
}
"""What a column can be blanked to, with the condition for one that isn't."""


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table with rows of readers.

    `by_id` finds a reader's rows by `:reader_id`, `by_address` also those that have only the address, `:address` in lower case.
    An erasure deletes the rows, or blanks the columns of `blank`, each to an SQL value; but for the rows that `stay`. `keep`: text
    that stays, by the columns' names in one string, with the reason as the reader reads it. `also`: columns that an erasure
    sets besides, which aren't personal. `retention`: why no rule deletes old rows, where none does. `made`: the column with a row's
    moment, where there may be rows after an erasure, as of a late dispute. `whole`: what finds all of the reader's rows, where
    `by_id` finds only those that an erasure changes. `counted`: a statement that counts the deleted rows, named `gone`, without
    their reader."""

    table: str
    what: str
    by_id: str
    by_address: str = ""
    delete: bool = False
    stay: str = ""
    blank: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    retention: str = ""
    made: str = ""
    whole: str = ""
    counted: str = ""

    @property
    def of_reader(self) -> str:
        """SQL condition: the row is this reader's."""
        return f"({self.by_id} OR {self.by_address})" if self.by_address else f"({self.by_id})"

    @property
    def select(self) -> str:
        """All of a reader's rows, for `:reader_id` and `:address`."""
        return f"SELECT * FROM {self.table} WHERE {self.whole or self.of_reader}"  # noqa: S608 - names of our own

    @property
    def kept(self) -> Mapping[str, str]:
        """The reason for each column that stays."""
        return {column: reason for columns, reason in self.keep.items() for column in columns.split()}

    @property
    def erasing(self) -> str:
        """The statement that erases a reader's rows, for `:reader_id`, `:address`, `:at` and `:zone`; empty where all of it stays."""
        if self.delete:
            deleted = f"DELETE FROM {self.table} WHERE {self.of_reader} AND NOT ({self.stay or 'false'})"  # noqa: S608
            return f"WITH gone AS ({deleted} RETURNING *) {self.counted}" if self.counted else deleted
        values = {**self.blank, **self.also}
        if not values:
            return ""
        changes = ", ".join(f"{column} = {value}" for column, value in values.items())
        but = f" AND NOT ({self.stay})" if self.stay else ""
        return f"UPDATE {self.table} SET {changes} WHERE {self.of_reader}{but}"  # noqa: S608

    @property
    def left_over(self) -> str:
        """SQL condition: the row holds what an erasure takes away; empty where nothing is taken."""
        if self.delete:
            return f"NOT ({self.stay or 'false'})"
        parts = (BLANKS[value].format(column) for column, value in self.blank.items() if value in BLANKS)
        left = " OR ".join(parts)
        return f"({left}) AND NOT ({self.stay})" if left and self.stay else left

    def left_over_of(self, reader: str, done_at: str = "'infinity'") -> str:
        """A query for what is left of erased readers in this table; `reader` and `done_at` are the SQL of the reader's id and of the
        erasure's moment."""
        condition = self.by_id.replace(":reader_id", reader)
        if self.made:
            condition = f"({condition}) AND {self.made} <= {done_at}"
        return f"SELECT FROM {self.table} WHERE ({condition}) AND ({self.left_over})"
