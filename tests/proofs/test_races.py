"""Two concurrent acts on two connections: the first settles it, and the second changes nothing."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Event

import httpx
import pytest

from billing.billing_run.run import run, run_for
from billing.cards import card_setup
from billing.dev.time_travel import advance
from billing.payments.models import SetupPurpose
from billing.platform.actors import WORKER, ReaderActor
from billing.platform.clock import CannotTurnBack
from billing.subscriptions.find import plan_on_offer
from billing.webhooks import settle as events
from tests.proofs.many_readers import MANY, ROUNDS, all_of, cancel, due, kinds_of, trials
from tests.proofs.steps import intend, send, settle_attempt, together
from tests.support import ledger_checks
from tests.support.world import World, local


def visit_to_the_card_page(world: World, number: int) -> str:
    """A reader has typed the card, and Stripe's event about it has arrived; nothing is finished yet."""
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        _, price = plan_on_offer(ctx.session, services.site.today(world.now))
        begun = card_setup.begin(
            ctx,
            card_setup.SetupRequest(
                acquirer=services.gateway.name,
                purpose=SetupPurpose.TRIAL,
                email=f"visitor-{number}@example.com",
                price=price,
                browser_hash="a browser",
                reader_id=None,
            ),
        )
    page = card_setup.open_page(
        services.database, services.acquirers, services.site, begun.id, words="Yes.", back="/subscribe"
    )
    world.sandbox.fill_in(page.url, f"4242424242424242__{number}")
    world.sandbox.settle()
    return begun.id


@pytest.mark.prove
@pytest.mark.parametrize("rounds", [min(MANY, 100)])
def test_the_reader_returns_as_the_event_comes(world: World, rounds: int) -> None:
    services = world.services
    for number in range(rounds):
        setup_id = visit_to_the_card_page(world, number)
        back, _ = together(
            partial(
                card_setup.finish,
                services.database,
                services.acquirers,
                services.site,
                card_setup.SetupToFinish(setup_id),
                world.now,
                by=ReaderActor("r"),
            ),
            partial(events.settle_due, services.webhook_context, world.now),
        )
        assert back.state == "done", back
    world.settle()
    ledger_checks.check(world)
    for table in ("reader", "subscription", "payment_method", "message"):
        assert world.rows(f"SELECT count(*) AS n FROM {table}") == [{"n": rounds}], table
    assert {row["state"] for row in world.rows("SELECT state FROM card_setup")} == {"done"}
    assert len(world.letters()) == rounds


@ROUNDS
def test_the_answer_comes_as_the_event_does(due_world: World, rounds: int) -> None:
    world, words = due_world, Counter[str]()
    for subscription_id in all_of(world):
        intend(world, subscription_id)
        attempt_id, answer = send(world, subscription_id)
        world.sandbox.settle()
        ours, _ = together(
            partial(settle_attempt, world, attempt_id, answer),
            partial(events.settle_due, world.services.webhook_context, world.now),
        )
        words[ours] += 1
        assert kinds_of(world, subscription_id) == {"receipt": 1}
    assert set(words) <= {"charged", "settled"}, words
    world.settle()
    ledger_checks.check(world)
    assert len(world.charges()) == rounds
    assert world.rows("SELECT count(*) AS n FROM subscription_change WHERE event = 'charged'") == [
        {"n": rounds}
    ]


Pair = Callable[[int], list[tuple[str, str]]]


@pytest.mark.prove
@pytest.mark.parametrize("rounds", [MANY // 3 + 1])
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            lambda n: [
                (f"one-{n}@example.com", f"pm_card_visa__{n}"),
                (f"one-{n}@example.com", f"pm_card_amex__{n}"),
            ],
            id="one address",
        ),
        pytest.param(
            lambda n: [
                (f"one-{n}@example.com", f"pm_card_visa__{n}"),
                (f"two-{n}@example.com", f"pm_card_visa__{n}"),
            ],
            id="one card",
        ),
        pytest.param(
            lambda n: [
                (f"o.ne{n}@gmail.com", f"pm_card_visa__{n}"),
                (f"one{n}+x@gmail.com", f"pm_card_amex__{n}"),
            ],
            id="one person",
        ),
    ],
)
def test_two_trials_where_there_may_be_one(world: World, pair: Pair, rounds: int) -> None:
    for number in range(rounds):
        orders = pair(number)
        answers = together(*(partial(world.try_trial, *order) for order in orders))
        assert sorted(answer.status_code for answer in answers) == [201, 409], answers
    world.settle()
    ledger_checks.check(world)
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": rounds}]
    assert world.rows("SELECT kind, count(*) AS n FROM trial_claim GROUP BY 1 ORDER BY 1") == [
        {"kind": "address", "n": rounds},
        {"kind": "card", "n": rounds},
    ]
    assert len(world.letters()) == rounds


