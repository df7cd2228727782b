"""How lists are found among a million readers: by an index, in its order, so that a page and its count stop early."""

from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa

from billing.platform.actors import WORKER
from billing.reports import books
from billing.staff.bulk import outage
from billing.staff.lists import listing, names
from billing.staff.lists.kinds import LISTS, ListName
from billing.web.staff.list_tables import TABLES
from tests.support.plans import add_many, plans_of, read_whole
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

BY_STATE = {
    "state=trial": "subscription_trials",
    "state=paused": "subscription_paused",
    "state=overdue": "subscription_overdue",
    "owing=yes": "subscription_overdue",
    "state=cancelled": "subscription_leaving",
    "state=ended": "subscription_ended",
    "state=trial&due_from=2027-03-01&due_through=2027-03-07": "subscription_trials",
    "state=paused&due_from=2027-03-01": "subscription_paused",
    "state=overdue&due_from=2027-03-01": "subscription_overdue",
    "due_from=2027-03-01": "subscription_next_charge",
    "state=paid&due_from=2027-03-01": "subscription_next_charge",
}
FILTERS = (
    *((of, query) for query in BY_STATE for of in (ListName.READERS, ListName.SUBSCRIPTIONS)),
    *((ListName.READERS, query) for query in ("", "state=paid", "state=free", "plan=monthly", "bounced=yes")),
    *((ListName.READERS, query) for query in ("since_from=2027-03-01", "state=ended&since_from=2027-03-01")),
    *((ListName.READERS, query) for query in ("state=paused&plan=monthly", "card_ends=2027-03")),
    *((ListName.SUBSCRIPTIONS, query) for query in ("", "since_from=2027-03-01", "state=ended&owing=yes")),
    *((ListName.SUBSCRIPTIONS, query) for query in ("plan=monthly", "bounced=yes")),
    *((of, "plan=monthly") for of in (ListName.PAYMENTS, ListName.REFUNDS)),
    *((ListName.SUBSCRIPTIONS, f"{name}_from=2027-03-01") for name in ("cancelled", "ended")),
    *((ListName.PAYMENTS, query) for query in ("", "since_from=2027-03-01", "amount_from=75")),
    *((ListName.REFUNDS, query) for query in ("", "since_from=2027-03-01", "state=under_way")),
    *((ListName.INVOICES, query) for query in ("", "since_from=2027-03-01", "amount_from=75")),
    *((ListName.INVOICES, f"kind=credit_notes{more}") for more in ("", "&since_from=2027-03-01")),
)


MANY_REFUNDS = {
    "refund": """INSERT INTO refund (id, payment_id, reader_id, amount, net, vat, state, cause, reason, idempotency_key, keyed_at, key_unusable,
           created_at, next_poll_at, poll_count, acquirer, credit_note_number, settled_at, actor_kind, actor_id)
       SELECT 'ref_' || n, p.id, p.reader_id, c.cents, c.cents, 0, 'succeeded', 'c' || n, 'kindness', 'k' || n, p.paid_at, false,
           p.paid_at, p.paid_at, 0, p.acquirer, n, p.paid_at + n * interval '1 minute', 'staff', 'finance@example.com'
       FROM payment p, generate_series(1, 20000) n, LATERAL (SELECT CASE WHEN n % 5000 = 0 THEN 100 ELSE 7500 END AS cents) c""",
}
"""Twenty thousand refunds of R75, and four of R1, of one payment: its own check, which is made row by row, is left out."""

MANY_POSTINGS = {
    "ledger_transaction": """INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, currency)
       SELECT CASE WHEN n % 10 = 0 THEN 'gateway_fee' ELSE 'invoice' END, 's' || n, :at, d.day, d.day, 'ZAR'
       FROM generate_series(1, 3000) n, LATERAL (SELECT CAST(:at AS date) + n / 30 AS day) d""",
    "ledger_entry": """INSERT INTO ledger_entry (transaction_id, account, amount)
       SELECT t.id, a.account, a.amount FROM ledger_transaction t,
           (VALUES ('gateway_fees', 100), ('gateway', -100)) a (account, amount)""",
    "balance_movement": """INSERT INTO balance_movement (ref, acquirer, category, amount, fee, net, currency, description, at, available_at)
       SELECT source_id, 'stripe', 'charge', 100, 100, 0, 'ZAR', '', at, at FROM ledger_transaction""",
}
"""The postings of a hundred days with the movements that they are of: thirty a day, three of them fees."""


