"""Whatever fails: no charge without both notices, accepted in their windows before that charge."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.proof_size import sized
from tests.support.world import ZONE, World

FIRST = (timedelta(days=9), timedelta(days=7))
SECOND = (timedelta(days=7), timedelta(days=3))
QUIET = timedelta(days=24)


@dataclass(frozen=True)
class Outage:
    """An outage of some hours, `after` hours from the sign-up."""

    what: str  # "worker": nothing is done; "mail": 4xx; "mailbox": 5xx, mails are lost for good
    after: int
    hours: int


OUTAGES = st.lists(
    st.builds(
        Outage,
        st.sampled_from(["worker", "worker", "mail", "mailbox"]),
        st.integers(0, 24 * 30),
        st.integers(1, 120),
    ),
    max_size=6,
)


def _live_through(world: World, subscription_id: str, outages: list[Outage]) -> None:
    """Step from edge to edge, then on until it is charged or has ended. During an outage of the worker, time passes and no work is done."""
    start = world.now
    spans = [
        (start + timedelta(hours=one.after), start + timedelta(hours=one.after + one.hours), one.what)
        for one in outages
    ]
    edges = sorted({start, *(edge for begin, end, _ in spans for edge in (begin, end))})
    for here, there in pairwise(edges):
        away = {what for begin, end, what in spans if begin <= here < end}
        world.smtp.mend()
        if "mailbox" in away:
            world.smtp.refuse(550, "gone")
        elif "mail" in away:
            world.smtp.refuse(451, "later", at="mail")
        if "worker" in away:
            world.skip_to(there)
        else:
            world.advance_to(there)
    world.smtp.mend()
    quiet_until = world.now + QUIET
    while world.now < quiet_until and _undecided(world, subscription_id):
        world.advance(days=1)


def _undecided(world: World, subscription_id: str) -> bool:
    rows = world.rows("SELECT state FROM subscription WHERE id = :id", id=subscription_id)
    return bool(rows[0]["state"] == "trialing")


def _notified_in_time(world: World, subscription_id: str, charged_at: datetime) -> bool:
    """By the rows of the mail server's answers alone."""
    rows = world.rows(
        "SELECT fields->>'which' AS which, accepted_at FROM message WHERE kind = 'trial_notice'"
        " AND accepted_at IS NOT NULL AND key LIKE :key AND fields->>'charge_on' = :day",
        key=f"%:{subscription_id}:%",
        day=f"{charged_at.astimezone(ZONE):%Y-%m-%d}",
    )
    return all(
        any(
            row["which"] == which and charged_at - early <= row["accepted_at"] <= charged_at - late
            for row in rows
        )
        for which, (early, late) in (("first", FIRST), ("second", SECOND))
    )


def _refused_too_often(world: World, subscription_id: str, outages: list[Outage]) -> bool:
    """Whether it ended because mails were lost for good; only then may there be no charge."""
    rows = world.rows(
        "SELECT event, reason FROM subscription_change WHERE subscription_id = :id ORDER BY id",
        id=subscription_id,
    )
    if rows[-1]["event"] != "unreachable":
        return False
    moved = [row for row in rows if row["reason"] == "the reader's mail address refuses our notices"]
    assert len(moved) == 3, "two extensions and the end"
    assert any(one.what == "mailbox" for one in outages)
    return True


def _prove(world: World, examples: int) -> None:
    count = iter(range(10_000))

    @settings(max_examples=examples)
    @given(outages=OUTAGES, hour=st.integers(0, 23))
    def no_notice_no_charge(outages: list[Outage], hour: int) -> None:
        number = next(count)
        tomorrow = world.now.astimezone(ZONE) + timedelta(days=1)
        world.advance_to(tomorrow.replace(hour=hour, minute=0))
        begun = world.start_trial(f"r{number}@example.com", f"pm_card_visa__{number}")
        subscription, reader = begun["subscription"]["id"], begun["reader"]["id"]
        started = world.now
        _live_through(world, subscription, outages)
        charges = world.charges(of=reader)
        if _refused_too_often(world, subscription, outages):
            assert charges == [], "two extensions for an address that refuses, then the end"
            return
        assert charges, "once all is quiet the first charge comes"
        first = datetime.fromtimestamp(charges[0]["created"], ZONE)
        assert first >= started + timedelta(days=14)
        assert _notified_in_time(world, subscription, first)
        world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={"when": "now"})

    no_notice_no_charge()


def test_never_a_charge_without_both_notices_in_time(world: World) -> None:
    _prove(world, 2)


@pytest.mark.prove
def test_never_in_many_random_springs(world: World) -> None:
    _prove(world, sized(at_length=100, usual=8))
