"""A mail to a reader, as staff see it."""

from collections.abc import Iterator
from dataclasses import replace

from billing.dev.previews.values import LONG_ADDRESS, NOW
from billing.mail.models import MessageState
from billing.staff.mails import SENT_WORDS
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_mail import StaffMailPage


def mail_pages(at: Frame) -> Iterator[tuple[str, Page, Frame]]:
    """One that was accepted, and one that waits."""
    mail = StaffMailPage(
        reader_id="rdr_1",
        email=LONG_ADDRESS,
        recipient=LONG_ADDRESS,
        subject="Your subscription is cancelled",
        text="Hello,\n\nWe have cancelled your subscription.\n\n  https://paper.example/cancel/•••\n",
        state=SENT_WORDS[MessageState.ACCEPTED],
        created_at=NOW,
        accepted_at=NOW,
        answer="250 2.0.0 kept",
        tries=1,
    )
    yield "staff-mail", mail, at
    yield (
        "staff-mail-waiting",
        replace(mail, state=SENT_WORDS[MessageState.QUEUED], accepted_at=None, answer=None),
        at,
    )
