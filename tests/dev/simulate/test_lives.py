"""Small simulations: clean under faults, repeatable by seed, and a planted breach is found."""

import json
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from billing.cli import billing
from billing.dev.simulate import run
from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.report import conclusion
from billing.dev.simulate.run import SimulationOptions, SimulationVerdict, simulate
from billing.dev.simulate.scenarios import ActKind
from tests.support.proof_size import only_at_length
from tests.support.stripe_openapi import violations

pytestmark = [pytest.mark.prove, only_at_length]


@pytest.fixture(autouse=True)
def _a_database_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BILLING_DATABASE_URL", raising=False)


def test_sixty_readers_live_four_months_among_faults(tmp_path: Path) -> None:
    report, record = tmp_path / "life.html", tmp_path / "exchanges.jsonl"
    options = [
        "--readers",
        "60",
        "--months",
        "4",
        "--seed",
        "29",  # in whose four months a card is removed at Stripe, a customer deleted, and a first charge taken back
        "--faults",
        "many",
        "--report",
        str(report),
        "--record",
        str(record),
    ]
    answer = CliRunner().invoke(billing, ["simulate", *options])
    assert answer.exit_code == 0, answer.output
    assert "Every promise was kept" in answer.output
    assert "Every promise was kept" in report.read_text()
    exchanges = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(exchanges) > 500
    assert [problem for exchange in exchanges for problem in violations(exchange)] == []


def test_a_third_of_sixty_readers_close_their_account_among_faults() -> None:
    options = SimulationOptions(readers=60, months=3, seed=11, faults="some", erased=33)
    verdict = simulate(options)
    assert verdict.broken == []
    assert verdict.answers[(ActKind.ERASE, "accepted")] > 10


def test_the_same_seed_lives_the_same_life() -> None:
    options = SimulationOptions(readers=16, months=1, seed=5, faults="some")
    one, other = simulate(options), simulate(options)
    assert one.broken == other.broken == []
    assert one.charges > 0
    assert one.repeatable() == other.repeatable()


PLANTED = date(2027, 1, 25)
FALSIFIED = {
    ("churn", "reader"): "numbers: stopped by reader is",
    ("churn", "payment"): "numbers: stopped by payment is",
    ("churn", "staff"): "numbers: stopped by staff is",
    ("trials", "2026-12-28"): "numbers: trials from 2026-12-28, started is",
    ("converted", "2026-12-28"): "numbers: trials from 2026-12-28, converted is",
    ("trial_lost", "2026-12-28"): "numbers: trials from 2026-12-28, ended unpaid is",
}
"""Rows that are added to a kept day, which isn't counted again, and what is said of them."""


def charge_behind_our_back(installation: SimulatedInstallation, on: date) -> None:
    """Charge a reader's card in the sandbox without our code, and falsify rows of ours."""
    if on != PLANTED:
        return
    with installation.services.database.transaction() as session:
        query = "SELECT m.customer_ref, m.gateway_ref FROM payment_method m JOIN subscription s ON s.payment_method_id = m.id"
        customer, method = session.execute(sa.text(f"{query} WHERE s.state = 'trialing' LIMIT 1")).one()
        session.execute(sa.text("UPDATE subscription SET access_until = started_at WHERE state = 'active'"))
        for measure, of in FALSIFIED:
            row = {"measure": measure, "of": of, "day": on - timedelta(days=14)}
            session.execute(sa.text("INSERT INTO number_day VALUES (:measure, :of, :day, 1)"), row)
    form = {"amount": "7500", "currency": "zar", "customer": customer, "payment_method": method}
    more = {"confirm": "true", "off_session": "true", "allowed_payment_method_types[]": "card"}
    answer = httpx.post(
        f"{installation.sandbox_url}/v1/payment_intents",
        data=form | more,
        headers={"Authorization": f"Bearer {installation.key}"},
        trust_env=False,
    )
    assert answer.json()["status"] == "succeeded", answer.text


def test_a_planted_breach_is_found() -> None:
    found: SimulationVerdict = simulate(
        SimulationOptions(readers=16, months=1, seed=5), interfere=charge_behind_our_back
    )
    assert any("by the calendar nothing is due then" in words for words in found.broken)
    assert any(words.startswith("case unknown_charge") for words in found.broken)
    assert any(words.startswith("the doctor found 3 things broken") for words in found.broken)
    for words in FALSIFIED.values():
        assert any(broken.startswith(words) for broken in found.broken), words
    assert "things are broken" in conclusion(found)
    assert run.FIRST_DAY < PLANTED
