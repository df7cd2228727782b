"""Proof of Google's crawler: looked up both ways, cached for a day, and denied on any error."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import islice
from pathlib import Path

import dns.resolver
import pytest

from billing.dev.paper import dns_names
from billing.dev.paper.dns_names import DnsNames
from billing.dev.paper.googlebot import NoAnswer, NoProof, ProofByList, ProofByNames, proof_of
from billing.dev.paper.googlebot_rules import BadList, IpAddress
from tests.support.fake_dns import asking, fake_dns

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)
GOOGLES, SPOOFED, STRANGER, LOST = (
    ip_address(text) for text in ("66.249.66.1", "198.51.100.7", "203.0.114.9", "66.249.66.2")
)
NAME = "crawl-66-249-66-1.googlebot.com"


class Zone:
    """A domain name system of a few lines, which counts its queries."""

    def __init__(self) -> None:
        self.reverse: dict[IpAddress, list[str]] = {
            GOOGLES: ["other.example", NAME],
            SPOOFED: [NAME, *(f"crawl-{n}.googlebot.com" for n in range(1000))],
            STRANGER: ["host.example"],
        }
        self.forward: dict[str, list[IpAddress]] = {NAME: [GOOGLES], "host.example": [STRANGER]}
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False

    def names_of(self, address: IpAddress) -> list[str]:
        self.asked.append(str(address))
        self.gate.wait(10)
        if self.broken or address == LOST:
            raise NoAnswer
        return self.reverse.get(address, [])

    def addresses_of(self, name: str) -> list[IpAddress]:
        self.asked.append(name)
        return self.forward.get(name, [])


def test_only_an_address_whose_name_leads_back_to_it_is_believed() -> None:
    proof = ProofByNames(Zone())
    assert proof.proves(GOOGLES, AT)
    assert not proof.proves(SPOOFED, AT), (
        "its owner may call it what they like; Google's own zone says otherwise"
    )
    assert not proof.proves(STRANGER, AT), "and a name that leads back must be one of a crawler"
    assert not proof.proves(ip_address("203.0.114.10"), AT)
    assert not NoProof().proves(GOOGLES, AT)


def test_an_address_with_a_thousand_names_costs_four_questions() -> None:
    zone = Zone()
    assert not ProofByNames(zone).proves(SPOOFED, AT)
    assert len(zone.asked) == 4


def test_a_verdict_is_kept_for_a_day_a_no_for_an_hour_and_no_answer_for_a_minute() -> None:
    zone = Zone()
    proof = ProofByNames(zone)

    def asked_again(address: IpAddress, after: timedelta) -> bool:
        proof.proves(address, AT)
        before = len(zone.asked)
        proof.proves(address, AT + after)
        return len(zone.asked) > before

    hair = timedelta(microseconds=1)
    for address, life in (
        (GOOGLES, timedelta(hours=24)),
        (STRANGER, timedelta(hours=1)),
        (LOST, timedelta(minutes=1)),
    ):
        proof = ProofByNames(zone)
        assert not asked_again(address, life - hair)
        proof = ProofByNames(zone)
        assert asked_again(address, life)
    proof = ProofByNames(zone)
    assert asked_again(GOOGLES, -hair), "a clock that begins anew doesn't make a verdict live longer"


def test_a_name_system_that_is_away_proves_nobody_and_what_breaks_breaks_nothing() -> None:
    zone = Zone()
    proof = ProofByNames(zone)
    zone.broken = True
    assert not proof.proves(GOOGLES, AT)
    zone.broken = False
    assert not proof.proves(GOOGLES, AT + timedelta(seconds=59))
    assert proof.proves(GOOGLES, AT + timedelta(seconds=60)), "asked again when it is back"
    zone.forward = {NAME: None}  # type: ignore[dict-item]  # an adapter gone mad
    assert not ProofByNames(zone).proves(GOOGLES, AT)


def test_what_is_kept_is_bounded_and_strangers_push_no_crawler_out() -> None:
    zone = Zone()
    proof = ProofByNames(zone, most=50)
    assert proof.proves(GOOGLES, AT)
    for number in range(300):
        assert not proof.proves(ip_address(f"198.18.{number // 250}.{number % 250}"), AT)
    assert sum(len(kept._until) for kept in proof._kept.values()) == 51
    before = len(zone.asked)
    assert proof.proves(GOOGLES, AT)
    assert len(zone.asked) == before


def test_a_crowd_asks_once_and_a_slow_name_system_holds_up_only_a_few() -> None:
    zone = Zone()
    zone.gate.clear()
    proof = ProofByNames(zone, at_once=3, patience=30)
    with ThreadPoolExecutor(12) as crowd:
        same = [crowd.submit(proof.proves, GOOGLES, AT) for _ in range(12)]
        refused = islice(as_completed(same, timeout=30), 9)
        assert [each.result() for each in refused] == [False] * 9, "more than three don't wait"
        zone.gate.set()
        assert sorted(each.result() for each in same) == [False] * 9 + [True] * 3
    assert zone.asked.count(str(GOOGLES)) == 1
    assert proof.proves(GOOGLES, AT)

    zone.gate.clear()
    impatient = ProofByNames(zone, at_once=2, patience=0)
    others = [ip_address(f"198.18.0.{number}") for number in range(5)]
    assert not any(impatient.proves(address, AT) for address in [GOOGLES, *others])
    assert len(impatient._pending) == 2, "no more than two questions are under way"
    under_way = list(impatient._pending.values())
    zone.gate.set()
    wait(under_way, timeout=30)
    assert impatient.proves(GOOGLES, AT), "the answer that came late is kept"


def test_googles_list_is_read_again_when_it_changes_and_a_broken_one_holds_nobody(tmp_path: Path) -> None:
    path = tmp_path / "common-crawlers.json"

    def write(text: str, second: int) -> None:
        path.write_text(text)
        os.utime(path, (second, second))

    write('{"prefixes": [{"ipv4Prefix": "66.249.66.0/27"}]}', 1)
    proof = proof_of(str(path), Zone)
    assert isinstance(proof, ProofByList)
    assert proof.proves(GOOGLES, AT)
    assert not proof.proves(STRANGER, AT)
    write('{"prefixes": [{"ipv4Prefix": "203.0.114.0/24"}]}', 2)
    assert (proof.proves(GOOGLES, AT), proof.proves(STRANGER, AT)) == (False, True)
    write("<html>Service unavailable</html>", 3)
    assert not any(proof.proves(each, AT) for each in (GOOGLES, STRANGER))
    path.unlink()
    assert not proof.proves(STRANGER, AT)
    for wrong, error in ((path, OSError), (tmp_path, OSError)):
        with pytest.raises(error):
            ProofByList(wrong)
    write("{}", 4)
    with pytest.raises(BadList):
        ProofByList(path)
    assert isinstance(proof_of("", Zone), NoProof)
    assert isinstance(proof_of("dns", Zone), ProofByNames)


ZONE = f"""
    1.66.249.66.in-addr.arpa. PTR {NAME}.
    7.100.51.198.in-addr.arpa. PTR {NAME}.
    {NAME}. A 66.249.66.1
    {NAME}. AAAA 2001:4860:4801:10::1
"""


def test_the_adapter_asks_a_name_server_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_dns(ZONE) as resolver:
        monkeypatch.setattr(dns.resolver, "Resolver", lambda: resolver)
        names = DnsNames()
        assert names.names_of(GOOGLES) == [NAME]
        assert names.names_of(STRANGER) == []
        assert set(names.addresses_of(NAME)) == {GOOGLES, ip_address("2001:4860:4801:10::1")}
        assert names.addresses_of("nobody.googlebot.com") == []
        proof = ProofByNames(names)
        assert [proof.proves(each, AT) for each in (GOOGLES, SPOOFED, STRANGER)] == [True, False, False]


def test_the_adapter_says_that_it_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a server that doesn't exist. The machine's own isn't asked."""
    monkeypatch.setattr(dns.resolver, "Resolver", lambda: asking(9))
    monkeypatch.setattr(dns_names, "SECONDS", 0.1)
    names = DnsNames()
    with pytest.raises(NoAnswer):
        names.names_of(GOOGLES)
    with pytest.raises(NoAnswer):
        names.addresses_of(NAME)
    assert not ProofByNames(names).proves(GOOGLES, AT)
