"""The networks under which an address counts."""

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.networks import SITE_SHARE, UNKNOWN, Bucket, buckets, normal


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("196.25.1.9", "196.25.1.9"),
        (" 196.25.1.9 ", "196.25.1.9"),
        ("196.25.1.9:51234", "196.25.1.9"),
        ('"196.25.1.9:51234"', "196.25.1.9"),
        ("::ffff:196.25.1.9", "196.25.1.9"),
        ("[::ffff:196.25.1.9]:443", "196.25.1.9"),
        ("::FFFF:C419:0109", "196.25.1.9"),
        ("64:ff9b::c419:109", "196.25.1.9"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("unknown", UNKNOWN),
        ("_hidden", UNKNOWN),
        ("_SEVKISEK:80", UNKNOWN),
        ("", UNKNOWN),
        ("196.25.1", UNKNOWN),
        ("196.25.1.9:http", UNKNOWN),
        ("196.25.01.9", UNKNOWN),
        ("999.1.1.1", UNKNOWN),
        ("testclient", UNKNOWN),
        ("2001:db8::1::2", UNKNOWN),
        ("[", UNKNOWN),
        ("١٩٦.٢٥.١.٩", UNKNOWN),
    ],
)
def test_one_spelling_for_each_address(written: str, address: str) -> None:
    assert normal(written) == address
    assert normal(address) == address
    assert buckets(written) == buckets(address)


def test_ipv4_counts_by_itself_and_ipv6_by_its_customer_and_its_site() -> None:
    assert buckets("196.25.1.9") == (Bucket("196.25.1.9"),)
    assert buckets("2001:db8:1:2:3:4:5:6") == (
        Bucket("2001:db8:1:2::/64"),
        Bucket("2001:db8:1::/48", SITE_SHARE),
    )
    assert buckets("_hidden") == (Bucket(UNKNOWN),)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**80 - 1))
def test_no_address_of_a_customer_or_a_site_has_a_bucket_of_its_own(one: int, low: int, lower: int) -> None:
    first = buckets(str(IPv6Address(one)))
    customer = buckets(str(IPv6Address(one >> 64 << 64 | low)))
    site = buckets(str(IPv6Address(one >> 80 << 80 | lower)))
    if len(first) == len(customer) == len(site) == 2:  # addresses of IPv4 inside IPv6 are IPv4's
        assert customer == first
        assert site[1] == first[1]
        assert IPv6Address(one) in IPv6Network(first[0].name)


@given(st.text(max_size=60))
def test_any_text_counts_under_something(text: str) -> None:
    assert buckets(text)
    assert normal(normal(text)) == normal(text)
