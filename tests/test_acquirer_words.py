"""Nothing outside an acquirer's folder uses its words: names, payload shapes, codes, id formats."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FREE = ("billing/acquirer/stripe/", "billing/dev/")
"""The adapter, and the sandbox with the demo around it."""
SUFFIXES = (".py", ".html", ".js", ".css")
IDS = "(?:pi|ch|re|cs|evt|pm|cus|seti|txn|po|issfr)_"
WORDS = re.compile(
    r"stripe|payment_?intent|setup_?intent|checkout[._]session|early_fraud_warning"
    rf"|[\"'`]{IDS}|\b{IDS}(?=[\"'`…{{])",
    re.IGNORECASE,
)
ALLOWED = {
    "billing/app.py": "wires the adapter",
    "billing/cli/processes.py": "starts the sandbox",
    "billing/platform/logs.py": "quiets the adapter's library",
    "billing/cli/webhooks.py": "names the setting of the signing secrets",
    "billing/platform/setting_groups.py": "holds settings whose names operators know",
    "billing/platform/settings.py": "names them where they are unsafe",
    "billing/edges/nginx/accounts.conf": "names the address of its webhooks",
}


def sources() -> list[str]:
    """The product's files outside the folders that may speak of an acquirer."""
    found = (str(path.relative_to(ROOT)) for path in (ROOT / "billing").rglob("*") if path.suffix in SUFFIXES)
    return sorted(path for path in found if not path.startswith(FREE))


def spoken(path: str) -> list[str]:
    """The acquirer's words in a file, each with its line."""
    lines = (ROOT / path).read_text().splitlines()
    return [
        f"{path}:{number}: {found.group()}"
        for number, line in enumerate(lines, 1)
        for found in WORDS.finditer(line)
    ]


@pytest.mark.parametrize(
    ("line", "speaks"),
    [
        ("gateway = StripeGateway()", True),
        ("# as Stripe says", True),
        ('case "pi_":', True),
        ("REFUND = re.compile(r're_[A-Z]')", True),
        ("payment_intent", True),
        ("SetupIntent", True),
        ("checkout.session.completed", True),
        ("an intent that is committed", False),
        ("re_sent = 1", False),
        ("the acquirer", False),
    ],
)
def test_what_counts_as_a_word(line: str, speaks: bool) -> None:
    assert bool(WORDS.search(line)) is speaks


def test_nobody_else_speaks_of_an_acquirer() -> None:
    checked = [path for path in sources() if path not in ALLOWED]
    said = [word for path in checked for word in spoken(path)]
    assert said == [], "the house says what an acquirer means, not how one writes it"


@pytest.mark.parametrize("path", sorted(ALLOWED))
def test_each_exception_is_needed(path: str) -> None:
    assert spoken(path), f"{path} is free of the acquirer's words: take it off the list"


def test_identifiers_are_read_too() -> None:
    """A name counts like a string, and the line of its definition is found."""
    tree = ast.parse("def ask_stripe() -> None: ...")
    assert isinstance(tree.body[0], ast.FunctionDef)
    assert WORDS.search(tree.body[0].name)
