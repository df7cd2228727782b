"""Parse robots.txt as a crawler does (RFC 9309)."""

import re
from functools import cache


@cache
def groups(text: str) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """The groups: product tokens with their rules. Comments are removed; user-agent lines begin a group."""
    found: list[tuple[list[str], list[tuple[str, str]]]] = []
    begun = False
    for line in text.splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        if not colon:
            continue
        name, value = name.strip().lower(), value.strip()
        if name == "user-agent":
            if not begun:
                found.append(([], []))
            found[-1][0].append(value.lower())
            begun = True
        elif name in ("allow", "disallow"):
            found[-1][1].append((name, value))
            begun = False
    return found


def may(text: str, token: str, path: str) -> bool:
    """Whether a crawler may fetch the path. Its own group counts, else `*`; the longest matching rule decides; without one it may."""
    own = [rules for tokens, rules in groups(text) if token.lower() in tokens]
    rules = own or [rules for tokens, rules in groups(text) if "*" in tokens]
    fits = [
        (len(pattern), name == "allow")
        for group in rules
        for name, pattern in group
        if pattern and re.match(re.escape(pattern).replace(r"\*", ".*").replace(r"\$", "$"), path)
    ]
    return max(fits)[1] if fits else True
