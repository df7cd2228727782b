"""An unproved form gives no right to money: it lifts no limit of support until its reader confirms it."""

from collections.abc import Callable

from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.staff_members import SignIn
from tests.support.start_at_once import start_at_once
from tests.support.world import World, local

READER = "thandi@example.com"
LIMITED = 5000
"""Cents that support may give a reader in a month: less than a charge."""


def asked_by_a_stranger(make_world: Callable[..., World]) -> tuple[World, str]:
    """The id of a paying reader. A stranger posted the form with their address, and a charge followed."""
    world = make_world(support_refund_limit=LIMITED)

    def live() -> str:
        reader = str(world.start_trial(READER)["reader"]["id"])
        world.advance_to(local(2027, 4, 14, 11))
        with world.browse() as stranger:
            stranger.get("/contact")
            stranger.post("/contact", kind="cancel", email=READER, words="")
        world.advance_to(local(2027, 4, 24, 12))
        assert len(world.charges()) == 2, "the charge was held for a week, and then made"
        return reader

    return world, world.once("a stranger's form, and a charge ten days later", live)


def cancel_as_of_the_form(world: World, staff: SignIn, reader: str, role: str = "support") -> Answer:
    member, page = staff(role), f"/staff/readers/{reader}/cancel"
    member.get(page)
    answer = member.post(page, asked="2027-04-14T11:00", when="period_end", step="confirm", reason="as asked")
    world.settle()
    return answer


def refunded(world: World) -> list[int]:
    return [refund["amount"] for refund in world.sandbox.refunds()]


def test_a_strangers_form_lifts_no_limit(make_world: Callable[..., World], staff: SignIn) -> None:
    world, reader = asked_by_a_stranger(make_world)
    answer = cancel_as_of_the_form(world, staff, reader)
    assert answer.status == 403
    assert "R50.00 incl. VAT for this reader this month" in answer.words
    assert "isn’t proved" in answer.words
    assert "mail the reader a link to confirm it" in answer.words
    assert refunded(world) == []


def confirm_link(world: World, support: Browser) -> str:
    """Support has it proved; the link in the mail that asks the reader."""
    (request,) = world.rows("SELECT id FROM reader_request")
    page = support.get(f"/staff/requests/{request['id']}")
    assert "Not proved: somebody typed the address." in page.words
    support.post(f"/staff/requests/{request['id']}/ask-to-confirm")
    world.settle()
    mail = world.letter(READER, "Did you ask us to cancel your subscription?")
    for text in (mail.text, mail.html):
        assert "Wednesday 14 April 2027 at 11:00" in text
    return next(link for link in mail.links if "/request/" in link)


def test_once_its_reader_confirms_it_by_the_mailed_link_it_is_owed(
    make_world: Callable[..., World], staff: SignIn
) -> None:
    world, reader = asked_by_a_stranger(make_world)
    support = staff("support")
    link, person = confirm_link(world, support), world.browser()
    page = person.get(link)
    assert "Did you ask us to cancel?" in page.words
    world.settle()
    assert world.rows("SELECT email_verified FROM reader_request") == [{"email_verified": False}], (
        "mail scanners follow links too"
    )
    other = world.browser()
    other.get(link)
    done = person.post("/request")
    assert "Your subscription is cancelled" in done.words
    assert "A person returns R75.00 incl. VAT, charged since you asked" in done.words
    (row,) = world.rows("SELECT email_verified, confirmed_at, received_at FROM reader_request")
    assert (row["email_verified"], row["confirmed_at"], row["received_at"]) == (
        True,
        world.now,
        local(2027, 4, 14, 11),
    )
    assert other.post("/request").status == 410, "once"
    support.get(f"/staff/readers/{reader}/cancel")
    preview = support.post(f"/staff/readers/{reader}/cancel", asked="2027-04-14T11:00", step="preview")
    assert "is proved, so what was charged since then is owed" in preview.words
    support.post(
        f"/staff/readers/{reader}/cancel", asked="2027-04-14T11:00", step="confirm", reason="as asked"
    )
    world.settle()
    assert refunded(world) == [7500]
    assert world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL") == []
    world.advance_to(local(2027, 6, 17))  # by then later charges would have been made
    assert len(world.charges()) == 2


