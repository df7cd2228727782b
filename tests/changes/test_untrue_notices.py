"""Notices that a greylisting relay delays while the reader makes another choice: taken back, and sent again where still true."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from billing.changes import announce_price, change_plan, pause
from billing.platform.actors import Command, ReaderActor
from tests.support.cancel_helpers import cancel
from tests.support.leaps import leap_over_charge, leap_to
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def _by(world: World, do: Callable[..., object], *arguments: object, **more: object) -> None:
    """Call the function of the account's pages, without a mail to sign in by."""
    services = world.services
    with services.database.begin(services.site, world.now, ReaderActor("r")) as ctx:
        do(ctx, *arguments, reason="asked", **more)


def _cancel_and_go_on(world: World, reader: Subscriber) -> None:
    cancel(world, reader.subscription_id)
    world.api.post(f"/v1/subscriptions/{reader.subscription_id}/resume").raise_for_status()


def _mails(world: World, kind: str) -> list[tuple[str, dict[str, object]]]:
    """The states of the mails of a kind, by name, and their texts."""
    rows = world.rows("SELECT state, fields FROM message WHERE kind = :kind ORDER BY state", kind=kind)
    return [(row["state"], row["fields"]) for row in rows]


def _states(world: World, kind: str) -> list[str]:
    return [state for state, _ in _mails(world, kind)]


def _plan_price(world: World) -> None:
    """R80.00 from tomorrow for new readers. In the weeks before 16 May, subscribers are told at once of 16 June."""
    today = world.services.site.today(world.now)
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        announce_price.plan_change(ctx, "monthly", 8000, today + timedelta(days=1), today=today)


def _price_announced(world: World, reader: Subscriber, at: datetime) -> None:
    """R80.00 from 16 June, planned at `at`; its notice waits."""
    fast_forward(world, at)
    _plan_price(world)
    world.smtp.greylist(reader.email, times=None)
    world.advance(hours=2)
    assert _states(world, "price_notice") == ["queued"]


def test_a_price_is_announced_again_when_the_cancellation_is_undone(
    world: World, paid_twice: Subscriber
) -> None:
    _price_announced(world, paid_twice, local(2027, 5, 9, 22))
    cancel(world, paid_twice.subscription_id)
    assert _states(world, "price_notice") == ["obsolete"]
    world.api.post(f"/v1/subscriptions/{paid_twice.subscription_id}/resume").raise_for_status()
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "price_notice") == ["accepted", "obsolete"]
    leap_over_charge(world, local(2027, 5, 16))
    leap_over_charge(world, local(2027, 6, 16))
    assert [charge["amount"] for charge in world.charges()] == [7500, 7500, 7500, 8000]


def test_a_price_is_announced_again_when_another_plan_is_undone(world: World, paid_twice: Subscriber) -> None:
    _price_announced(world, paid_twice, local(2027, 5, 9, 22))
    _by(world, change_plan.choose_plan, paid_twice.subscription_id, "yearly")
    assert _states(world, "price_notice") == ["obsolete"]
    _by(world, change_plan.undo, paid_twice.subscription_id)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "price_notice") == ["accepted", "obsolete"]


def test_a_pause_that_is_ended_by_hand_does_not_announce_its_end(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 20))
    _by(world, pause.request_pause, paid.subscription_id, 1, most=3)
    leap_over_charge(world, local(2027, 4, 16))
    leap_to(world, local(2027, 5, 7))
    world.smtp.greylist(paid.email, times=None)
    leap_to(world, local(2027, 5, 8, 8, 30))
    world.advance_to(local(2027, 5, 8, 10))
    assert _states(world, "pause_ends") == ["queued"]
    _by(world, pause.undo, paid.subscription_id)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "pause_ends") == ["obsolete"]
    assert world.mail_kinds(paid.email)[-1] == "receipt"


