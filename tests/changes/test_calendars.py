"""A year of charges and notices for readers who signed up on 31 January and 29 February."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.proof_size import only_at_length
from tests.support.signed_in import signed_in
from tests.support.world import World, local

MakeWorld = Callable[..., World]


def diary(world: World, email: str) -> list[str]:
    """Charges of and mails to a reader, in order. Receipts are left out, as each charge has its own."""
    reader = world.rows("SELECT id FROM reader WHERE email = :email", email=email)[0]["id"]
    taken = zip(world.charged_at(of=reader), world.charges(of=reader), strict=True)
    lines = [f"{at} R{charge['amount'] // 100}" for at, charge in taken]
    mails = world.rows(
        "SELECT kind, accepted_at, fields->>'which' AS which FROM message WHERE recipient = :email"
        " AND state = 'accepted' AND kind NOT IN ('receipt', 'sign_in_link')",
        email=email,
    )
    for mail in mails:
        at = mail["accepted_at"].astimezone(local(2027, 1, 1).tzinfo)
        lines.append(f"{at:%Y-%m-%d %H:%M} {' '.join(filter(None, (mail['which'], mail['kind'])))}")
    receipts = world.rows(
        "SELECT count(*) FROM message WHERE recipient = :email AND kind = 'receipt'", email=email
    )
    assert receipts[0]["count"] == len(world.charges(of=reader)), "a receipt for each charge"
    return sorted(lines)


def used_up(world: World, email: str, card: str) -> None:
    """Let a reader have a trial and cancel it."""
    begun = world.start_trial(email, card)
    world.api.post(f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={}).raise_for_status()


def start_at_once(world: World, email: str, plan: str, number: str) -> None:
    """Start without a trial, by the pages."""
    browser = signed_in(world, email)
    browser.get(f"/subscribe?plan={plan}")
    browser.post("/subscribe/without-trial")
    assert browser.agree_and_pay(number).path == "/subscribe/started"


def a_year_from(make_world: MakeWorld, begin: datetime, day: datetime) -> World:
    """Three readers who start on one day: with a trial, with a month at once, with a year at once; and 14 months."""
    world = make_world(begin)
    used_up(world, "month@example.com", "pm_card_visa__1")
    used_up(world, "year@example.com", "pm_card_visa__2")
    world.advance_to(day)
    world.start_trial("trial@example.com", "pm_card_visa__3")
    start_at_once(world, "month@example.com", "monthly", "4242424242424242__4")
    start_at_once(world, "year@example.com", "yearly", "4242424242424242__5")
    world.advance_to(local(day.year + 1, 4, 20))
    return world


def since(lines: list[str], day: str) -> list[str]:
    return [line for line in lines if line >= day]


@only_at_length
@pytest.mark.prove
def test_signed_up_on_31_january(make_world: MakeWorld) -> None:
    world = a_year_from(make_world, local(2027, 1, 4, 10), local(2027, 1, 31, 10))
    assert diary(world, "trial@example.com") == [
        "2027-01-31 10:00 trial_started",
        "2027-02-07 09:00 first trial_notice",
        "2027-02-11 09:00 second trial_notice",
        "2027-02-15 09:00 R75",
        *(f"2027-{month:02d}-15 09:00 R75" for month in range(3, 13)),
        *(f"2028-{month:02d}-15 09:00 R75" for month in range(1, 5)),
    ]
    assert since(diary(world, "month@example.com"), "2027-01-20") == [
        "2027-01-31 10:00 R75",
        "2027-02-28 09:00 R75",
        "2027-03-31 09:00 R75",
        "2027-04-30 09:00 R75",
        "2027-05-31 09:00 R75",
        "2027-06-30 09:00 R75",
        "2027-07-31 09:00 R75",
        "2027-08-31 09:00 R75",
        "2027-09-30 09:00 R75",
        "2027-10-31 09:00 R75",
        "2027-11-30 09:00 R75",
        "2027-12-31 09:00 R75",
        "2028-01-31 09:00 R75",
        "2028-02-29 09:00 R75",
        "2028-03-31 09:00 R75",
    ]
    assert since(diary(world, "year@example.com"), "2027-01-20") == [
        "2027-01-31 10:00 R750",
        "2027-11-04 09:00 term_notice",
        "2028-01-23 09:00 first term_reminder",
        "2028-01-27 09:00 second term_reminder",
        "2028-01-31 09:00 R75",
        "2028-02-29 09:00 R75",
        "2028-03-31 09:00 R75",
    ]


@only_at_length
@pytest.mark.prove
def test_signed_up_on_29_february(make_world: MakeWorld) -> None:
    world = a_year_from(make_world, local(2028, 2, 7, 10), local(2028, 2, 29, 10))
    assert diary(world, "trial@example.com") == [
        "2028-02-29 10:00 trial_started",
        "2028-03-07 09:00 first trial_notice",
        "2028-03-11 09:00 second trial_notice",
        "2028-03-15 09:00 R75",
        *(f"2028-{month:02d}-15 09:00 R75" for month in range(4, 13)),
        *(f"2029-{month:02d}-15 09:00 R75" for month in range(1, 5)),
    ]
    assert since(diary(world, "month@example.com"), "2028-02-25") == [
        "2028-02-29 10:00 R75",
        *(f"2028-{month:02d}-29 09:00 R75" for month in range(3, 13)),
        "2029-01-29 09:00 R75",
        "2029-02-28 09:00 R75",
        "2029-03-29 09:00 R75",
    ]
    assert since(diary(world, "year@example.com"), "2028-02-25") == [
        "2028-02-29 10:00 R750",
        "2028-11-30 09:00 term_notice",
        "2029-02-20 09:00 first term_reminder",
        "2029-02-24 09:00 second term_reminder",
        "2029-02-28 09:00 R75",
        "2029-03-29 09:00 R75",
    ]
