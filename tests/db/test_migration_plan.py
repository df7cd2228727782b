"""`billing migrate --plan` says what would run and what it locks, as PostgreSQL does it, and changes nothing."""

from pathlib import Path

import psycopg
import pytest

from billing.platform.migration_steps import Cost, Lock, Step, steps_of
from tests.support.cli import environment, run
from tests.support.databases import Databases
from tests.support.next_release import next_release

NEXT = {
    "a column": 'op.add_column("reader", sa.Column("nickname", sa.Text()))',
    "a table": 'op.create_table("note", sa.Column("id", sa.Text(), primary_key=True))',
    "an index": (
        "with op.get_context().autocommit_block():\n"
        '    op.drop_index("reader_nickname", if_exists=True, postgresql_concurrently=True)\n'
        '    op.create_index("reader_nickname", "reader", ["nickname"], postgresql_concurrently=True)'
    ),
    "a type": 'op.alter_column("reader", "nickname", type_=sa.String(80))\nop.execute("VACUUM")',
}
PLAN = """\
0002: a column
  ALTER TABLE reader ADD COLUMN nickname TEXT
      locks ACCESS EXCLUSIVE on reader (SIZE), for a moment
0003: a table
  Statements on what it makes itself, for which nobody waits: 1
0004: an index
  DROP INDEX CONCURRENTLY IF EXISTS reader_nickname
      locks SHARE UPDATE EXCLUSIVE, for a moment
  CREATE INDEX CONCURRENTLY reader_nickname ON reader (nickname)
      locks SHARE UPDATE EXCLUSIVE on reader (SIZE), while the whole table is read
0005: a type
  ALTER TABLE reader ALTER COLUMN nickname TYPE VARCHAR(80)
      locks ACCESS EXCLUSIVE on reader (SIZE), while the whole table is written again. Others wait for it. The release before \
can't work on the result
  VACUUM
      What it locks isn't known here: read it.
4 migrations would run. Nothing was changed.
"""