@pytest.mark.prove
@ROUNDS
def test_three_workers_on_the_same_due_rows(due_world: World, rounds: int) -> None:
    world = due_world
    reports = together(*[partial(run, world.services.run_context, world.now)] * 3)
    counts = sum((report.counts for report in reports), Counter[str]())
    assert counts == {"due": rounds, "charged": rounds}
    world.settle()
    ledger_checks.check(world)
    assert len(world.sandbox.charges()) == rounds
    assert world.rows("SELECT count(*) AS n FROM attempt") == [{"n": rounds}]


@pytest.mark.prove
@ROUNDS
def test_refunds_at_once_never_exceed_the_payment(due_world: World, rounds: int) -> None:
    world = due_world
    world.settle()
    draw = random.Random(11)
    for row in world.rows("SELECT id FROM payment ORDER BY id"):
        amounts = [draw.choice([1, 2500, 3751, 5000, 7500, None]) for _ in range(2)]
        answers = together(
            *(lambda row=row, cents=cents: give_back(world, row["id"], cents) for cents in amounts)
        )
        assert {answer.status_code for answer in answers} <= {201, 409}, [answer.text for answer in answers]
        returned = sum(answer.json()["amount"]["amount"] for answer in answers if answer.status_code == 201)
        assert 0 < returned <= 7500
        refused = [cents for cents, answer in zip(amounts, answers, strict=True) if answer.status_code == 409]
        assert all(cents is None or cents > 7500 - returned for cents in refused)
    world.settle()
    ledger_checks.check(world)
    assert {row["state"] for row in world.rows("SELECT state FROM refund")} == {"succeeded"}


def give_back(world: World, payment_id: str, cents: int | None) -> httpx.Response:
    """Ask for a refund of so much, or of all that is left."""
    body = {"reason": "A kindness."} | ({"amount": cents} if cents else {})
    return world.api.post(f"/v1/payments/{payment_id}/refunds", json=body)


@pytest.mark.prove
def test_refunds_at_once_with_a_cancellation_that_returns_the_money(world: World) -> None:
    for subscription_id in due(world, 20):
        run_for(world.services.run_context, subscription_id, world.now)
        payment = world.rows(
            "SELECT p.id FROM payment p JOIN invoice i ON i.id = p.invoice_id WHERE i.subscription_id = :id",
            id=subscription_id,
        )[0]["id"]
        answers = together(
            partial(give_back, world, payment, 5000),
            partial(cancel, world, subscription_id, when="now", refund="last"),
        )
        assert [answer.status_code for answer in answers][1] == 200
    world.settle()
    ledger_checks.check(world)
    totals = world.rows("SELECT sum(amount) AS n FROM refund GROUP BY payment_id")
    assert [row["n"] for row in totals] == [7500] * 20


@pytest.mark.prove
@pytest.mark.parametrize("rounds", [20])
def test_the_clock_moved_from_three_sides(world: World, rounds: int) -> None:
    trials(world, 10)
    span = timedelta(days=16)
    for _ in range(rounds):
        to = world.now + span
        *moves, answer = together(
            partial(advance, world.services, to),
            partial(advance, world.services, to),
            partial(world.api.post, "/v1/clock/advance", json={"seconds": int(span.total_seconds())}),
        )
        assert answer.status_code == 200, answer.text
        if world.now == to:  # "sixteen days on" came first, and the others found it done
            assert moves == [to, to]
        else:
            assert world.now == to + span
            assert to in moves
            # Who comes after both is refused, since it is past that day.
            assert all(moved == to or isinstance(moved, CannotTurnBack) for moved in moves), moves
    ledger_checks.check(world)
    per_reader = Counter(row["reader_id"] for row in world.rows("SELECT reader_id FROM payment"))
    months = (world.now.year - 2027) * 12 + world.now.month - 3 + (world.now >= _sixteenth(world))
    assert per_reader == dict.fromkeys(per_reader, months)
    assert len(per_reader) == 10
    notices = world.rows(
        "SELECT count(*) AS n FROM message WHERE kind = 'trial_notice' AND state = 'accepted'"
    )
    assert notices == [{"n": 20}]


def test_whoever_reads_the_clock_finds_the_twin_there(world: World) -> None:
    """Else a charge made while the clock moves would have a date long past."""
    over = Event()

    def look() -> list[tuple[datetime, datetime]]:
        seen = [(world.now, world.sandbox.now)]
        while not over.is_set():
            seen.append((world.now, world.sandbox.now))
        return seen

    def move_on() -> None:
        for _ in range(60):
            world.skip_to(world.now + timedelta(hours=1))
        over.set()

    *looks, _ = together(look, look, look, move_on)
    assert len({ours for seen in looks for ours, _ in seen}) > 1
    assert [(ours, theirs) for seen in looks for ours, theirs in seen if theirs < ours] == []


def _sixteenth(world: World) -> datetime:
    return local(world.now.year, world.now.month, 16, 9)
