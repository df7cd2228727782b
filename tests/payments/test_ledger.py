"""The ledger refuses unbalanced postings, conflicting postings, and any change of a posting."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from billing.ledger.models import Account
from billing.ledger.post import PostedOtherwise, Posting, Unbalanced, lines_of, post
from billing.platform.db import Database

AT = datetime(2026, 3, 16, 7, tzinfo=UTC)
ON = date(2026, 3, 16)
SALE = {Account.GATEWAY: 7500, Account.DEFERRED_REVENUE: -6522, Account.VAT_OUTPUT: -978}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def book(database: Database, lines: dict[Account, int] = SALE) -> bool:
    with database.transaction() as session:
        return post(session, Posting("sale", "one", AT, ON, lines))


def entries(database: Database) -> list[Any]:
    with database.transaction() as session:
        return list(session.execute(sa.text("SELECT account, amount FROM ledger_entry ORDER BY account")))


def test_a_fact_is_posted_once_and_never_otherwise(database: Database) -> None:
    assert book(database)
    assert not book(database)
    with pytest.raises(PostedOtherwise, match="sale one"):
        book(database, {Account.GATEWAY: 1, Account.REVENUE: -1})
    with database.transaction() as session:
        assert lines_of(session, "sale", "one") == SALE
        assert lines_of(session, "sale", "two") == {}


@pytest.mark.parametrize("lines", [{}, {Account.GATEWAY: 0}, {Account.GATEWAY: 5, Account.REVENUE: -4}])
def test_lines_that_do_not_add_up_are_refused(lines: dict[Account, int]) -> None:
    with pytest.raises(Unbalanced):
        post(None, Posting("sale", "one", AT, ON, lines))  # type: ignore[arg-type]


def test_the_database_refuses_what_is_unbalanced_or_rewritten(database: Database) -> None:
    book(database)
    before = entries(database)
    for statement in (
        "INSERT INTO ledger_entry SELECT id, 'bank', 1 FROM ledger_transaction",
        "INSERT INTO ledger_entry SELECT id, 'bank', 0 FROM ledger_transaction",
        "INSERT INTO ledger_entry SELECT id, 'pocket', 1 FROM ledger_transaction",
        "UPDATE ledger_entry SET amount = -amount",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        'UPDATE ledger_transaction SET "on" = "on" + 1',
        "DELETE FROM ledger_transaction",
    ):
        with pytest.raises(sa.exc.IntegrityError), database.transaction() as session:
            session.execute(sa.text(statement))
    assert entries(database) == before


def test_an_unbalanced_transaction_fails_at_commit_not_before(database: Database) -> None:
    with Session(database.engine) as session:
        post(session, Posting("sale", "one", AT, ON, SALE))
        session.execute(sa.text("INSERT INTO ledger_entry SELECT id, 'bank', 1 FROM ledger_transaction"))
        assert session.execute(sa.text("SELECT sum(amount) FROM ledger_entry")).scalar_one() == 1
        with pytest.raises(sa.exc.IntegrityError, match="does not sum to zero"):
            session.commit()
    assert entries(database) == []
