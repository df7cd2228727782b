"""What each check makes of what it found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing.preflight.acquirer_checks import skew
from billing.preflight.check_result import Verdict
from billing.preflight.disk import MB, room
from billing.preflight.installation_checks import ServerFacts, latency, server_results
from billing.preflight.mail_checks import dmarc, exchanges, spf
from billing.preflight.public_address import FORGED, certificate, proxies

OK, WARN, NO = Verdict
AT = datetime(2027, 3, 1, 10, tzinfo=UTC)
GOOD = ServerFacts(16, "UTF8", standby=False, superuser=False, may_create=True, foreign_tables=0)


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        (GOOD, OK, "PostgreSQL 16"),
        (replace(GOOD, version=15), OK, "PostgreSQL 15"),
        (replace(GOOD, version=14), NO, "older than 15"),
        (replace(GOOD, encoding="SQL_ASCII"), NO, "encoding is SQL_ASCII"),
        (replace(GOOD, standby=True), NO, "standby"),
        (replace(GOOD, may_create=False), NO, "may not create tables"),
        (replace(GOOD, foreign_tables=3), NO, "3 tables belong to another account"),
        (replace(GOOD, superuser=True), WARN, "superuser"),
    ],
)
def test_a_server(facts: ServerFacts, verdict: Verdict, words: str) -> None:
    first = next(iter(server_results(facts)))
    assert (first.verdict, words in first.words) == (verdict, True)


def test_every_fault_of_a_server_is_named() -> None:
    found = list(server_results(replace(GOOD, version=12, standby=True, superuser=True)))
    assert [result.verdict for result in found] == [NO, NO, WARN]


@pytest.mark.parametrize(("milliseconds", "verdict"), [(0.3, OK), (2.0, OK), (5.0, WARN), (20.1, NO)])
def test_how_far_away_the_database_is(milliseconds: float, verdict: Verdict) -> None:
    assert latency(milliseconds).verdict is verdict


@pytest.mark.parametrize(
    ("forwarded", "count", "verdict"),
    [
        ([], 0, OK),
        ([FORGED], 0, OK),  # nothing in front, and a stranger's header is ignored
        (["10.0.0.1"], 1, OK),  # a proxy that replaces the header, as the sample nginx does
        ([FORGED, "10.0.0.1"], 1, OK),  # one that extends it
        ([FORGED, "10.0.0.1", "10.0.0.2"], 2, OK),
        ([FORGED], 1, NO),  # it is believed
        ([FORGED, "10.0.0.1"], 2, NO),
        ([], 1, NO),
        ([FORGED, "10.0.0.1"], 0, NO),  # all readers share the proxy's address
        ([FORGED, "10.0.0.1", "10.0.0.2"], 1, NO),
    ],
)
def test_how_many_proxies_add_the_callers_address(forwarded: list[str], count: int, verdict: Verdict) -> None:
    found = proxies(forwarded, count, "10.0.0.1")
    assert found.verdict is verdict
    if verdict is NO:
        right = len(forwarded) - (FORGED in forwarded)
        assert found.words.endswith(f"Set it to {right or 'none'}")


@pytest.mark.parametrize(("days", "verdict"), [(60, OK), (14, OK), (13, WARN), (3, WARN), (2, NO)])
def test_when_the_certificate_ends(days: int, verdict: Verdict) -> None:
    assert certificate(AT + timedelta(days=days), AT).verdict is verdict


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        (["v=spf1 include:relay.example -all"], OK),
        (["google-site-verification=1", "V=SPF1 mx ~all"], OK),
        ([], NO),
        (["v=spf10 -all"], NO),
        (["v=spf1 -all", "v=spf1 mx -all"], NO),
        (["v=spf1 +all"], NO),
        (["v=spf1 all"], NO),
    ],
)
def test_spf(texts: list[str], verdict: Verdict) -> None:
    assert spf("paper.co.za", texts).verdict is verdict


def test_dmarc() -> None:
    assert dmarc("paper.co.za", ["v=DMARC1; p=none"]).verdict is OK
    assert dmarc("paper.co.za", []).verdict is NO
    assert dmarc("paper.co.za", ["v=DMARC1; p=none", "v=DMARC1; p=reject"]).verdict is NO


def test_who_takes_mail() -> None:
    assert exchanges("paper.co.za", ["mx.paper.co.za"]).verdict is OK
    assert exchanges("paper.co.za", []).verdict is WARN
    assert exchanges("paper.co.za", ["."]).verdict is NO


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, OK), (-4, OK), (5, OK), (6, WARN), (-200, WARN), (301, NO), (-301, NO)]
)
def test_a_clock_that_differs(seconds: int, verdict: Verdict) -> None:
    assert skew("Stripe", timedelta(seconds=seconds)).verdict is verdict


@pytest.mark.parametrize(("free", "verdict"), [(2000, OK), (1000, OK), (999, WARN), (99, NO)])
def test_room_for_the_send_logs(free: int, verdict: Verdict) -> None:
    assert room(Path("/var/lib/masthead"), free * MB).verdict is verdict
