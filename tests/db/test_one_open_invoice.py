"""The migration that lets a subscription owe one period only copes with a database in which an outage left two open."""

from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from tests.support.starting_points import go_to
from tests.support.world import World

FOLDER = Path(__file__).parent.parent.parent / "alembic"
OLDER = (
    "INSERT INTO invoice (id, subscription_id, reader_id, state, period_number, period_start_on, period_end_on, description,"
    " gross, net, vat, vat_basis_points, currency, created_at) SELECT 'inv_older', subscription_id, reader_id, 'open', 0,"
    " period_start_on, period_end_on, description, gross, net, vat, vat_basis_points, currency, created_at"
    " FROM invoice WHERE state = 'open'"
)


def test_the_newest_open_invoice_stays_and_the_others_are_void(own_world: World) -> None:
    go_to(own_world, "owing")
    revision = ScriptDirectory(str(FOLDER)).get_revision("0026")
    assert revision is not None
    with own_world.parts.database.engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            revision.module.downgrade()
            connection.execute(sa.text(OLDER))
            revision.module.upgrade()
        found = connection.execute(sa.text("SELECT period_number, state FROM invoice ORDER BY period_number"))
        assert [tuple(row) for row in found] == [(0, "void"), (1, "paid"), (2, "open")]
