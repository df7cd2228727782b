"""Where each table would go on a PostgreSQL cluster with Citus, derived from the schema.

A table is **distributed** (its rows are spread by the hash of a column), a **reference** table (small, a copy on each node), or **local**
(on the coordinator). Citus asks the following of them, see https://docs.citusdata.com/en/stable/develop/reference_ddl.html:

- the distributing column is never null, and is part of each primary key, unique constraint and unique index
- a foreign key between distributed tables holds the distributing columns of both, which are of one kind
- a distributed table may refer to a reference table, and nothing but a distributed table to a distributed one
- a distributed table has no triggers"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

READER = "reader_id"
"""Tables with this column are distributed by it, and `reader` by its id."""
OTHER_KEYS = {
    "meter_month": "visitor",  # a reader or a browser
    "delivery": "address_key",  # readers and others get newsletters
    "signup": "address_key",
    "signup_change": "address_key",
    "bounce_record": "number",
    "suppression": "address_digest",
    "sign_in_link": "token_hash",  # asked for before one knows who asks
    "trial_claim": "digest",  # one trial a person, whoever the reader is
    "inbound_event": "event_ref",
    "balance_movement": "ref",
    "ledger_transaction": "source_id",
    "api_answer": "idempotency_key",
    "rate_count": "bucket",
}
"""Tables that grow and are asked by another column."""
LOCAL = frozenset(
    {
        # staff and what they decide
        *("staff_member", "staff_browser", "staff_link", "staff_session", "staff_recovery_code", "staff_passkey", "staff_case", "audit_line", "approval"),
        *("staff_alert", "staff_alert_choice", "saved_filter"),
        *("bulk_action", "bulk_line"),
        # the installation and its workers
        *("installation", "worker_heartbeat", "held_time", "list_salt", "sending_run", "number_series"),
        *("charging_pause", "doctor_visit", "recognition_mark", "reconciliation", "payout", "unexplained_charge"),
        "closed_period",
        *("number_day", "number_mark"),
        # what is read or sold, the same for all
        *("article", "article_version", "section_policy", "public_window", "consent_text", "issue_body", "brand"),
        *("vat_rate", "legal_document", "erased_origin", "canned_answer"),
        # programs
        *("api_key_use", "api_key_spending", "bulk_read"),
    }
)  # fmt: skip
"""Tables of the whole installation, which grow little."""
TRIGGERED = frozenset(
    {
        *("reader", "reader_note", "reader_session", "subscription", "subscription_change", "complimentary_grant"),
        *("gift", "gift_reading", "meter_month", "consent", "delivery", "refund", "signup_change"),
        *("ledger_transaction", "ledger_entry", "card_setup", "payment_method", "message", "signup"),
        *("request_message", "request_step", "passkey"),
    }
)  # fmt: skip
"""Distributed tables with triggers."""


class Unclassified(ValueError):
    """A table is neither derived nor listed."""


class Place(StrEnum):
    """The kinds of tables that Citus knows."""

    DISTRIBUTED = "distributed"
    REFERENCE = "reference"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """Where a table would go.

    `key`: the column that distributes it. `through`: the foreign key by which the key would have to be copied in. `joins`: unique keys and
    foreign keys that the key would join without a change of their meaning. `obstacles`: what would need another design."""

    name: str
    place: Place
    key: str = ""
    through: str = ""
    joins: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether Citus could distribute it as it is."""
        return not (self.through or self.joins or self.obstacles)


def plan_tables(metadata: sa.MetaData) -> dict[str, TablePlan]:
    """Each table's place. Raises Unclassified with the tables of which nothing is known."""
    keys, through = _keys(metadata)
    reference = _reference(metadata, keys)
    unknown = set(metadata.tables) - set(keys) - reference - LOCAL
    if unknown:
        raise Unclassified(
            f"say in tests/support/distribution.py where these go: {', '.join(sorted(unknown))}"
        )
    return {name: _plan(table, keys, through, reference) for name, table in sorted(metadata.tables.items())}


def _keys(metadata: sa.MetaData) -> tuple[dict[str, str], dict[str, str]]:
    """The key of each distributed table, and the column through which it would come where the table lacks it."""
    by_reader = {
        name for name, table in metadata.tables.items() if name == "reader" or READER in table.columns
    }
    keys = dict.fromkeys(by_reader - LOCAL, READER) | OTHER_KEYS
    through: dict[str, str] = {}
    while found := dict(_owned(metadata, keys)):
        through |= {name: column for name, (column, _) in found.items()}
        keys |= {name: key for name, (_, key) in found.items()}
    return keys, through


