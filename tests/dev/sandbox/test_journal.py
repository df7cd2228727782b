"""Answered requests survive `kill -9`; incomplete journal lines are ignored."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from stripe import StripeClient

from billing.dev.sandbox.commit_log import CommitLogBroken
from billing.dev.sandbox.store import Store
from tests.dev.sandbox.stripe_calls import a_saved_card, a_session, charge
from tests.support.stripe_openapi import violations

KEY = "sk_test_sandbox_journal"


def _start(*arguments: str) -> tuple["subprocess.Popen[str]", str]:
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "billing.dev.sandbox", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert sandbox.stdout is not None
    line = sandbox.stdout.readline()
    assert line.startswith("sandbox ready on http://127.0.0.1:")
    return sandbox, line.split()[-1]


def _client(url: str) -> StripeClient:
    return StripeClient(KEY, base_addresses={"api": url}, max_network_retries=0)


def test_a_killed_sandbox_comes_back_with_everything(tmp_path: Path) -> None:
    journal, record = tmp_path / "stripe" / "journal.jsonl", tmp_path / "exchanges.jsonl"
    first, url = _start("--data", str(journal), "--record", str(record))
    try:
        httpx.post(f"{url}/_sandbox/clock", json={"now": 1_772_348_400})
        card = a_saved_card(_client(url), "pm_card_visa__17")
        paid = charge(_client(url), card, "invoice-1-attempt-1")
        _client(url).v1.refunds.create({"payment_intent": paid.id, "amount": 500})
        session = a_session(_client(url))
        httpx.post(f"{url}/_sandbox/lists", json={"behind": 20}).raise_for_status()
        before = httpx.get(f"{url}/_sandbox/state").json()
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with journal.open("ab") as torn:
        torn.write(b'[["customer","cus_torn",{"id":"cus_')
    second, url = _start("--data", str(journal))
    try:
        assert httpx.get(f"{url}/_sandbox/state").json() == before
        assert before["behind"] == 20
        httpx.post(f"{url}/_sandbox/lists", json={"behind": 0}).raise_for_status()
        client = _client(url)
        assert charge(client, card, "invoice-1-attempt-1").to_dict() == paid.to_dict()
        assert client.v1.charges.retrieve(str(paid.latest_charge)).amount_refunded == 500
        assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
        assert charge(client, card, "invoice-1-attempt-2").created == 1_772_348_400
        assert len(client.v1.payment_intents.list({"customer": card.customer}).data) == 2
    finally:
        second.terminate()
        assert second.wait(timeout=20) in (0, -signal.SIGTERM)
    _judge(record)


def _judge(record: Path) -> None:
    import json

    exchanges = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(exchanges) == 5
    assert [problem for exchange in exchanges for problem in violations(exchange)] == []


def test_webhooks_still_owed_are_sent_after_the_restart(tmp_path: Path) -> None:
    from tests.dev.sandbox.receiver import SECRET, Receiver

    journal = tmp_path / "journal.jsonl"
    with Receiver(status=500) as receiver:
        hook = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
        first, url = _start("--data", str(journal), *hook)
        httpx.post(f"{url}/_sandbox/clock", json={"now": 1_772_348_400})
        _client(url).v1.customers.create({})
        httpx.post(f"{url}/_sandbox/settle", timeout=60).raise_for_status()
        first.kill()
        first.wait()
        receiver.status = 200
        second, url = _start("--data", str(journal), *hook)
        httpx.post(f"{url}/_sandbox/clock", json={"now": 1_772_348_405})
        httpx.post(f"{url}/_sandbox/settle", timeout=60).raise_for_status()
        second.terminate()
        second.wait(timeout=20)
        assert receiver.types() == ["customer.created", "customer.created"]
        assert len({event.id for event in receiver.events()}) == 1


def test_a_foreign_file_is_refused_in_one_line(tmp_path: Path) -> None:
    foreign = tmp_path / "letter.txt"
    foreign.write_text("Dear reader,\nhow are you?\n")
    with pytest.raises(CommitLogBroken, match="line 1"):
        Store(foreign)
    refused = subprocess.run(
        [sys.executable, "-m", "billing.dev.sandbox", "--data", str(foreign)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("sandbox: ")
    assert len(refused.stderr.splitlines()) == 1
    assert foreign.read_text() == "Dear reader,\nhow are you?\n"


def test_a_port_in_use_is_one_clear_line() -> None:
    first, url = _start()
    try:
        taken = subprocess.run(
            [sys.executable, "-m", "billing.dev.sandbox", "--port", url.rpartition(":")[2]],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        first.terminate()
        first.wait(timeout=20)
    assert taken.returncode == 1
    assert "cannot start on 127.0.0.1" in taken.stderr


def test_the_journal_is_written_anew_at_start(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    store = Store(journal)
    for name in ("A", "B", "C"):
        store.put("customer", {"id": "cus_1", "name": name, "created": 1})
        store.commit()
    store.put("customer", {"id": "cus_2", "created": 1})
    store.remove("customer", "cus_2")
    store.commit()
    store.close()
    assert len(journal.read_text().splitlines()) == 4
    again = Store(journal)
    assert again["customer"].rows == {"cus_1": {"id": "cus_1", "name": "C", "created": 1}}
    again.close()
    assert len(journal.read_text().splitlines()) == 1
