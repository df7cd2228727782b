"""From an issue's words to the bytes on the wire: headers once, bodies once, a place for each recipient's own links."""

import re
from collections.abc import Mapping
from datetime import datetime

import emails
from billing.mail import bounces
from billing.mail.mime import ascii_address, mailbox, unstructured
from billing.mail.segments import Segments, compile_mail
from billing.newsletters.compose import Card, Variant, Words, letter
from billing.newsletters.links import preferences_url, unsubscribe_url
from billing.newsletters.models import Issue, Newsletter
from billing.newsletters.sender import Press

MARKS = {
    "to": "⟦to⟧",
    "message-id": "⟦message-id⟧",
    "unsubscribe": "⟦unsubscribe⟧",
    "preferences": "⟦preferences⟧",
}
STREAM = "newsletters"


def words_of(issue: Issue, newsletter: Newsletter) -> Words:
    """What the issue says."""
    cards = {name: Card(**card) for name, card in issue.cards.items()}
    return Words(newsletter.name, issue.subject, issue.preheader, issue.source, cards)


def marked(words: Words, variant: Variant, house: emails.House) -> emails.Rendered:
    """The words for one kind of reader, rendered and inlined, with marks where a recipient's links go."""
    return emails.render_newsletter(
        letter(words, variant, unsubscribe_url=MARKS["unsubscribe"], preferences_url=MARKS["preferences"]),
        house,
    )


def segments(
    press: Press, newsletter: Newsletter, issue_id: str, rendered: emails.Rendered, date: datetime
) -> Segments:
    """The mail with gaps, its headers H1 to H16 with it. `date` is the same for all recipients (H12)."""
    return compile_mail(
        _head(press, newsletter, issue_id, rendered.subject, date),
        text=rendered.text,
        html=rendered.html,
        marks=MARKS,
    )


def _head(
    press: Press, newsletter: Newsletter, issue_id: str, subject: str, date: datetime
) -> list[tuple[str, str]]:
    sender_id = press.office.tokens.list_digest("feedback-sender", "")[:12]
    return [
        ("From", mailbox(f"{newsletter.name} from {press.house.name} <{press.sender}>")),
        ("To", MARKS["to"]),
        ("Reply-To", mailbox(f"{press.house.name} <{press.house.contact_email}>")),
        ("Subject", unstructured("Subject", subject)),
        ("Date", date.astimezone(press.office.zone).strftime("%a, %d %b %Y %H:%M:%S %z")),
        ("Message-ID", MARKS["message-id"]),
        ("List-Id", f"{_phrase(newsletter.name)} <{newsletter.id}.newsletters.{press.domain}>"),
        ("List-Unsubscribe", f"<{MARKS['unsubscribe']}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", f"{issue_id}:{newsletter.id}:{STREAM}:{sender_id}"),
    ]


def _phrase(name: str) -> str:
    """A name in front of an address in angle brackets."""
    if re.fullmatch(r"[A-Za-z0-9 '-]+", name):
        return name
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return unstructured("List-Id", name)


def values(press: Press, *, number: int, address: str, signup_id: str) -> Mapping[str, str]:
    """What is a recipient's own. Raises BadAddress."""
    return {
        "to": ascii_address(address),
        "message-id": bounces.message_id(press.office.tokens, number, press.domain),
        "unsubscribe": unsubscribe_url(press.office, signup_id),
        "preferences": preferences_url(press.office, signup_id),
    }
