"""What a reader's page of staff shows besides the subscription, with sample values."""

from datetime import UTC, datetime

from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.web.views.staff_reader import (
    DisputeBanner,
    KnownFacts,
    NewsletterRow,
    PinnedNote,
    RelatedRow,
    SignedInRow,
)

_PAGE = "/staff/readers/rdr_1"
_SINCE = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)
KNOWN = KnownFacts(
    plan="Monthly",
    price=PRICE,
    period="month",
    paid=Money(22500),
    returned=PRICE,
    owes=PRICE,
    owed=Money(1000),
    browsers=(
        SignedInRow(
            device="Firefox on Linux",
            seen_at=NOW,
            since=_SINCE,
            ip="196.25.1.9",
            proved=True,
            sign_out=f"{_PAGE}/sign-out?chosen=ses_1",
        ),
        SignedInRow(
            device="Samsung Internet on Android",
            seen_at=NOW,
            since=_SINCE,
            ip="2001:db8:85a3::8a2e:370:7334",
            proved=False,
            sign_out=f"{_PAGE}/sign-out?chosen=ses_2",
        ),
    ),
    sign_ins=((f"{_PAGE}/mail-link", "Mail a link to sign in"), (f"{_PAGE}/sign-out", "Sign out everywhere")),
    newsletters=(
        NewsletterRow(
            name="First Light",
            state="receives it",
            change=(f"{_PAGE}/leave-newsletter?chosen=first-light", "Stop"),
        ),
        NewsletterRow(
            name="The Weekly",
            state="doesn’t receive it",
            change=(f"{_PAGE}/join-newsletter?chosen=weekly", "Send"),
        ),
    ),
    pinned=(
        PinnedNote(
            at=NOW,
            by="staff:sipho@swartbergpost.example",
            words="Rings each month about the crossword. Be patient.",
            unpin=f"{_PAGE}/notes/nte_1/unpin",
        ),
    ),
    disputes=(
        DisputeBanner(
            inquiry=False,
            link=f"{_PAGE}/disputes/dsp_1",
            what="Dispute over R75.00 incl. VAT: the bank waits for our answer",
            answer_by=NOW,
        ),
        DisputeBanner(
            inquiry=True,
            link=f"{_PAGE}/disputes/dsp_2",
            what="Inquiry about R75.00 incl. VAT: the bank waits for our answer",
            answer_by=NOW,
        ),
    ),
    accounts=(
        RelatedRow(
            reader_id="rdr_2",
            email=LONG_ADDRESS,
            external_id="crm-20418",
            relation="paid with the same card",
            since=_SINCE,
        ),
        RelatedRow(
            reader_id="rdr_3",
            email="nomfundo@example.org",
            external_id=None,
            relation="merged into this account",
            since=_SINCE,
        ),
    ),
)