def test_the_reminder_names_the_plan_that_was_chosen_while_it_waited(world: World, year: Subscriber) -> None:
    fast_forward(world, local(2028, 1, 20, 12))
    world.smtp.greylist(year.email, times=None)
    leap_to(world, local(2028, 1, 24, 7))
    world.advance_to(local(2028, 1, 24, 10))
    assert [(state, said["amount"]) for state, said in _mails(world, "term_reminder")] == [("queued", 7500)]
    _by(world, change_plan.choose_plan, year.subscription_id, "yearly")
    world.smtp.mend()
    world.advance(hours=2)
    assert [(state, said["amount"]) for state, said in _mails(world, "term_reminder")] == [
        ("accepted", 75000),
        ("obsolete", 7500),
    ]
    world.advance_to(local(2028, 2, 1, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000]


def test_the_end_of_a_year_is_announced_again_after_a_cancellation_that_is_undone(
    world: World, year: Subscriber
) -> None:
    fast_forward(world, local(2027, 10, 1, 12))
    world.smtp.greylist(year.email, times=None)
    leap_to(world, local(2027, 11, 19, 22))
    world.advance(hours=2)
    assert _states(world, "term_notice") == ["queued"]
    _cancel_and_go_on(world, year)
    world.smtp.mend()
    world.advance(hours=2)
    assert _states(world, "term_notice") == ["accepted", "obsolete"]
    world.advance_to(local(2028, 2, 1, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500]


def test_that_a_card_ends_is_no_news_once_there_is_another(world: World, paid: Subscriber) -> None:
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.replace(card["gateway_ref"], exp_month=4, exp_year=2027)
    world.settle()
    world.advance_to(local(2027, 4, 16, 8))
    world.smtp.greylist(paid.email, times=None)
    world.advance_to(local(2027, 4, 16, 10))
    assert _states(world, "card_expiring") == ["queued"]
    world.sandbox.replace(card["gateway_ref"])
    world.settle()
    assert _states(world, "card_expiring") == ["obsolete"]


# what was undone too late for the day of the notice is told for a later period


def _charged(world: World) -> list[tuple[str, int]]:
    pairs = zip(world.charged_at(), world.charges(), strict=True)
    return [(at[:10], charge["amount"]) for at, charge in pairs]


def _notified_in_time(world: World) -> list[tuple[date, str]]:
    """Each delivered notice's first day and state. Each was delivered at least thirty days before."""
    rows = world.rows(
        "SELECT n.starts_on, n.state, m.accepted_at FROM price_notice n JOIN message m ON m.key = 'price-notice:' || n.id"
        " WHERE m.accepted_at IS NOT NULL ORDER BY n.id"
    )
    for row in rows:
        day = row["starts_on"]
        assert (local(day.year, day.month, day.day, 9) - row["accepted_at"]).days >= 30
    return [(row["starts_on"], row["state"]) for row in rows]


def test_a_cancellation_undone_too_late_for_the_notice_moves_the_price_to_a_later_period(
    world: World, paid_twice: Subscriber
) -> None:
    _price_announced(world, paid_twice, local(2027, 5, 15, 20))
    leap_over_charge(world, local(2027, 5, 16))
    cancel(world, paid_twice.subscription_id)
    world.smtp.mend()
    world.advance_to(local(2027, 5, 18))
    world.api.post(f"/v1/subscriptions/{paid_twice.subscription_id}/resume").raise_for_status()
    account = world.browser().sign_in(paid_twice.email)
    assert "R80.00" not in account.words, "nothing is said of what is not announced"
    for month in (6, 7, 8):
        world.advance_to(local(2027, month, 5, 12))  # a notice is sent between the 1st and the 15th
        leap_over_charge(world, local(2027, month, 16))
    assert _charged(world)[2:] == [
        ("2027-05-16", 7500), ("2027-06-16", 7500), ("2027-07-16", 8000), ("2027-08-16", 8000),
    ]  # fmt: skip
    assert _notified_in_time(world) == [(date(2027, 7, 16), "holds")]


def _expired(world: World, reader: Subscriber) -> None:
    """The notice of R80.00 was greylisted on its last day until it was too late; it is 22 May."""

    def live() -> None:
        _plan_price(world)
        world.smtp.greylist(reader.email, times=None)
        world.advance(hours=2)
        assert _states(world, "price_notice") == ["queued"]
        leap_to(world, local(2027, 5, 17, 6))
        world.advance_to(local(2027, 5, 22))
        world.smtp.mend()

    fast_forward(world, local(2027, 5, 16, 10))
    world.once("the notice of R80.00 expires", live)
    assert _states(world, "price_notice") == ["expired"]


def test_a_notice_that_no_mail_server_took_in_time_is_told_again_for_a_later_period(
    world: World, paid_twice: Subscriber
) -> None:
    _expired(world, paid_twice)
    fast_forward(world, local(2027, 6, 1))
    fast_forward(world, local(2027, 7, 20))
    assert _charged(world)[2:] == [("2027-05-16", 7500), ("2027-06-16", 7500), ("2027-07-16", 8000)]
    assert _notified_in_time(world) == [(date(2027, 7, 16), "holds")]


def test_a_notice_that_bounced_is_told_again_once_the_address_takes_mail(
    world: World, paid_twice: Subscriber
) -> None:
    fast_forward(world, local(2027, 5, 9, 22))
    world.smtp.refuse(550, "5.1.1 no such mailbox", to=paid_twice.email, times=None)
    _plan_price(world)
    leap_over_charge(world, local(2027, 5, 16))
    leap_to(world, local(2027, 6, 10))
    assert _states(world, "price_notice") == ["refused"], (
        "an address that refuses mail is told nothing each month"
    )
    world.smtp.mend()
    for month in (6, 7, 8):
        leap_over_charge(world, local(2027, month, 16))
        leap_to(world, local(2027, month, 20))
    assert _charged(world)[-2:] == [("2027-07-16", 7500), ("2027-08-16", 8000)]
    assert _notified_in_time(world) == [(date(2027, 8, 16), "holds")]
    with world.services.database.transaction() as session:
        assert announce_price.failed_notices(session) == []


def test_a_change_of_price_stays_open_until_each_reader_pays_it(world: World, paid_twice: Subscriber) -> None:
    _expired(world, paid_twice)
    fast_forward(world, local(2027, 6, 1))
    assert world.rows("SELECT 1 FROM price_change WHERE closed_at IS NULL") != []
    fast_forward(world, local(2027, 7, 20))
    leap_to(world, local(2027, 8, 1))
    assert world.rows("SELECT 1 FROM price_change WHERE closed_at IS NULL") == []
