"""Random sales, refunds and recognition on any days: the ledger balances and agrees with the documents."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.ledger import recognition
from billing.ledger.models import Account
from billing.payments import postings
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import RefundState
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.rules import tax
from billing.rules.money import Money
from billing.rules.recognition import Spread
from tests.payments.ledger_rows import RATE, SITE, add_refund, add_sale, add_subscription, noon
from tests.support.two_connections import fail_instead_of_waiting

FIRST = date(2027, 1, 1)
LAST = date(2028, 12, 31)
ACTS = st.tuples(
    st.sampled_from(["sell", "sell late", "give back", "give back all", "bounce", "give days", "recognise"]),
    st.integers(1, 20_000),
    st.integers(0, 9),
    st.integers(0, 12),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def balance(session: Session, account: Account) -> int:
    query = sa.text("SELECT coalesce(sum(amount), 0) FROM ledger_entry WHERE account = :account")
    return int(session.execute(query, {"account": str(account)}).scalar_one())


@dataclass
class Sale:
    invoice: Invoice
    payment: Payment
    given: Money = field(default_factory=Money.zero)
    vat: Money = field(default_factory=Money.zero)


class Story:
    """Random acts on one subscription, with the expected sums beside them."""

    def __init__(self, session: Session) -> None:
        self.session, self.on = session, FIRST
        self.sold: list[Sale] = []
        self.given_until: set[date] = set()
        self.net = self.vat = self.gross = self.owed = 0
        add_subscription(session, FIRST)

    def act(self, kind: str, cents: int, which: int, days: int) -> None:
        self.on += timedelta(days=days % 4)
        if kind.startswith("sell"):
            starts = self.on - timedelta(days=days if kind == "sell late" else 0)
            sale = Sale(*add_sale(self.session, cents, starts, 28 + which, self.on))
            self.sold.append(sale)
            self.net += sale.invoice.net
            self.vat += sale.invoice.vat
            self.gross += cents
        elif kind == "recognise":
            while recognition.recognise(self.session, SITE, noon(self.on)):
                pass
        elif self.sold:
            self._on_a_sale(kind, cents, self.sold[which % len(self.sold)], days)
        self.check()

    def _on_a_sale(self, kind: str, cents: int, sale: Sale, days: int) -> None:
        left = sale.invoice.gross - sale.given.amount
        if kind == "give days":
            self._give_days(sale.invoice.period_end_on, days)
        elif left:
            part = Money(left if kind != "give back" else min(cents, left))
            split = tax.split_rest(part, given=sale.given, given_vat=sale.vat, rate=RATE)
            before = balance(self.session, Account.REFUNDS)
            refund = add_refund(self.session, (sale.invoice, sale.payment), split, self.on)
            sale.given, sale.vat = sale.given + split.gross, sale.vat + split.vat
            self.net -= split.net.amount
            self.vat -= split.vat.amount
            self.gross -= part.amount
            if balance(self.session, Account.REFUNDS) > before:
                assert self.unearned_of(sale.invoice.id) == 0, (
                    "revenue goes back when nothing is left to earn"
                )
            if kind == "bounce":
                refund.state, refund.bounced_at = RefundState.FAILED, noon(self.on)
                postings.bounced(TransactionContext(self.session, SITE, noon(self.on), WORKER), refund)
                self.owed += part.amount

    def _give_days(self, before: date, days: int) -> None:
        after = before + timedelta(days=days + 1)
        if after not in self.given_until:
            self.given_until.add(after)
            postings.days_given(
                TransactionContext(self.session, SITE, noon(self.on), WORKER),
                "sub_t",
                before=before,
                after=after,
            )

    def unearned_of(self, invoice_id: str) -> int:
        """In cents, not rows: a deferral of fewer cents than days is used up before its last day."""
        query = sa.text(
            "SELECT amount, starts_on, ends_on, greatest(counts_from, :on), counts_until FROM deferral"
            " WHERE invoice_id = :id AND NOT given AND counts_until > :on"
        )
        rows = self.session.execute(query, {"id": invoice_id, "on": self.on}).all()
        return sum(Spread(*row[:3]).earned(row[4]) - Spread(*row[:3]).earned(row[3]) for row in rows)

    def check(self) -> None:
        self.session.flush()
        self.session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        self.session.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        at = {account: balance(self.session, account) for account in Account}
        assert sum(at.values()) == 0
        assert at[Account.RECEIVABLE] == 0
        assert at[Account.VAT_OUTPUT] == -self.vat
        assert at[Account.GATEWAY] == self.gross + self.owed
        assert at[Account.REFUNDS_OWED] == -self.owed
        earned = (Account.DEFERRED_REVENUE, Account.REVENUE, Account.REFUNDS, Account.GOODWILL)
        assert sum(at[account] for account in earned) == -self.net
        assert at[Account.DEFERRED_REVENUE] <= 0 <= at[Account.REFUNDS]
        assert at[Account.REVENUE] <= 0 <= at[Account.GOODWILL]

    def end(self) -> None:
        self.on = LAST
        while recognition.recognise(self.session, SITE, noon(LAST)):
            pass
        self.check()
        assert balance(self.session, Account.DEFERRED_REVENUE) == 0, "all days are over, so all is earned"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example([("sell", 1, 0, 0), ("give back", 1, 0, 1)])
@given(acts=st.lists(ACTS, max_size=14))
def test_whatever_happens_the_books_say_what_the_documents_say(
    database: Database, acts: list[tuple[str, int, int, int]]
) -> None:
    with Session(database.engine) as session:  # rolled back: each story begins with empty books
        story = Story(session)
        for act in acts:
            story.act(*act)
        story.end()


def test_sales_refunds_and_three_workers_at_once_lose_no_day(database: Database) -> None:
    with database.transaction() as session:
        add_subscription(session, FIRST)
        add_sale(session, 7500, FIRST, 31, FIRST)
    days = [FIRST + timedelta(days=n) for n in range(1, 41)]

    def trade(on: date) -> None:
        with database.transaction() as session:
            sold = add_sale(session, 7500, on - timedelta(days=on.day % 5), 30, on)
        with database.transaction() as session:
            if on.day % 3 == 0:
                add_refund(session, sold, tax.split(Money(2500), RATE), on)

    def work(on: date) -> None:
        recognition.recognise_due(database, SITE, noon(on))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(what, on) for on in days for what in (trade, work, work)]:
            done.result()
    recognition.recognise_due(database, SITE, noon(LAST))
    with database.transaction() as session:
        assert balance(session, Account.DEFERRED_REVENUE) == 0
        net = session.execute(
            sa.text("SELECT (SELECT sum(net) FROM invoice) - (SELECT sum(net) FROM refund)")
        )
        assert -balance(session, Account.REVENUE) - balance(session, Account.REFUNDS) == net.scalar_one()


def test_a_day_is_not_closed_while_a_sale_goes_on(database: Database) -> None:
    """Closing waits for the sale. Another sale doesn't."""
    with database.transaction() as session:
        add_subscription(session, FIRST)
        add_sale(session, 7500, FIRST, 31, FIRST)
    with database.transaction() as selling:
        add_sale(selling, 7500, FIRST, 31, FIRST)
        with database.transaction() as another:
            fail_instead_of_waiting(another)
            add_sale(another, 7500, FIRST, 31, FIRST)
        with database.transaction() as closing:
            fail_instead_of_waiting(closing)
            with pytest.raises(OperationalError, match="lock timeout"):
                recognition.recognise(closing, SITE, noon(LAST))
            closing.rollback()
    assert recognition.recognise_due(database, SITE, noon(LAST)) > 0
