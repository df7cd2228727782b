"""Queries that travel together find what each would find alone."""

import pytest
import sqlalchemy as sa
from sqlmodel import col

from billing.platform.read_together import entity, read_rows, read_together, whole
from billing.subscriptions.models import Plan, Subscription
from tests.support.starting_points import Subscriber
from tests.support.world import World

SUBSCRIPTIONS = sa.select(*Subscription.__table__.c).order_by(Subscription.id)  # type: ignore[attr-defined]
PLANS = sa.select(
    col(Plan.id), col(Plan.features), sa.func.upper(Plan.name, type_=sa.Text).label("upper")
).where(col(Plan.months) >= sa.bindparam("months"))
WHOLE = sa.select(whole(Subscription))
WORDS = """50% of O'Neill's %(param_2)s, %(given)s, \\ and :at"""
CONSTANTS = sa.select(
    sa.literal(WORDS).label("words"), sa.literal(WORDS).label("again"), sa.bindparam("given", type_=sa.Text)
)
BYTES = sa.select(sa.literal(b"bytes").label("value"))


def test_rows_are_those_of_the_queries_alone(world: World, paid: Subscriber) -> None:
    with world.services.database.transaction() as session:
        subscriptions, none, plans = read_together(
            session, SUBSCRIPTIONS, SUBSCRIPTIONS.where(sa.false()), PLANS, months=1
        )
        assert subscriptions == [tuple(row) for row in session.execute(SUBSCRIPTIONS)]
        assert sorted(plans) == sorted(tuple(row) for row in session.execute(PLANS, {"months": 1}))
        assert [row[0] for row in plans], "the paper has plans"
    assert len(subscriptions) == 1, "one reader has paid"
    assert none == []


def test_what_the_session_has_not_written_yet_is_found(world: World) -> None:
    with world.services.database.transaction() as session:
        plan = Plan(id="weekly", name="Weekly", months=1, period_label="week", trial_days=7, features=[])
        session.add(plan)
        assert ("weekly", [], "WEEKLY") in read_rows(session, PLANS, months=1)


def test_an_entity_is_as_if_loaded(world: World, paid: Subscriber) -> None:
    with world.services.database.transaction() as session:
        ((values,),) = read_rows(session, WHOLE)
        made = entity(Subscription, values)
        session.add(made)
        assert not session.dirty, "it changes nothing"
        assert session.get(Subscription, made.id) is made
        before = made.model_dump()
        session.refresh(made)
        assert made.model_dump() == before


def test_a_constant_may_hold_anything(world: World) -> None:
    with world.services.database.transaction() as session:
        assert read_rows(session, CONSTANTS, given=WORDS) == [(WORDS, WORDS, WORDS)]


def test_a_type_that_json_would_change_is_refused(world: World) -> None:
    with world.services.database.transaction() as session, pytest.raises(TypeError, match="LargeBinary"):
        read_rows(session, BYTES)
