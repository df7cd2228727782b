"""What is owed to readers, on one page: whose it is, for how long, and what to do about it."""

from datetime import timedelta

import pytest

from tests.support.cancel_helpers import cancel
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

OWED = "/staff/owed"


@pytest.fixture
def bounced(world: World, paid: Subscriber) -> Subscriber:
    """A reader whose refund went back to the card and bounced days later."""
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    world.sandbox.banks("refund_fails", refund=world.sandbox.refunds()[0]["id"])
    world.settle()
    return paid


def in_the_books(world: World) -> int:
    (row,) = world.rows(
        "SELECT coalesce(-sum(amount), 0) AS cents FROM ledger_entry WHERE account = 'refunds_owed'"
    )
    return int(row["cents"])


def test_a_bounced_refund_is_owed_with_its_age_until_it_is_paid(
    world: World, bounced: Subscriber, staff: SignIn
) -> None:
    world.advance(days=12)
    finance = staff("finance")
    page = finance.get(OWED)
    assert bounced.email in page.words
    assert "R75.00 incl. VAT in all" in page.words
    assert in_the_books(world) == 7500, "the page and the ledger agree"
    assert "12 days" in page.words
    assert "asked for a bank account" in page.words
    assert "It came back: the card was lost or stolen. Credit note CN-000001." in page.words
    assert "the card was lost or stolen" in finance.get("/staff/books").words
    assert "failure the card was lost or stolen" in finance.get(f"/staff/readers/{bounced.reader_id}").words
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'refund_failed'")
    assert case["what"].startswith("R75.00 incl. VAT did not go back: the card was lost or stolen.")
    page = finance.get(OWED)
    wrong = finance.post(f"{OWED}/paid-back", reference=" ", on="2027-03-22")
    assert (wrong.status, 'value="2027-03-22"' in wrong.text) == (422, True), "nothing typed is lost"
    page = finance.post(f"{OWED}/paid-back", reference="EFT 2027/118")
    assert (page.path, "Nothing is owed" in page.words) == (OWED, True)
    assert in_the_books(world) == 0
    assert staff("support").get(OWED).status == 403


def test_a_closed_account_that_waits_is_listed_with_its_reason(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    world.execute(
        "INSERT INTO erasure (id, reader_id, requested_at, erases_at, due_at, next_attempt_at, tries, actor_kind, actor_id)"
        " VALUES ('ers_1', :reader, :at, :due, :due, :later, 0, 'reader', :reader)",
        reader=paid.reader_id,
        at=local(2027, 3, 14),
        due=world.now - timedelta(days=1),
        later=world.now + timedelta(days=1),
    )
    world.execute("UPDATE message SET state = 'queued', accepted_at = NULL WHERE kind = 'receipt'")
    words = staff("finance").get(OWED).words
    assert "1 day A mail is on its way." in words
    assert paid.email in words
