"""Web addresses are left out of a stranger's words."""

import pytest

from billing.rules.web_addresses import MASK, without_web_addresses


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/a?b=c#d",
        "HTTP://EVIL.EXAMPLE",
        "ftp://evil.example",
        "//evil.example/x",
        "www.evil.example",
        "evil.co.za/win",
        "evil.example:8080",
        "me@evil.example",
        "mailto:me@evil.example",
        "evil。example",
        "https://196.25.1.9/x",
        "evíl.example",
    ],
)
def test_an_address_is_left_out(address: str) -> None:
    left = without_web_addresses(f"Look at {address} now")
    assert MASK in left
    assert "evil" not in left.lower()
    assert "196" not in left
    assert left.startswith("Look at ")
    assert left.endswith(" now")


@pytest.mark.parametrize(
    "words",
    [
        "I paid R75.00 on 3.4.2027. Twice!",
        "Well... no. Yes?\nSecond line: thanks.",
        "At 10.30, by e.g. mail",
        "",
    ],
)
def test_plain_words_stay(words: str) -> None:
    assert without_web_addresses(words) == words
