"""An outage pays back: two moments, and days or money for all whom they touched, each once."""

from datetime import timedelta

import pytest

from tests.support import many
from tests.support.many import AFTER_THE_CHARGE, begin, states
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

ROOM = "/staff/outages"
BEFORE, AFTER = "2027-03-16T08:00", "2027-03-16T11:00"


def chosen(world: World) -> list[str]:
    """The addresses of the readers chosen, in order."""
    rows = world.rows("SELECT r.email FROM bulk_line l JOIN reader r ON r.id = l.reader_id ORDER BY r.email")
    return [row["email"] for row in rows]


def test_all_who_could_read_then_get_days_and_nobody_else(world: World, staff: SignIn) -> None:
    many.payers(world, 2)
    world.start_trial("gone@example.com", "pm_card_visa__7")
    (gone,) = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = 'gone@example.com'"
    )
    world.api.post(f"/v1/subscriptions/{gone['id']}/cancel", json={"when": "now"}).raise_for_status()
    world.advance(days=1)
    since, until = local(2027, 3, 16, 13), local(2027, 3, 17, 2)
    world.advance(hours=1)
    world.start_trial("later@example.com", "pm_card_visa__8")
    admin = staff("admin")
    page = admin.get(f"{ROOM}?since={since:%Y-%m-%dT%H:%M}&until={until:%Y-%m-%dT%H:%M}")
    assert "2 readers had a subscription or a trial that ran" in page.words
    assert "Who came and was kept from reading isn’t recorded" in page.words
    page = admin.post(f"{ROOM}/new", by="entitled", kind="days", days="1")
    assert "Give days, for 2 readers: One day more of the trial or the paid period." in page.words
    assert (
        "All whose subscription or trial let them read between Tuesday 16 March 2027 at 13:00" in page.words
    )
    assert chosen(world) == many.addresses(2)
    begin(admin)
    world.settle()
    assert states(world, many.only(world)["id"]) == ("done", {"done": 2})


def test_who_had_left_before_or_was_paused_over_all_of_it_was_not_kept_from_reading(
    world: World, cancelled: Subscriber, staff: SignIn
) -> None:
    (row,) = world.rows("SELECT access_until FROM subscription")
    world.advance_to(row["access_until"] + timedelta(days=3))
    zone = world.services.site.zone
    end = row["access_until"].astimezone(zone)
    admin = staff("admin")
    for since, until, expected in (
        (end - timedelta(hours=2), end + timedelta(hours=2), [cancelled.email]),
        (end + timedelta(hours=1), end + timedelta(hours=2), []),
    ):
        admin.get(f"{ROOM}?since={since:%Y-%m-%dT%H:%M}&until={until:%Y-%m-%dT%H:%M}")
        admin.post(f"{ROOM}/new", by="entitled", kind="days", days="1")
        assert chosen(world) == expected
        world.execute("DELETE FROM bulk_line")


def test_those_charged_wrongly_in_that_time_get_exactly_that_charge_back(world: World, staff: SignIn) -> None:
    many.payers(world, 3)
    world.advance_to(AFTER_THE_CHARGE + timedelta(days=40))
    finance = staff("finance")
    page = finance.get(f"{ROOM}?since={BEFORE}&until={AFTER}")
    assert "3 charges were made, R225.00 incl. VAT in all" in page.words
    page = finance.post(f"{ROOM}/new", by="charged", kind="refund", amount="")
    assert "In all R225.00 incl. VAT goes back" in page.words
    begin(finance, "Charged twice by mistake.")
    world.settle()
    first = {
        row["charge_ref"] for row in world.rows("SELECT charge_ref FROM payment WHERE paid_at < '2027-03-17'")
    }
    assert {refund["charge"] for refund in world.sandbox.refunds()} == first


def test_who_was_charged_in_that_time_can_get_days_once(world: World, staff: SignIn) -> None:
    many.payers(world, 2)
    admin = staff("admin")
    admin.get(f"{ROOM}?since={BEFORE}&until={AFTER}")
    admin.post(f"{ROOM}/new", by="charged", kind="days", days="2")
    assert chosen(world) == many.addresses(2)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2027-03-01T10:00", "2027-03-01T09:00", "the later one second"),
        ("2027-03-01T09:00", "2030-01-01T09:00", "two moments that have passed"),
        ("yesterday", "2027-03-01T09:00", "Give the day and the time"),
        ("", "2027-03-01T09:00", "Give the day and the time"),
    ],
)
def test_two_moments_that_are_no_time_are_refused_and_stay_typed(
    world: World, staff: SignIn, since: str, until: str, said: str
) -> None:
    page = staff("admin").get(f"{ROOM}?since={since}&until={until}")
    assert page.status == 422
    assert said in page.words
    assert f'value="{until}"' in page.text


def test_many_readers_are_listed_in_pages_and_none_is_lost_or_doubled(
    world: World, staff: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.staff.bulk.choose.PAGE", 2)
    many.trials(world, 5)
    world.advance(hours=1)
    admin = staff("admin")
    admin.get(f"{ROOM}?since=2027-03-01T10:10&until=2027-03-01T10:30")
    admin.post(f"{ROOM}/new", by="entitled", kind="days", days="2")
    world.settle()
    assert chosen(world) == many.addresses(5)
    assert states(world, many.only(world)["id"]) == ("previewed", {"ready": 5})
