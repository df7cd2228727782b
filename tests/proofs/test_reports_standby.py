"""Exports of the books read from a standby, and from the primary where the standby is away, too far behind, or another database's."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from billing.platform.db import Database
from billing.platform.reports_standby import look_at
from tests.support.books import read_book
from tests.support.cli import run_on
from tests.support.documented import inline_command
from tests.support.failover import beat
from tests.support.installation import prepare
from tests.support.polling import until
from tests.support.primary_and_standby import primary_and_standby
from tests.support.world import World

RESET = "ALTER SYSTEM RESET synchronous_standby_names"
IS_PAUSED = "SELECT pg_get_wal_replay_pause_state() = 'paused'"


@pytest.mark.prove
def test_exports_read_from_a_standby_that_is_near_enough(tmp_path: Path) -> None:
    with primary_and_standby() as pair:
        prepare(pair.address)
        standby = pair.only(pair.standby)
        with World(pair.address, reports_database_url=standby) as world, closing(Database(standby)) as its:
            ours = world.services.database

            def export() -> str:
                done = run_on(world, "export", str(tmp_path), "--from", "2027-03-01")
                assert done.exit_code == 0, done.output
                return done.output

            world.start_trial("thandi@example.com")
            world.advance(days=15)
            beat(world)
            until(lambda: look_at(its, ours).words.endswith("has everything"), "the standby to replay all")
            assert "Read from a standby: the standby for reports has everything." in export()
            assert read_book(tmp_path, "invoices")[0]["number"] == "INV-000001"

            pair.standby.do("SELECT pg_wal_replay_pause()")
            until(lambda: pair.standby.query(IS_PAUSED), "the standby to stand still")
            for minutes, words in (
                (1, "Read from a standby: the standby for reports may lack the last 90 s."),
                (5, "Read from the primary: the standby for reports may lack the last 390 s."),
            ):
                world.skip_to(world.now + timedelta(minutes=minutes))
                beat(world)
                assert words in export()

            with closing(Database(pair.standby.address)) as other:
                assert "doesn't answer" in str(look_at(other, ours).fault)
            pair.primary.do(
                inline_command("operate.md", RESET), inline_command("operate.md", "SELECT pg_reload_conf()")
            )

            # by mistake: its primary goes on
            pair.standby.do("SELECT pg_wal_replay_resume()", "SELECT pg_promote()")
            world.skip_to(world.now + timedelta(minutes=5))
            beat(world)
            assert "Read from the primary: the standby for reports may lack the last 330 s." in export()

            pair.standby.kill()
            assert "Read from the primary: the standby for reports doesn't answer" in export()
            checked = run_on(world, "check").output
            assert "the standby for reports doesn't answer" in checked
