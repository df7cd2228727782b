"""Rules for the text of every mail: one check for each rule, for any rendered mail."""

import re
from collections.abc import Callable

from emails import Mail, Rendered, render
from emails.samples import HOUSE
from tests.emails.lint import problems, tree

PROMOTION = r"""(?ix)\b(offer(?!s?\.)|discount|save\s|upgrade|special|hurry|limited|exclusive|free\s+gift|deal|best|
    don't\s+miss|refer\s+a\s+friend|recommend|win\b|newsletter|follow\s+us|app\s+store|only\s+R\d)"""


def words(html: str) -> str:
    """The visible text of a mail, without the hidden preheader."""
    body = tree(html).all("body")[0]
    return " ".join(" ".join(text.words for text in body.texts()[1:]).split())


def parts(mail: Rendered) -> list[str]:
    """The text part in one line, and the words of the HTML part."""
    return [" ".join(mail.text.split()), words(mail.html)]


def keeps_the_rules_of_the_look(mail: Rendered, _: Mail) -> None:
    assert problems(mail.html, mail.subject) == []


def says_who_writes_and_takes_answers(mail: Rendered, _: Mail) -> None:
    facts = (HOUSE.name, HOUSE.legal_name, HOUSE.address, HOUSE.contact_email, HOUSE.phone, "Just reply")
    for said in parts(mail):
        for fact in facts:
            assert fact in said


def shows_no_price_without_its_vat(mail: Rendered, message: Mail) -> None:
    """In a tax invoice only the subject is checked; its table shows the VAT."""
    for text in [mail.subject] if message.documents else [mail.subject, *parts(mail)]:
        for price in re.finditer(r"R75\.00(?P<after>.{0,20})", text):
            assert "incl. VAT" in price["after"] or "a month incl." in price["after"], text


def promotes_nothing(mail: Rendered, message: Mail) -> None:
    if message.kind in ("confirm_signup", "newsletter_welcome"):  # it is about newsletters
        return
    for said in (mail.subject, mail.text, words(mail.html)):
        found = re.search(PROMOTION, said)
        assert found is None, found


def shows_no_banned_or_unfinished_word(mail: Rendered, _: Mail) -> None:
    unfinished = r"\b(None|True|False|undefined|user|customer|member|bill)\b|[{}]|\d{4}-\d\d-\d\d"
    for said in (mail.subject, mail.text, words(mail.html)):
        assert not re.search(unfinished, said)


def has_every_link_in_the_text_and_no_long_line(mail: Rendered, _: Mail) -> None:
    for link in tree(mail.html).all("a"):
        target = link.attributes["href"]
        there = {"mailto": target.removeprefix("mailto:"), "tel": link.text}
        assert there.get(target.partition(":")[0], target) in mail.text
    links = {link.attributes["href"] for link in tree(mail.html).all("a")}
    assert all(len(line) <= 78 or line.strip() in links for line in mail.text.split("\n"))
    assert not re.search(r"[ \t]\n|\n\n\n|\A\s|\r", mail.text)
    assert mail.text.endswith("\n")


def says_the_same_facts_in_both_parts(mail: Rendered, _: Mail) -> None:
    text, html = parts(mail)
    facts = r"R\d[\d\u00a0]*[.,]\d\d|\d{1,2} [A-Z][a-z]+ \d{4}|\b\d{4,}\b|\b(?:INV|CN)-\d+"
    assert set(re.findall(facts, text)) == set(re.findall(facts, html))


RULES: tuple[Callable[[Rendered, Mail], None], ...] = (
    keeps_the_rules_of_the_look,
    says_who_writes_and_takes_answers,
    shows_no_price_without_its_vat,
    promotes_nothing,
    shows_no_banned_or_unfinished_word,
    has_every_link_in_the_text_and_no_long_line,
    says_the_same_facts_in_both_parts,
)

IN_ANY_LANGUAGE = (
    keeps_the_rules_of_the_look,
    has_every_link_in_the_text_and_no_long_line,
    says_the_same_facts_in_both_parts,
)
"""Those of them that look for no English words."""


def check(message: Mail) -> None:
    """Check one mail against all rules."""
    for rule in RULES:
        rule(render(message, HOUSE), message)
