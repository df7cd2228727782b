"""Proofs of an issue before it is sent: its preview, and a test mail to the editor."""

from datetime import datetime

import emails
from billing.mail.smtp import Outcome
from billing.newsletters.compose import BadIssue, IssueContent, Variant, issue_mail
from billing.newsletters.links import TEST, preferences_url, unsubscribe_url
from billing.newsletters.models import Newsletter
from billing.newsletters.sender import NewsletterSender
from billing.newsletters.wrap import segments, values, with_marks
from billing.platform.installation import refuse_copy

TEST_NUMBER = 0
"""Deliveries are numbered from 1, so a test mail's bounce matches none."""


def preview(sender: NewsletterSender, words: IssueContent, variant: Variant) -> emails.Rendered:
    """The mail as such a reader would see it, with the links of a test. Raises BadIssue, emails.UnsafeSubject."""
    unsubscribe, preferences = unsubscribe_url(sender.site, TEST), preferences_url(sender.site, TEST)
    mail = issue_mail(words, variant, unsubscribe_url=unsubscribe, preferences_url=preferences)
    return emails.render_newsletter(mail, sender.house, sender.language)


def send_test(
    sender: NewsletterSender, list_: Newsletter, words: IssueContent, variant: Variant, to: str, at: datetime
) -> Outcome:
    """Send one mail to `to`, marked as a test, with every header of the real one. Returns the relay's answer.

    Raises BadIssue, NotAdopted."""
    refuse_copy(sender.database)
    if not words.subject:
        raise BadIssue("It has no subject yet.")
    rendered = with_marks(words, variant, sender.house, sender.language)
    test = emails.Rendered(f"[Test] {rendered.subject}", rendered.text, rendered.html)
    mail = segments(sender, list_, TEST, test, at)
    content = mail.join(values(sender, number=TEST_NUMBER, address=to, signup_id=TEST))
    return sender.relay.send(content, sender=sender.address, recipient=to)
