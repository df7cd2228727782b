"""All subscriptions together are foreseen in SQL as each by its own rules, whatever their columns hold."""

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.reports.numbers.forecast import last_day_ahead
from billing.rules.lifecycle import State
from billing.rules.periods import add_months
from billing.subscriptions.coming_charges import COMING, ComingCharge, coming_charges
from billing.subscriptions.forecast import forecast
from billing.subscriptions.models import Plan, Price, Subscription, TermsChangeReason
from tests.support.plans import plan_of
from tests.support.world import World, local

PLANS = {"monthly": "monthly-75", "yearly": "yearly-750", "quarterly": "quarterly-200"}
MANY = 80
TODAYS = (local(2027, 1, 31, 12), local(2027, 2, 28, 8), local(2027, 3, 15, 10), local(2028, 2, 29, 9))


def kind(chance: Random) -> dict[str, Any]:
    """What a subscription may hold, also together with what the product would not let it hold. Most hold nothing special."""

    def rarely(value: object, times: float = 0.08) -> Any:
        return value if chance.random() < times else None

    def near() -> int:
        return chance.randint(-40, 70)

    state = chance.choice(["active"] * 9 + ["trialing"] * 5 + ["past_due", "past_due", "paused", "ended"])
    return {
        "plan": chance.choice([*PLANS, "monthly"]),
        "state": state,
        "anchor_day": chance.choice([1, 2, 14, 15, 16, 28, 29, 30, 31]),
        "months_ago": chance.randint(0, 14),
        "to_end": chance.choice([0, 1, 1, 1, 2, 2, 2, 3]),
        "period": chance.randint(0, 3),
        "unpaid": state == "trialing" and chance.random() < 0.9,
        "cancels": rarely(True),
        "charging": rarely(True),
        "held": rarely(near()),
        "resumes": near() if state == "paused" else rarely(near()),
        "retry": chance.choice([None, near()]) if state == "past_due" else None,
        "next": rarely((chance.choice(["monthly-90", *PLANS.values()]), chance.randint(-3, 33)), 0.4),
    }


def add_plans(session: Any) -> None:
    """A plan by the quarter, and a dearer month from the middle of February on."""
    month = session.get(Plan, "monthly")
    values = month.model_dump() | {"id": "quarterly", "months": 3, "position": 3, "period_label": "quarter"}
    session.add(Plan(**values))
    session.flush()
    session.add(Price(id="quarterly-200", plan_id="quarterly", amount=20000, valid_from=date(2020, 1, 1)))
    session.add(Price(id="monthly-90", plan_id="monthly", amount=9000, valid_from=date(2027, 2, 14)))
    session.flush()


def _in_days(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)


def add(ctx: TransactionContext, number: int, kind: dict[str, Any]) -> None:
    """The subscription of a reader of its own."""
    today, state = ctx.today, State(kind["state"])
    month = add_months(today.replace(day=1), -kind["months_ago"])
    anchor = add_months(month.replace(month=1, day=kind["anchor_day"]), month.month - 1)
    unpaid = kind["unpaid"]
    if unpaid:
        anchor = today + timedelta(days=kind["to_end"] * 9 - 6)
    ends = None if unpaid else add_months(anchor, kind["months_ago"] + kind["to_end"] - 1)
    next_price, next_on = kind["next"] or (None, None)
    reader = f"rdr_{number}"
    ctx.session.execute(
        sa.text("INSERT INTO reader (id, email, created_at) VALUES (:id, :email, :at)"),
        {"id": reader, "email": f"{number}@example.com", "at": ctx.at},
    )
    row = Subscription(
        id=f"sub_{number}",
        reader_id=reader,
        plan_id=kind["plan"],
        price_id=PLANS[kind["plan"]],
        state=state,
        started_at=ctx.at,
        charge_on=anchor,
        period_number=0 if unpaid else max(kind["period"], 1),
        period_end_on=ends,
        access_until=ctx.at,
        charging_since=ctx.at if kind["charging"] and state is not State.ENDED else None,
        first_failed_on=today if state is State.PAST_DUE else None,
        retry_on=_in_days(today, kind["retry"]),
        next_price_id=next_price,
        next_terms_on=_in_days(today, next_on),
        next_terms_because=TermsChangeReason.SWITCH if next_price else None,
        resumes_on=_in_days(today, kind["resumes"]),
        held_until=_in_days(today, kind["held"]),
        cancel_asked_at=ctx.at if kind["cancels"] else None,
        cancels_at=ctx.at if kind["cancels"] else None,
        next_action=None if state is State.ENDED else "renew",
        next_action_at=None if state is State.ENDED else ctx.at,
        ended_at=ctx.at if state is State.ENDED else None,
    )
    ctx.session.add(row)


def one_by_one(ctx: TransactionContext, until: date) -> Counter[ComingCharge]:
    """The same by the rules of each subscription."""
    found: Counter[ComingCharge] = Counter()
    for subscription in ctx.session.scalars(sa.select(Subscription)).all():
        charges = forecast(ctx, subscription, until=until)
        late = [charge for charge in charges if charge.on < ctx.today]
        for charge in (*late[-1:], *charges[len(late) :]):
            on = max(charge.on, ctx.today)
            found[ComingCharge(on, charge.plan_id, charge.starts_on, charge.ends_on, charge.amount)] += 1
    return found


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TODAYS), st.integers(0, 2**32))
def test_in_sql_as_by_the_rules(world: World, at: datetime, seed: int) -> None:
    services, chance = world.services, Random(seed)
    with services.database.begin(services.site, at, WORKER) as ctx:
        undone = ctx.session.begin_nested()
        add_plans(ctx.session)
        for number in range(MANY):
            add(ctx, number, kind(chance))
        ctx.session.flush()
        until = last_day_ahead(ctx.today)
        assert coming_charges(ctx, until) == one_by_one(ctx, until)
        assert coming_charges(ctx, until).total() > 0
        undone.rollback()


def test_one_statement_reads_each_live_subscription_once(world: World) -> None:
    world.start_trial("thandi@example.com")
    with world.services.database.transaction() as session:
        plan = plan_of(session, COMING, {"until": date(2027, 3, 31)})
    assert "Seq Scan" not in plan
    assert plan.count(" on subscription ") == 1