def _owned(metadata: sa.MetaData, keys: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Tables without a key that refer to a distributed one: the column that refers, and the key that comes through it."""
    for name, table in metadata.tables.items():
        owners = [
            (key.column_keys[0], keys[key.referred_table.name])
            for key in table.foreign_key_constraints
            if key.referred_table.name in keys
        ]
        if owners and name not in keys and name not in LOCAL:
            yield name, min(owners)


def _reference(metadata: sa.MetaData, keys: Mapping[str, str]) -> set[str]:
    """Tables to which distributed and reference tables refer."""
    found: set[str] = set()
    while more := {
        key.referred_table.name
        for name in {*keys, *found}
        for key in metadata.tables[name].foreign_key_constraints
        if key.referred_table.name not in {*keys, *found, *LOCAL}
    }:
        found |= more
    return found


def _plan(
    table: sa.Table, keys: Mapping[str, str], through: Mapping[str, str], reference: set[str]
) -> TablePlan:
    name = table.name
    if name not in keys:
        refers = [key for key in table.foreign_key_constraints if key.referred_table.name in keys]
        wrong = tuple(sorted(f"foreign key {_columns(key)}" for key in refers))
        return TablePlan(name, Place.REFERENCE if name in reference else Place.LOCAL, obstacles=wrong)
    column = "id" if name == "reader" else keys[name]
    joins: list[str] = []
    obstacles: list[str] = []
    if column in table.columns and table.columns[column].nullable:
        obstacles.append(f"{column} may be null")
    for label, columns in _unique(table):
        if column not in columns:
            (joins if _is_of_one(table, columns, keys) else obstacles).append(label)
    for key in sorted(table.foreign_key_constraints, key=_columns):
        target = key.referred_table.name
        if target in LOCAL or (target in keys and keys[target] != keys[name]):
            obstacles.append(f"foreign key {_columns(key)} to {target}")
        elif target in keys and column not in key.column_keys:
            joins.append(f"foreign key {_columns(key)}")
    if name in TRIGGERED:
        obstacles.append("triggers")
    return TablePlan(
        name, Place.DISTRIBUTED, keys[name], through.get(name, ""), tuple(joins), tuple(obstacles)
    )


def _is_of_one(table: sa.Table, columns: list[str], keys: Mapping[str, str]) -> bool:
    """Whether the columns belong to one value of the key: our own id, or what belongs to a row of one value.

    With the key among them they are as unique as before, since our ids are made once."""
    if "id" in columns:
        return True
    return any(
        key.referred_table.name in keys
        and keys[key.referred_table.name] == keys[table.name]
        and set(key.column_keys) <= set(columns)
        for key in table.foreign_key_constraints
    )


def _unique(table: sa.Table) -> Iterator[tuple[str, list[str]]]:
    """The columns of each unique key, with its name; an expression is no column."""
    yield "primary key", [column.name for column in table.primary_key.columns]
    found = [
        [column.name for column in one.columns]
        for one in table.constraints
        if isinstance(one, sa.UniqueConstraint)
    ]
    found += [
        # PostgreSQL adds a type to an expression: lower(email::text)
        [
            part.name if isinstance(part, sa.Column) else str(part).replace("::text", "")
            for part in index.expressions
        ]
        for index in table.indexes
        if index.unique and not index.dialect_options["postgresql"].get("duplicates_constraint")
    ]
    for columns in sorted(found):
        yield f"unique {', '.join(columns)}", columns


def _columns(key: sa.ForeignKeyConstraint) -> str:
    return ", ".join(key.column_keys)


def distribution_table(metadata: sa.MetaData) -> str:
    """The plan as Markdown: a row for each distributed table, and the others in two lists."""
    plans = plan_tables(metadata)
    rows = [
        f"| `{one.name}` | {f'{one.key}, from {one.through}' if one.through else one.key} | {_words(one.joins)} | {_words(one.obstacles)} |"
        for one in plans.values()
        if one.place is Place.DISTRIBUTED
    ]
    lists = [
        f"**{place.capitalize()}**: {', '.join(_named(one) for one in plans.values() if one.place is place)}."
        for place in (Place.REFERENCE, Place.LOCAL)
    ]
    heads = ["| distributed | by | the key joins | in the way |", "|---|---|---|---|"]
    return "\n".join([*heads, *rows, "", lists[0], "", lists[1]]) + "\n"


def _words(parts: tuple[str, ...]) -> str:
    return "; ".join(parts)


def _named(one: TablePlan) -> str:
    return f"`{one.name}` ({_words(one.obstacles)})" if one.obstacles else f"`{one.name}`"
