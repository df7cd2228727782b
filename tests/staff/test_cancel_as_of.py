"""Cancelling as of the reader's first request: later charges are refunded in the same act."""

from tests.support.staff_members import SignIn
from tests.support.world import World, local

READER = "thandi@example.com"


def test_a_reader_wrote_on_the_3rd_and_was_charged_after_it_had_been_held(
    world: World, staff: SignIn
) -> None:
    world.advance_to(local(2027, 3, 21, 9))
    world.start_trial(READER)
    world.advance_to(local(2027, 4, 3, 11))
    visitor = world.browser()
    visitor.get("/contact")
    page = visitor.post("/contact", kind="cancel", email=READER, words="Please cancel, I am moving.")
    assert "Received Saturday 3 April 2027 at 11:00" in page.words
    world.advance_to(local(2027, 4, 14, 8))
    assert len(world.charges()) == 1

    support = staff("support")
    assert "1 request waits" in support.page.words
    page = support.get(f"/staff/find?q={READER}")
    assert "Please cancel, I am moving." in page.words
    assert "R75.00 incl. VAT charged since" in page.words
    reader = page.path
    page = support.get(f"{reader}/cancel")
    assert "It counts from Saturday 3 April 2027 at 11:00" in page.words
    assert "R75.00 incl. VAT goes back" in page.words
    notices = "You asked to cancel before this charge was made, so it is returned in full."
    assert f"it says: “{notices}”" in page.words
    assert "charged after the moment of asking leaves at once, and can’t be undone." in page.words
    page = support.post(
        f"{reader}/cancel",
        asked="2027-04-03T11:00",
        when="period_end",
        step="confirm",
        reason="wrote on the 3rd",
    )
    assert page.path == reader, page.words
    assert "can be undone until" not in page.words
    world.settle()
    assert world.mail_kinds(READER)[-1] == "cancelled"
    credit = world.letter(READER, "is cancelled, and R75.00 incl. VAT goes back")
    assert "CN-000001" in credit.text
    assert notices in " ".join(credit.text.split())
    assert "wrote on the 3rd" not in credit.text
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
