"""Entitlement: the SQL for all readers agrees with the rule for one subscription."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.access.entitled import entitled
from billing.access.entitlements import entitlements_of
from billing.newsletters.lists import may_have
from billing.platform.actors import WORKER
from billing.platform.db import Database
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import Entitlement, Reason, entitlement_of
from billing.rules.features import newsletter_feature
from billing.rules.lifecycle import State
from billing.rules.pause import resumes_at
from tests.support.installation import SECRET_KEY
from tests.support.proof_size import sized

START = datetime(2027, 3, 27, tzinfo=UTC)
"""A day before the clocks of Berlin and Santiago change, in opposite directions and weeks apart."""
ZONES = ("Africa/Johannesburg", "Europe/Berlin", "America/Santiago", "Pacific/Auckland")
LIST = newsletter_feature("the-inside")
PLANS = {"monthly": ["listen"], "yearly": ["comment", "listen", LIST]}
instants = st.integers(-30 * 24 * 60, 30 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
days = st.integers(-30, 30).map(lambda number: START.date() + timedelta(days=number))
numbers = count()


@dataclass(frozen=True)
class Subscribed:
    """The facts that decide about a subscription. A dispute stops one like a cancellation."""

    state: State
    plan_id: str
    access_until: datetime
    cancels_at: datetime | None
    resumes_on: date | None


@dataclass(frozen=True)
class Given:
    """Complimentary days."""

    given_at: datetime
    until: datetime
    features: list[str]


subscriptions = st.builds(
    Subscribed,
    state=st.sampled_from(State),
    plan_id=st.sampled_from(sorted(PLANS)),
    access_until=instants,
    cancels_at=st.none() | instants,
    resumes_on=days,
)
grants = st.builds(
    Given, given_at=instants, until=instants, features=st.sampled_from([[], ["listen"], ["comment", LIST]])
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """With two plans, of which one names the newsletter."""
    found = Database(database_url)
    with found.transaction() as session:
        for plan_id, features in PLANS.items():
            session.execute(
                sa.text("UPDATE plan SET features = CAST(:features AS jsonb) WHERE id = :id"),
                {"features": json.dumps(features), "id": plan_id},
            )
    yield found
    found.close()


def write(database: Database, subscribed: Subscribed | None, given_days: list[Given]) -> str:
    """A reader with these facts; its id."""
    name = str(next(numbers))
    with database.transaction() as session:
        values = {"id": name, "mail": f"{name}@example.com", "start": START}
        session.execute(
            sa.text("INSERT INTO reader (id, email, created_at) VALUES (:id, :mail, :start)"), values
        )
        if subscribed is not None:
            ended = START if subscribed.state is State.ENDED else None
            session.execute(
                sa.text(
                    "INSERT INTO subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on,"
                    " period_number, access_until, ended_at, next_action_at, cancel_asked_at, cancels_at, resumes_on)"
                    " VALUES (:id, :id, :plan, :price, :state, :start, :start, 1, :until, :ended, :next, :asked, :cancels,"
                    " :resumes)"
                ),
                values
                | {
                    "plan": subscribed.plan_id,
                    "price": {"monthly": "monthly-75", "yearly": "yearly-750"}[subscribed.plan_id],
                    "state": subscribed.state.value,
                    "until": subscribed.access_until,
                    "ended": ended,
                    "next": None if ended else START,
                    "asked": subscribed.cancels_at and START,
                    "cancels": subscribed.cancels_at,
                    "resumes": subscribed.resumes_on,
                },
            )
        for number, grant in enumerate(given_days):
            session.execute(
                sa.text(
                    "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason)"
                    " VALUES (:grant, :id, :given, :until, CAST(:features AS jsonb), 'command', 'test', 'test')"
                ),
                values
                | {
                    "grant": f"{name}-{number}",
                    "given": grant.given_at,
                    "until": grant.until,
                    "features": json.dumps(grant.features),
                },
            )
    return name


def by_the_rule(
    subscribed: Subscribed | None, given_days: list[Given], zone: ZoneInfo, at: datetime
) -> list[Entitlement]:
    """The reader's current and future rights, decided one by one."""
    held = [
        Entitlement(Reason.COMPLIMENTARY, grant.until, frozenset(grant.features))
        for grant in given_days
        if grant.given_at <= at < grant.until
    ]
    if subscribed is None:
        return held
    own = entitlement_of(
        subscribed.state,
        cancels_at=subscribed.cancels_at,
        access_until=subscribed.access_until,
        resumes_at=resumes_at(subscribed.resumes_on, zone),
        features=frozenset(PLANS[subscribed.plan_id]),
        at=at,
    )
    return held if own is None else [own, *held]


def agree(
    database: Database, subscribed: Subscribed | None, given_days: list[Given], zone: str, at: datetime
) -> bool:
    """Whether the reader is entitled to anything, by the rule and by SQL."""
    reader_id = write(database, subscribed, given_days)
    expected = by_the_rule(subscribed, given_days, ZoneInfo(zone), at)
    live = [one for one in expected if one.live(at)]
    site = Site(ZoneInfo(zone), "http://127.0.0.1", Tokens(SECRET_KEY))
    with database.begin(site, at, WORKER) as ctx:
        found = list(entitlements_of(ctx, reader_id).held)
        reads, has_list = ctx.session.execute(
            sa.text(f"SELECT {entitled(':reader')}, {may_have(':reader', ':list')}"),
            {"reader": reader_id, "list": "the-inside", "zone": zone, "at": at},
        ).one()
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert reads == bool(live)
    assert has_list == any(LIST in one.features for one in live)
    return bool(live)


def throw(database: Database, examples: int) -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=examples, database=None)
    @given(st.none() | subscriptions, st.lists(grants, max_size=2), st.sampled_from(ZONES), instants)
    def same(subscribed: Subscribed | None, given_days: list[Given], zone: str, at: datetime) -> None:
        seen[agree(database, subscribed, given_days, zone, at)] += 1

    same()
    assert min(seen[True], seen[False]) > examples // 5, "both answers, or little was shown"


def test_sql_and_the_rule_agree(database: Database) -> None:
    throw(database, 150)


@pytest.mark.prove
def test_sql_and_the_rule_agree_again_and_again(database: Database) -> None:
    throw(database, sized(at_length=5_000, usual=500))


@pytest.mark.parametrize("state", State)
def test_to_the_instant(database: Database, state: State) -> None:
    """At the exact ends, cancelled or not. Random instants seldom hit them."""
    zone, end = ZONES[0], START.replace(hour=22)
    for cancels_at in (None, end):
        own = Subscribed(state, "monthly", end, cancels_at, date(2027, 3, 28))
        for step in (-1, 0, 1):
            at = end + timedelta(microseconds=step)
            agree(
                database, own, [Given(START, end, []), Given(end, end + timedelta(hours=1), [LIST])], zone, at
            )
