"""One mail in the exact form of a newsletter, to an operator's own mailbox: it shows how newsletters arrive."""

from datetime import datetime

from billing.mail.smtp import Outcome
from billing.newsletters.compose import IssueContent, Variant
from billing.newsletters.models import Newsletter
from billing.newsletters.proof import send_test
from billing.newsletters.sender import NewsletterSender

SUBJECT = "How newsletters arrive"
PREHEADER = "One mail in the exact form of a newsletter, for the operator's own mailbox."
TEXT = """This mail has every header of a newsletter, and goes the way that newsletters go.

Save its raw source from your mailbox, and let `billing mail check` read it. Its links to unsubscribe work, and change nothing.
"""


def send_sample(sender: NewsletterSender, list_: Newsletter, to: str, at: datetime) -> Outcome:
    """Send it with the headers of this newsletter; the relay's answer. Raises NotAdopted."""
    words = IssueContent(list_.name, SUBJECT, PREHEADER, TEXT, {})
    return send_test(sender, list_, words, Variant.READER, to, at)
