"""Pages and mails have the typographic apostrophe, and call an email address by that name."""

import re
from pathlib import Path

import pytest

from billing.web.kit.apostrophes import typographic
from billing.web.kit.flashes import FLASHES
from billing.web.kit.problems import TITLES
from tests.support.catalogues import messages

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted(
    path
    for folder in ("billing/web/templates", "billing/dev/paper/templates", "emails/templates")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".html", ".j2")
)
FOR_READERS = [path for path in TEMPLATES if not {"staff", "paper"} & set(path.parts)]
NOT_WORDS = re.compile(r"\{#.*?#\}|<script.*?</script>|<style.*?</style>", re.DOTALL)
STRAIGHT = re.compile(r"\w*[A-Za-z]'[A-Za-z]\w*")
UNSAID = re.compile(
    r"mail address(?!es)|what shall happen|stays a riddle|reading ends then|mail you a button", re.IGNORECASE
)


def words_of(path: Path) -> str:
    """A template's text, with the strings that its expressions hold, and without comments and scripts."""
    return NOT_WORDS.sub(" ", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_has_a_straight_apostrophe(path: Path) -> None:
    assert STRAIGHT.findall(words_of(path)) == []


@pytest.mark.parametrize("path", FOR_READERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_and_no_mail_says_what_readers_did_not_understand(path: Path) -> None:
    found = re.sub(r"e(-?)mail address", "", words_of(path))
    assert UNSAID.findall(found) == []


def test_what_code_says_on_pages_has_it_too() -> None:
    said = [*(flash.text for flash in FLASHES.values()), *(message for _, message in messages())]
    assert [text for text in said if STRAIGHT.search(text)] == []
    assert typographic(TITLES[503]) == "We can’t do that right now"
