"""Claims to be Googlebot, the names of its hosts, and valid lists of networks."""

from ipaddress import ip_address

import pytest

from billing.dev.paper.googlebot_rules import BadList, address_of, claims, is_among, is_name, networks

PHONE = "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("device", "says_so"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        (f"{PHONE} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Googlebot-News", True),
        ("Googlebot-Image/1.0", True),
        ("Googlebot/2.1", True),
        ("", False),
        (PHONE, False),
        ("googlebot", False),
        ("Googlebotnet/1.0", False),
        ("Googlebot-Ads/1.0", False),
        ("NotGooglebot", False),
        ("AdsBot-Google (+http://www.google.com/adsbot.html)", False),
        ("Mediapartners-Google", False),
        ("Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)", False),
        ("FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", False),
        ("Mozilla/5.0 (compatible; Google-Read-Aloud; +https://support.google.com/webmasters)", False),
        ("GoogleOther", False),
        ("Googlebot/2.1 (compatible; AdsBot-Google)", False),
        ("Googlebot/2.1 FeedFetcher-Google", False),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", False),
    ],
)
def test_only_the_search_crawler_says_it_is_one(device: str, says_so: bool) -> None:
    assert claims(device) is says_so


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("crawl-66-249-66-1.googlebot.com", True),
        ("crawl-66-249-66-1.googlebot.com.", True),
        ("CRAWL-66-249-66-1.GoogleBot.com", True),
        ("geo-crawl-34-165-18-176.geo.googlebot.com", True),
        ("crawl-2001-4860-4801-10--1.googlebot.com", True),
        ("rate-limited-proxy-66-249-90-77.google.com", False),
        ("google-proxy-66-249-81-1.google.com", False),
        ("35-247-243-240.gae.googleusercontent.com", False),
        ("crawl-66-249-66-1.googlebot.com.evil.example", False),
        ("crawl-66-249-66-1.evil-googlebot.com", False),
        ("crawl-66-249-66-1.x.googlebot.com", False),
        ("geo-crawl-34-165-18-176.googlebot.com", False),
        ("googlebot.com", False),
        ("crawl-66-249-66-1.googlebot.com\n", False),
        ("", False),
    ],
)
def test_only_common_crawlers_are_called_so(name: str, right: bool) -> None:
    assert is_name(name) is right


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("66.249.66.1", "66.249.66.1"),
        (" 66.249.66.1 ", "66.249.66.1"),
        ("::ffff:66.249.66.1", "66.249.66.1"),
        ("2001:4860:4801:10::1", "2001:4860:4801:10::1"),
        ("127.0.0.1", None),
        ("10.0.0.7", None),
        ("::1", None),
        ("fe80::1", None),
        ("224.0.0.1", None),
        ("66.249.66.1:443", None),
        ("unknown", None),
        ("066.249.066.001", None),
        ("", None),
    ],
)
def test_an_address_is_one_that_the_internet_knows(text: str, address: str | None) -> None:
    assert address_of(text) == (ip_address(address) if address else None)


def test_a_list_in_googles_form_is_read_and_anything_else_refused() -> None:
    listed = networks(
        '{"creationTime": "2026-11-20T10:00:00", "prefixes": [{"ipv6Prefix": "2001:4860:4801:10::/64"},'
        ' {"ipv4Prefix": "66.249.64.0/27"}]}'
    )
    assert is_among(ip_address("66.249.64.31"), listed)
    assert is_among(ip_address("2001:4860:4801:10::77"), listed)
    assert not is_among(ip_address("66.249.64.32"), listed)
    assert not is_among(ip_address("2001:4860:4801:11::1"), listed)
    for wrong in (
        "",
        "[]",
        "null",
        "{}",
        '{"prefixes": []}',
        '{"prefixes": [{}]}',
        '{"prefixes": ["66.249.64.0/27"]}',
        '{"prefixes": [{"ipv4Prefix": "66.249.64.1/27"}]}',
        '{"prefixes": [{"ipv4Prefix": "googlebot.com"}]}',
        '{"prefixes": [{"ipv4Prefix": "0.0.0.0/0"}]}',
        '{"prefixes": [{"ipv6Prefix": "::/0"}]}',
        "[" * 100_000,
        "<html>Moved</html>",
    ):
        with pytest.raises(BadList):
            networks(wrong)