def test_the_plan_of_the_next_release(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as line:
        found = line.execute("SELECT pg_size_pretty(pg_total_relation_size('reader'))").fetchone()
    assert found is not None
    with next_release(tmp_path / "next", NEXT):
        done = run(environment(database_url), "migrate", "--plan", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == PLAN.replace("SIZE", found[0])
    with psycopg.connect(database_url) as line:
        assert line.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert line.execute("SELECT to_regclass('note')").fetchall() == [(None,)]


def test_what_it_removes_is_said(database_url: str, tmp_path: Path) -> None:
    body = {"it goes": 'op.drop_column("reader", "email")'}
    with next_release(tmp_path / "next", body, marks='contracts_since = "2026.12.0"\n'):
        done = run(environment(database_url), "migrate", "--plan", folder=tmp_path)
    assert (
        "  It removes what no release since 2026.12.0 needs: stop every process of an earlier one first."
        in done.stdout
    )


def test_an_empty_database_gets_all_and_an_up_to_date_one_nothing(
    databases: Databases, database_url: str, tmp_path: Path
) -> None:
    with databases.empty() as url:
        done = run(environment(url), "migrate", "--plan", folder=tmp_path)
        assert done.stdout.startswith("0001: the first release: all tables")
        assert done.stdout.endswith("One migration would run. Nothing was changed.\n")
        with psycopg.connect(url) as line:
            assert line.execute("SELECT to_regclass('alembic_version')").fetchall() == [(None,)]
    nothing = "No migration would run. Nothing was changed.\n"
    assert run(environment(database_url), "migrate", "--plan", folder=tmp_path).stdout == nothing
    with psycopg.connect(database_url) as line:
        line.execute("UPDATE alembic_version SET version_num = '9999'")
    assert run(environment(database_url), "migrate", "--plan", folder=tmp_path).stdout == nothing


STEPS = [
    Step("ALTER TABLE reader ADD COLUMN a text", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ADD COLUMN a int DEFAULT 0 NOT NULL", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ADD COLUMN a timestamptz DEFAULT now() NOT NULL", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ADD COLUMN a uuid DEFAULT gen_random_uuid()", ("reader",), Lock.ACCESS_EXCLUSIVE, Cost.REWRITES),
    Step("ALTER TABLE reader ADD COLUMN a int GENERATED ALWAYS AS IDENTITY", ("reader",), Lock.ACCESS_EXCLUSIVE, Cost.REWRITES),
    Step("ALTER TABLE reader ADD COLUMN a int NOT NULL", ("reader",), Lock.ACCESS_EXCLUSIVE, breaks=True),
    Step("ALTER TABLE reader DROP COLUMN email", ("reader",), Lock.ACCESS_EXCLUSIVE, breaks=True),
    Step("ALTER TABLE reader RENAME TO person", ("reader",), Lock.ACCESS_EXCLUSIVE, breaks=True),
    Step(
        "ALTER TABLE reader ALTER COLUMN created_at TYPE text USING created_at::text",
        ("reader",), Lock.ACCESS_EXCLUSIVE, Cost.REWRITES, breaks=True,
    ),
    Step("ALTER TABLE reader ALTER COLUMN email SET DEFAULT ''", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ALTER COLUMN email DROP NOT NULL", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ALTER COLUMN external_id SET NOT NULL", ("reader",), Lock.ACCESS_EXCLUSIVE, breaks=True),
    Step("ALTER TABLE reader ADD CONSTRAINT a CHECK (email <> '')", ("reader",), Lock.ACCESS_EXCLUSIVE, Cost.READS),
    Step("ALTER TABLE reader ADD CONSTRAINT a CHECK (email <> '') NOT VALID", ("reader",), Lock.ACCESS_EXCLUSIVE),
    Step("ALTER TABLE reader ADD CONSTRAINT a UNIQUE (created_at)", ("reader",), Lock.ACCESS_EXCLUSIVE, Cost.READS),
    Step(
        "ALTER TABLE reader ADD CONSTRAINT a FOREIGN KEY (external_id) REFERENCES plan (id)",
        ("reader", "plan"), Lock.SHARE_ROW_EXCLUSIVE, Cost.READS,
    ),
    Step(
        "ALTER TABLE reader ADD CONSTRAINT a FOREIGN KEY (external_id) REFERENCES plan (id) NOT VALID",
        ("reader", "plan"), Lock.SHARE_ROW_EXCLUSIVE,
    ),
    Step("CREATE INDEX a ON reader (created_at)", ("reader",), Lock.SHARE, Cost.READS),
    Step("CREATE TABLE a (reader_id text REFERENCES reader (id))", ("reader",), Lock.SHARE_ROW_EXCLUSIVE),
    Step("UPDATE reader SET email = email", ("reader",), Lock.ROW_EXCLUSIVE, Cost.READS),
    Step("COMMENT ON COLUMN reader.email IS 'x'", (), Lock.SHARE_UPDATE_EXCLUSIVE),
    Step(
        "CREATE TRIGGER a AFTER INSERT ON reader FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ("reader",), Lock.SHARE_ROW_EXCLUSIVE,
    ),
]  # fmt: skip
HELD = """SELECT replace(upper(regexp_replace(mode, '([a-z])([A-Z])', '\\1_\\2', 'g')), '_LOCK', '') FROM pg_locks
    WHERE pid = pg_backend_pid() AND relation = %s"""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.statement)
def test_it_says_what_postgresql_does(database_url: str, step: Step) -> None:
    assert steps_of([step.statement]) == [step]
    with psycopg.connect(database_url) as line:
        before = line.execute("SELECT 'reader'::regclass::oid, pg_relation_filenode('reader')").fetchone()
        assert before is not None
        reader, file = before
        line.commit()
        line.execute(step.statement.encode())
        held = [Lock[mode] for (mode,) in line.execute(HELD, [reader]) if mode in Lock.__members__]
        assert max(held) is step.lock
        assert (line.execute("SELECT pg_relation_filenode(%s)", [reader]).fetchone() != (file,)) == (
            step.cost is Cost.REWRITES
        )


def test_a_table_that_a_migration_makes_is_waited_for_by_nobody() -> None:
    made = [
        "CREATE TABLE note (id text)",
        "CREATE INDEX a ON note (id)",
        "ALTER TABLE note ADD COLUMN b int NOT NULL",
    ]
    assert {(step.lock, step.breaks) for step in steps_of(made)} == {(Lock.NONE, False)}
