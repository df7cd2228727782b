"""Old rows are packed without visible effects."""

from billing.dev.sandbox.packed_rows import PackedRows
from billing.dev.sandbox.store import WARM_SECONDS, Store


def test_a_packed_row_reads_the_same_and_changes_when_it_is_put() -> None:
    packed = PackedRows()
    row = {"id": "ch_1", "created": 5, "card": {"last4": "4242", "checks": [None, True]}}
    packed["ch_1"] = dict(row)
    packed.pack("ch_1")
    assert packed["ch_1"] == row
    assert packed["ch_1"] is not packed["ch_1"], "a copy each time"
    packed["ch_1"] = packed["ch_1"] | {"refunded": True}
    assert packed["ch_1"] == row | {"refunded": True}
    assert list(packed) == ["ch_1"]
    assert list(packed.values()) == [row | {"refunded": True}]


def test_what_is_old_is_packed_once_and_lists_as_before() -> None:
    store = Store(None)
    for number in range(6):
        store.put("charge", {"id": f"ch_{number}", "created": number * 100, "customer": f"cus_{number % 2}"})
    store.put("setting", {"id": "clock", "held": 0})
    store.pack(300 + WARM_SECONDS)
    table = store["charge"]
    held = table.rows._held
    assert [isinstance(held[f"ch_{number}"], bytes) for number in range(6)] == [True] * 3 + [False] * 3
    assert [row["id"] for row in table.newest(table.where("customer", "cus_0"))] == ["ch_4", "ch_2", "ch_0"]
    changed = store.get("charge", "ch_1")
    assert changed is not None
    store.put("charge", changed | {"customer": "cus_0"})
    store.remove("charge", "ch_0")
    store.pack(500 + WARM_SECONDS)
    assert [row["id"] for row in table.oldest(table.where("customer", "cus_0"))] == ["ch_1", "ch_2", "ch_4"]
    assert isinstance(held["ch_4"], bytes)
