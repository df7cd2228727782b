"""The registry of mails: each class registers itself, and a live process knows all of them."""

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from billing.mail.models import URGENT_KIND
from billing.notices.payment import ReceiptMail
from billing.readers.notices import SignInMail
from emails import ALWAYS, MAILS, Mail
from tests.support.architecture.sources import sources


def _declared() -> Iterator[tuple[str, str]]:
    """Module and name of every class that says when its mail is true."""
    for source in (each for each in sources() if "true_while" in each.text):
        for node in ast.walk(ast.parse(source.text)):
            if isinstance(node, ast.ClassDef) and any(each.arg == "true_while" for each in node.keywords):
                yield source.module, node.name


@pytest.mark.parametrize(("true_while", "name"), [("", "Novelty"), (ALWAYS, "Receipt")])
def test_a_mail_says_when_it_is_true_and_has_a_kind_of_its_own(true_while: str, name: str) -> None:
    with pytest.raises(TypeError, match="needs `true_while` and a kind of its own"):
        type(name, (Mail,), {}, true_while=true_while)
    assert MAILS["receipt"] is ReceiptMail
    assert "novelty" not in MAILS


def test_a_live_process_knows_every_mail_and_no_import_makes_the_difference() -> None:
    """It could neither send nor withdraw an unknown one."""
    code = "import billing.container, emails; print(*(mail.__name__ for mail in emails.MAILS.values()))"
    known = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(known.split()) == {name for _, name in _declared()}


def test_a_mail_stands_where_a_newcomer_looks_for_it() -> None:
    for module, name in _declared():
        assert module.startswith("billing.notices.") or module.endswith("notices"), f"{module}.{name}"


def test_the_urgent_kind_is_the_mail_that_signs_in() -> None:
    assert SignInMail.kind == URGENT_KIND