def test_what_was_charged_before_a_proved_request_came_counts_towards_the_limit(
    make_world: Callable[..., World], staff: SignIn
) -> None:
    world, reader = asked_by_a_stranger(make_world)
    support = staff("support")
    person = world.browser()
    person.get(confirm_link(world, support))
    person.post("/request")
    form = {"asked": "2027-03-15T11:00", "when": "period_end", "step": "confirm", "reason": "from the start"}
    support.get(f"/staff/readers/{reader}/cancel")
    refused = support.post(f"/staff/readers/{reader}/cancel", **form)
    assert refused.status == 403, "the charge of March isn't owed"
    assert "This would give back R75.00" in refused.words
    assert refunded(world) == []


def test_a_link_is_good_for_two_weeks_and_an_open_unproved_request_alone(
    make_world: Callable[..., World], staff: SignIn
) -> None:
    world, _ = asked_by_a_stranger(make_world)
    support = staff("support")
    link, person = confirm_link(world, support), world.browser()
    world.advance_to(local(2027, 5, 8, 12, 0, 1))
    assert person.get(link).status == 410
    assert world.browser().get("/request/req_none.forged").status == 404
    support = staff("support")
    link = confirm_link(world, support)
    (request,) = world.rows("SELECT id FROM reader_request")
    page, colleague = f"/staff/requests/{request['id']}", staff("finance")
    colleague.get(page)
    support.get(page)
    support.post(f"{page}/answer", words="It goes on.")
    assert person.get(link).status == 410, "answered"
    assert colleague.post(f"{page}/ask-to-confirm").status == 409
    audited = world.rows(f"SELECT act, {BY} FROM audit_line WHERE act = 'ask_to_confirm' ORDER BY id")
    assert [row["by"] for row in audited] == ["staff:support@paper.example"] * 2


def asked_when_nothing_ran(world: World) -> None:
    """The reader, who has no subscription, asks by the form, without signing in."""
    world.browser().sign_in(READER)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="cancel", email=READER, words="")
    world.advance(hours=1)


def confirm_asked(world: World, staff: SignIn) -> Answer:
    """Support asks, and the reader presses the button."""
    (request,) = world.rows("SELECT id FROM reader_request")
    support = staff("support")
    support.get(f"/staff/requests/{request['id']}")
    support.post(f"/staff/requests/{request['id']}/ask-to-confirm")
    world.settle()
    mail = world.letter(READER, "Did you ask us to cancel your subscription?")
    person = world.browser()
    person.get(next(link for link in mail.links if "/request/" in link))
    return person.post("/request")


def test_what_began_after_the_request_is_cancelled_by_confirming_it(world: World, staff: SignIn) -> None:
    asked_when_nothing_ran(world)
    world.start_trial(READER)
    done = confirm_asked(world, staff)
    assert "Your subscription is cancelled" in done.words
    assert "It began after you asked" in done.words
    assert "charged since you asked" not in done.words
    (row,) = world.rows("SELECT cancel_asked_at FROM subscription")
    assert row["cancel_asked_at"] == world.now
    assert world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL") == []
    world.advance(days=40)
    assert world.charges() == []


def test_where_nothing_runs_the_page_claims_no_cancellation(world: World, staff: SignIn) -> None:
    asked_when_nothing_ran(world)
    done = confirm_asked(world, staff)
    assert "No subscription runs with your address" in done.words
    assert "A person reads your request" in done.words
    assert len(world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL AND email_verified")) == 1


def test_no_money_is_promised_where_none_was_charged(world: World, staff: SignIn) -> None:
    world.start_trial(READER)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="cancel", email=READER, words="")
    done = confirm_asked(world, staff)
    assert "Your subscription is cancelled" in done.words
    assert "goes back" not in done.words
    assert "returns" not in done.words


def test_a_request_that_has_cancelled_makes_no_charge_of_a_later_subscription_owed(
    make_world: Callable[..., World], staff: SignIn
) -> None:
    world = make_world(support_refund_limit=LIMITED)
    reader = world.start_trial(READER)["reader"]["id"]
    person = world.browser()
    person.sign_in(READER)
    person.get("/contact")
    assert "cancelled" in person.post("/contact", kind="cancel", words="And send me a mug.").words
    world.advance_to(local(2027, 4, 20, 12))
    start_at_once(world, READER)
    world.advance_to(local(2027, 5, 25, 12))
    assert len(world.charges()) >= 2, "of the later subscription"
    support, path = staff("support"), f"/staff/readers/{reader}/cancel"
    support.get(path)
    refused = support.post(path, asked="2027-05-01T12:00", when="now", step="preview")
    assert refused.status == 403
    assert "Your role leaves you R50.00 incl. VAT for this reader" in refused.words
    support.get(path)
    support.post(path, asked="2027-05-01T12:00", when="now", step="confirm", reason="as asked")
    world.settle()
    assert refunded(world) == []
