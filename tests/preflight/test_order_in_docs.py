"""Operate.md tells how to go live in the order in which `billing check` looks."""

import re
from pathlib import Path

from billing.acquirer.stripe.account import StripeAccount
from billing.preflight.order import CHECKS

PAGE = (Path(__file__).parents[2] / "billing" / "docs" / "operate.md").read_text()
SECTION = PAGE.partition("\n## Go live\n")[2].partition("\n## ")[0]


def steps() -> dict[str, str]:
    """The words of each step, by its name."""
    found = re.split(r"^\d+\. \*\*([\w ]+)\*\*: ", SECTION, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_steps_are_the_checks() -> None:
    assert list(steps()) == list(CHECKS)


def test_the_keys_permissions_are_all_named() -> None:
    words = " ".join(steps()["acquirer key"].split())
    assert [what for what in StripeAccount.needs_write if what not in words] == []
