"""Turns an issue's content into bytes for the wire: headers and bodies once, with gaps for each recipient's values."""

from collections.abc import Mapping
from datetime import datetime

import emails
from billing.mail import bounces
from billing.mail.mime import ascii_address, mailbox, phrase, unstructured
from billing.mail.segments import Segments, compile_mail
from billing.newsletters.compose import IssueCard, IssueContent, Variant, issue_mail
from billing.newsletters.links import preferences_url, unsubscribe_url
from billing.newsletters.models import Issue, Newsletter
from billing.newsletters.sender import NewsletterSender
from emails.languages import Language

MARKS = {
    "to": "⟦to⟧",
    "message-id": "⟦message-id⟧",
    "unsubscribe": "⟦unsubscribe⟧",
    "preferences": "⟦preferences⟧",
}
STREAM = "newsletters"


def content_of(issue: Issue, newsletter: Newsletter) -> IssueContent:
    """The content of an issue, from its row."""
    cards = {name: IssueCard(**card) for name, card in issue.cards.items()}
    return IssueContent(newsletter.name, issue.subject, issue.preheader, issue.source, cards)


def with_marks(
    words: IssueContent, variant: Variant, house: emails.House, language: Language
) -> emails.Rendered:
    """One variant, rendered and inlined, with marks where a recipient's links go."""
    links = {f"{name}_url": MARKS[name] for name in ("unsubscribe", "preferences")}
    return emails.render_newsletter(issue_mail(words, variant, **links), house, language)


def segments(
    sender: NewsletterSender, newsletter: Newsletter, issue_id: str, rendered: emails.Rendered, date: datetime
) -> Segments:
    """The mail with gaps, its headers H1 to H16 with it. `date` is the same for all recipients (H12)."""
    head = _head(sender, newsletter, issue_id, rendered.subject, date)
    return compile_mail(head, text=rendered.text, html=rendered.html, marks=MARKS)


def _head(
    sender: NewsletterSender, newsletter: Newsletter, issue_id: str, subject: str, date: datetime
) -> list[tuple[str, str]]:
    sender_id = sender.site.tokens.list_digest("feedback-sender", "")[:12]
    return [
        ("From", mailbox(f"{newsletter.name} from {sender.house.name} <{sender.address}>")),
        ("To", MARKS["to"]),
        ("Reply-To", mailbox(f"{sender.house.name} <{sender.house.contact_email}>")),
        ("Subject", unstructured("Subject", subject)),
        ("Date", date.astimezone(sender.site.zone).strftime("%a, %d %b %Y %H:%M:%S %z")),
        ("Message-ID", MARKS["message-id"]),
        ("List-Id", f"{phrase('List-Id', newsletter.name)} <{newsletter.id}.newsletters.{sender.domain}>"),
        ("List-Unsubscribe", f"<{MARKS['unsubscribe']}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", f"{issue_id}:{newsletter.id}:{STREAM}:{sender_id}"),
    ]


def values(sender: NewsletterSender, *, number: int, address: str, signup_id: str) -> Mapping[str, str]:
    """A recipient's values for the marks. Raises UnsendableAddress."""
    return {
        "to": ascii_address(address),
        "message-id": bounces.message_id(sender.site.tokens, number, sender.domain),
        "unsubscribe": unsubscribe_url(sender.site, signup_id),
        "preferences": preferences_url(sender.site, signup_id),
    }
