"""robots.txt by RFC 9309, and the same policy in RSL."""

import re

import pytest

from billing.rules.robots import CLASSES, CLOSED_PATHS, NAMES, UnknownClass, robots_txt, uses
from tests.support.robots_reader import may

LICENSE = "https://paper.example/license.xml"
MAPS = ("https://paper.example/sitemap.xml", "https://paper.example/sitemap-news.xml")
STAFF = ("/account", "/account/gifts", "/staff", "/staff/articles", "/sign-in", "/sign-in/link/x", "/v1/access/x",
         "/access/v1/evaluation", "/gift/gft_1.secret", "/u/token", "/pay/token", "/listen/x/1.y", "/articles/x/print")  # fmt: skip
PAPER = ("/", "/articles", "/articles/the-water-nobody-counted", "/newsletters", "/feed.xml", "/sitemap.xml")


@pytest.mark.parametrize("refused", [(), ("training",), ("training", "answers", "analysis"), NAMES])
def test_each_class_may_what_its_policy_says_and_the_rooms_are_nobodys(refused: tuple[str, ...]) -> None:
    text = robots_txt(refused, sitemaps=MAPS, license_url=LICENSE)
    for token, welcome in [
        ("SomeoneNew", True),
        *((token, each.name not in refused) for each in CLASSES for token in each.tokens),
    ]:
        assert [may(text, token, path) for path in PAPER] == [welcome] * len(PAPER), token
        assert not any(may(text, token, path) for path in STAFF), token
    assert text.startswith(f"License: {LICENSE}\n"), "before any group, so it belongs to none"
    assert text.count("License:") == 1
    assert [line for line in text.splitlines() if line.startswith("Sitemap:")] == [
        f"Sitemap: {m}" for m in MAPS
    ]
    assert "License" not in robots_txt(refused, sitemaps=MAPS, license_url=None)
    assert len(text.encode()) < 500 * 1024, "crawlers read no more (RFC 9309, 2.5)"


def test_tokens_are_what_the_rfc_calls_one_and_in_one_class_only() -> None:
    tokens = [token.lower() for each in CLASSES for token in each.tokens]
    assert len(tokens) == len(set(tokens))
    assert all(re.fullmatch(r"[a-z0-9_-]+", token) for token in tokens)
    assert all(room.startswith("/") for room in CLOSED_PATHS)


def test_the_licence_says_the_same() -> None:
    assert uses(()) == (("search", "ai-input", "ai-train"), ())
    assert uses(("training",)) == (("search", "ai-input"), ("ai-train",))
    assert uses(NAMES) == ((), ("search", "ai-input", "ai-train"))
    for wrong in (["robots"], ["training", ""]):
        with pytest.raises(UnknownClass, match="is no class of crawlers; there are search, previews"):
            uses(wrong)