def plans(world: World, of: ListName, query: str, *, in_order: bool = True) -> list[str]:
    """The plans of a page and of its count; `in_order`: as if a sort were made only for want of an index in that order."""
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        wanted, wrong = LISTS[of].filter.read(dict(parse_qsl(query)), names.of_lists(ctx.session))
        assert wrong == {}
        found = TABLES[of].listing(ctx, wanted)
        if in_order:
            for how in ("enable_sort", "enable_incremental_sort", "enable_bitmapscan"):
                ctx.session.execute(sa.text(f"SET LOCAL {how} = off"))
        with plans_of(ctx.session) as seen:
            listing.page(ctx.session, found)
    assert seen
    return seen


@pytest.mark.parametrize(("of", "query"), FILTERS)
def test_no_list_reads_a_large_table(world: World, of: ListName, query: str) -> None:
    found = plans(world, of, query, in_order=False)
    # corrected invoices are few, and are sorted by the moment of their credit notes
    assert read_whole([plan.replace("Seq Scan on invoice_correction", "") for plan in found]) == []


@pytest.mark.parametrize("of", [ListName.READERS, ListName.SUBSCRIPTIONS])
@pytest.mark.parametrize(("query", "index"), BY_STATE.items())
def test_how_they_stand_is_read_in_the_order_of_an_index(
    world: World, of: ListName, query: str, index: str
) -> None:
    page, count = plans(world, of, query)
    for plan in (page, count):
        assert f"using {index} on subscription" in plan
        assert "Sort" not in plan


@pytest.mark.parametrize(
    ("query", "index"), [("", "invoice_issued"), ("kind=credit_notes", "refund_settled")]
)
def test_documents_are_cut_before_they_are_put_together(world: World, query: str, index: str) -> None:
    page, count = plans(world, ListName.INVOICES, query)
    for plan in (page, count):
        assert f"using {index} on" in plan


def test_few_amounts_are_found_by_their_index_and_many_in_the_order_of_the_page(own_world: World) -> None:
    world = own_world
    world.start_trial("thandi@example.com")
    world.advance_to(local(2027, 3, 16, 12))
    with world.services.database.transaction() as session:
        add_many(session, MANY_REFUNDS)
    few = ("amount_to=1", "amount_to=74.99", "amount_from=1&amount_to=1")
    many = ("amount_to=75", "amount_from=75", "")
    for index, queries in {"refund_amount": few, "refund_settled": many}.items():
        for query in queries:
            for plan in plans(world, ListName.INVOICES, f"kind=credit_notes&{query}", in_order=False):
                assert f" {index} on refund r" in plan or f"Bitmap Index Scan on {index}" in plan, (
                    query,
                    plan,
                )
                assert "Seq Scan on refund" not in plan


def test_readers_without_a_subscription_are_not_counted(world: World) -> None:
    assert len(plans(world, ListName.READERS, "state=free")) == 1


def test_an_outage_reads_no_large_table(world: World, paid: Subscriber) -> None:
    with world.services.database.transaction() as session:
        with plans_of(session) as seen:
            known = outage.look(session, world.now.replace(year=2026), world.now)
    assert (known.charges, known.more_charges) == (1, False)
    assert read_whole(seen) == []


def test_the_fees_of_a_month_are_found_by_their_day(own_world: World) -> None:
    world = own_world
    with world.services.database.transaction() as session:
        add_many(session, MANY_POSTINGS, at=world.now)
        with plans_of(session) as seen:
            books.fees(session, world.now.date(), world.now.date())
    assert "ledger_gateway_fees" in seen[0]
