"""Each migration after the first leaves the release before able to work, and makes nobody wait."""

from pathlib import Path

import pytest

from billing.platform.migration_plan import plan
from tests.support.migration_rules import faults
from tests.support.next_release import next_release

FIRST = {"0001"}
CONTRACTS = 'contracts_since = "2026.12.0"\n'


def test_every_migration_follows_the_rules() -> None:
    assert {migration.revision: found for migration in plan(FIRST) if (found := faults(migration))} == {}


GOOD = {
    "a nullable column": 'op.add_column("reader", sa.Column("nickname", sa.Text()))',
    "a column with a default": 'op.add_column("reader", sa.Column("n", sa.Integer(), server_default="0", nullable=False))',
    "a table": (
        'op.create_table("note", sa.Column("reader_id", sa.Text(), sa.ForeignKey("reader.id"), primary_key=True))\n'
        'op.create_index("note_reader", "note", ["reader_id"])'
    ),
    "its second key": (
        'op.add_column("note", sa.Column("plan_id", sa.Text()))\n'
        'op.create_foreign_key("note_plan", "note", "plan", ["plan_id"], ["id"])'
    ),
    "an index": (
        "with op.get_context().autocommit_block():\n"
        '    op.drop_index("reader_late", if_exists=True, postgresql_concurrently=True)\n'
        '    op.create_index("reader_late", "reader", ["created_at"], postgresql_concurrently=True)'
    ),
    "a check for new rows": (
        'op.create_check_constraint("short", "reader", "length(email) < 400", postgresql_not_valid=True)'
    ),
    "the check for old rows": 'op.execute("ALTER TABLE reader VALIDATE CONSTRAINT short")',
}


def test_what_expands_is_fine(tmp_path: Path) -> None:
    with next_release(tmp_path, GOOD):
        planned = plan(FIRST)
        assert [migration.title for migration in planned] == list(GOOD)
        assert [faults(migration) for migration in planned] == [[]] * len(GOOD)


CONCURRENTLY = 'op.create_index("a", "reader", ["email"], postgresql_concurrently=True)'


@pytest.mark.parametrize(
    ("body", "marks", "words"),
    [
        ('op.drop_column("reader", "email")', "", "the release before can't work"),
        ('op.drop_table("reader")', "", "the release before can't work"),
        ('op.rename_table("reader", "person")', "", "the release before can't work"),
        (
            'op.alter_column("reader", "email", new_column_name="address")',
            "",
            "the release before can't work",
        ),
        ('op.alter_column("reader", "email", nullable=False)', "", "the release before can't work"),
        (
            'op.add_column("reader", sa.Column("n", sa.Integer(), nullable=False))',
            "",
            "the release before can't work",
        ),
        ('op.alter_column("reader", "email", type_=sa.String(80))', "", "the release before can't work"),
        ('op.alter_column("reader", "email", type_=sa.String(80))', CONTRACTS, "others wait"),
        ('op.create_index("a", "reader", ["email"])', "", "others wait"),
        ('op.create_check_constraint("a", "reader", "email <> \'\'")', "", "others wait"),
        ('op.create_foreign_key("a", "reader", "plan", ["email"], ["id"])', "", "others wait"),
        (
            'op.add_column("reader", sa.Column("n", sa.Integer()))\nop.add_column("plan", sa.Column("n", sa.Integer()))',
            "",
            "it locks plan and reader",
        ),
        (
            'op.create_table("note", sa.Column("a", sa.Text(), sa.ForeignKey("reader.id")),'
            ' sa.Column("b", sa.Text(), sa.ForeignKey("plan.id")))',
            "",
            "it locks plan and reader",
        ),
        ('op.execute("UPDATE reader SET email = lower(email)")', "", "others wait"),
        ('op.execute("DO $$ BEGIN PERFORM 1; END $$")', "", "no rule knows"),
        ('op.add_column("reader", sa.Column("n", sa.Integer()))', CONTRACTS, "removes nothing"),
        (f"with op.get_context().autocommit_block():\n    {CONCURRENTLY}", "", "must be dropped first"),
        (
            'op.add_column("reader", sa.Column("n", sa.Integer()))\n'
            f"with op.get_context().autocommit_block():\n    {CONCURRENTLY}",
            "",
            "is alone in its migration",
        ),
        ("if op.get_bind() is not None:\n    pass", "", "it reads the database"),
    ],
)
def test_what_would_stop_the_release_before_is_found(
    tmp_path: Path, body: str, marks: str, words: str
) -> None:
    with next_release(tmp_path, {"a change": body}, marks=marks):
        [migration] = plan(FIRST)
        found = faults(migration)
    assert any(words in fault for fault in found), found


def test_what_a_release_before_no_longer_needs_may_go(tmp_path: Path) -> None:
    body = 'op.drop_column("reader", "email")'
    with next_release(tmp_path, {"it goes": body}, marks=CONTRACTS):
        [migration] = plan(FIRST)
        assert (migration.contracts_since, faults(migration)) == ("2026.12.0", [])


def test_a_downgrade_is_refused(tmp_path: Path) -> None:
    with next_release(tmp_path, {"a change": "pass"}) as folder:
        [path] = (folder / "versions").glob("0002_*.py")
        path.write_text(
            path.read_text().partition("def downgrade")[0] + "def downgrade() -> None:\n    pass\n"
        )
        [migration] = plan(FIRST)
        assert faults(migration) == ["its downgrade must raise: there is no way back by migrations"]
