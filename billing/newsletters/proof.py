"""See an issue before anybody gets it: its preview, and a test mail to oneself."""

from datetime import datetime

import emails
from billing.mail.smtp import Outcome
from billing.newsletters.compose import BadIssue, Variant, Words, letter
from billing.newsletters.links import TEST, preferences_url, unsubscribe_url
from billing.newsletters.models import Newsletter
from billing.newsletters.sender import Press
from billing.newsletters.wrap import marked, segments, values
from billing.platform.installation import refuse_copy

TEST_NUMBER = 0
"""Deliveries are counted from 1, so what comes back from a test is about none."""


def preview(press: Press, words: Words, variant: Variant) -> emails.Rendered:
    """The mail as that reader would see it; its links are those of a test. Raises BadIssue, emails.UnsafeSubject."""
    office = press.office
    return emails.render_newsletter(
        letter(
            words,
            variant,
            unsubscribe_url=unsubscribe_url(office, TEST),
            preferences_url=preferences_url(office, TEST),
        ),
        press.house,
    )


def send_test(
    press: Press, list_: Newsletter, words: Words, variant: Variant, to: str, at: datetime
) -> Outcome:
    """One mail to whoever writes it, marked as a test, with every header of the real one; the relay's answer.

    Raises BadIssue where there is nothing in it yet, NotAdopted."""
    refuse_copy(press.database)
    if not words.subject:
        raise BadIssue("It has no subject yet.")
    rendered = marked(words, variant, press.house)
    test = emails.Rendered(f"[Test] {rendered.subject}", rendered.text, rendered.html)
    mail = segments(press, list_, TEST, test, at)
    content = mail.join(values(press, number=TEST_NUMBER, address=to, signup_id=TEST))
    return press.line.send(content, sender=press.sender, recipient=to)
