"""Newsletter pages for readers and editors, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, READER, VISITOR
from billing.dev.sample_newsletters import samples
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters.blocks import WHY
from billing.newsletters.models import Audience, Newsletter
from billing.newsletters.retire import IssueUnderWay, RetiredAlready
from billing.readers.register import BadAddress
from billing.web.views.compose import ComposePage, HeldRow, IssueProgressPage, Pick
from billing.web.views.frame import Frame, Page
from billing.web.views.issues import IssueRow, IssuesPage, ListRow
from billing.web.views.newsletter_lists import NewsletterListsPage, PublishedRow
from billing.web.views.newsletters import (
    BoxBlock,
    NewsletterBox,
    NewsletterChoicesPage,
    NewslettersAskedPage,
    NewslettersConfirmPage,
    NewslettersPage,
    UnsubscribePage,
)
from billing.web.views.typed_form import TypedForm
from emails.languages import say

SOURCE = """Good morning.

The dam at **Kransrivier** stands at 61 per cent.

[[article:the-water-nobody-counted]]

::: subscribers
Thank you for paying for this.
:::
"""
SUBJECT = "The dam, the road, the mayor"


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    yield from _choosing()
    yield from _lists()
    yield from _writing()
    yield from _sending()


def _boxes(*chosen: str, pending: str = "") -> tuple[NewsletterBox, ...]:
    return tuple(
        NewsletterBox(newsletter=sample, chosen=sample.id in chosen, pending=sample.id == pending)
        for sample in samples()
    )


def _choosing() -> Iterator[tuple[str, Page, Frame]]:
    stranger, reader = replace(VISITOR, path="/newsletters"), replace(READER, path="/newsletters")
    yield "newsletters", NewslettersPage(choices=_boxes(), reader=None), stranger
    wrong = BadAddress().detail
    yield (
        "newsletters-problem",
        NewslettersPage(choices=_boxes("first-light"), reader=None, email="thandi@", error=wrong),
        stranger,
    )
    mine = _boxes("first-light", "the-long-read", pending="water-and-weather")
    yield (
        "newsletters-reader",
        NewslettersPage(choices=mine, reader=LONG_ADDRESS, email_verified=True),
        reader,
    )
    block = BoxBlock(since=NOW.date(), why=WHY[SuppressionReason.REGISTER], is_final=False)
    blocked_box = replace(mine[0], chosen=False, block=block)
    yield (
        "newsletters-reader-blocked",
        NewslettersPage(choices=(blocked_box, *mine[1:]), reader=LONG_ADDRESS, email_verified=True),
        reader,
    )
    gone = Newsletter(**mine[2].newsletter.model_dump() | {"retired_at": NOW})
    of_retired = (*mine[:2], replace(mine[2], newsletter=gone), *mine[3:])
    yield (
        "newsletters-reader-retired",
        NewslettersPage(choices=of_retired, reader=LONG_ADDRESS, email_verified=True),
        reader,
    )
    yield "newsletters-unproved", NewslettersPage(choices=_boxes(), reader=LONG_ADDRESS), reader
    yield "newsletters-asked", NewslettersAskedPage(days=7), stranger
    names = ("First Light", "Water & Weather")
    yield "newsletters-confirm", NewslettersConfirmPage(names=names), stranger
    yield "newsletters-confirmed", NewslettersConfirmPage(names=names, done=True), stranger
    limited = NewslettersConfirmPage(names=names, for_subscribers=names[1:])
    yield "newsletters-confirm-for-subscribers", limited, stranger
    yield "newsletters-confirmed-for-subscribers", replace(limited, done=True), stranger
    left_out = NewslettersConfirmPage(names=names[:1], retired=names[1:])
    yield "newsletters-confirm-retired", left_out, stranger
    yield "newsletters-confirmed-retired", replace(left_out, done=True), stranger
    yield "newsletters-mine", NewsletterChoicesPage(choices=mine), stranger
    blocked = WHY[SuppressionReason.COMPLAINT]
    yield (
        "newsletters-mine-stopped",
        NewsletterChoicesPage(choices=_boxes(), stopped=names, stopped_at=NOW.isoformat()),
        stranger,
    )
    refused = say("No longer published, and so not open to sign-ups: %(names)s.", names=names[1])
    yield "newsletters-mine-problem", NewsletterChoicesPage(choices=of_retired, error=refused), stranger
    yield "newsletters-mine-blocked", NewsletterChoicesPage(choices=_boxes(), blocked=blocked), stranger
    stop = UnsubscribePage(name="First Light", action="/u/sgn_1.x")
    yield "unsubscribe", stop, stranger
    yield "unsubscribed", replace(stop, done=True, can_take_back=True), stranger
    several = replace(stop, name="First Light and The Long Read", several=True)
    yield "unsubscribe-several", several, stranger
    yield "unsubscribed-several", replace(several, done=True, can_take_back=True), stranger
    yield "unsubscribed-late", replace(stop, done=True), stranger
    yield "unsubscribed-retired", replace(stop, done=True, retired=True), stranger
    yield "unsubscribed-blocked", replace(stop, done=True, blocked=blocked), stranger
    yield "unsubscribe-taken-back", replace(stop, done=True, taken_back=True), stranger
    yield "unsubscribed-unknown", replace(stop, name=None, done=True), stranger


def _lists() -> Iterator[tuple[str, Page, Frame]]:
    room = replace(STAFF, path="/staff/newsletters/lists")
    rows = tuple(
        PublishedRow(
            newsletter_id=sample.id,
            name=sample.name,
            description=sample.description,
            rhythm=sample.rhythm,
            promotional=False,
            for_subscribers=sample.audience is Audience.SUBSCRIBERS,
            people=1009 - 200 * sample.position,
        )
        for sample in samples()
    )
    retired = replace(rows[1], retired_on=NOW.date() - timedelta(days=30))
    page = NewsletterListsPage(rows=(rows[0], retired, replace(rows[2], promotional=True), *rows[3:]))
    yield "staff-newsletter-lists", page, room
    yield "staff-newsletter-lists-empty", NewsletterListsPage(rows=()), room
    form = TypedForm(
        of="first-light",
        name="retire",
        values={"reason": "its editor has left"},
        error=IssueUnderWay().detail,
    )
    yield "staff-newsletter-lists-problem", replace(page, typed=form), room
    late = replace(form, of=retired.newsletter_id, error=RetiredAlready().detail)
    yield "staff-newsletter-lists-late", replace(page, typed=late), room


def _writing() -> Iterator[tuple[str, Page, Frame]]:
    room = replace(STAFF, path="/staff/newsletters")
    rows = tuple(
        IssueRow(
            issue_id=f"iss_{state}",
            newsletter="First Light",
            subject=SUBJECT,
            state=state,
            at=NOW,
            changed_by="nandi@swartbergpost.example",
            recipients=count,
        )
        for state, count in (("Draft", None), ("Scheduled", None), ("Being sent", 1009), ("Sent", 998))
    )
    lists = tuple(
        ListRow(newsletter_id=sample.id, name=sample.name, people=1009 - 200 * sample.position)
        for sample in samples()
    )
    yield "staff-newsletters", IssuesPage(issues=rows, lists=lists), room
    yield "staff-newsletters-empty", IssuesPage(issues=(), lists=lists), room
    page = ComposePage(
        issue_id="iss_1",
        newsletter="First Light",
        people=1009,
        version=3,
        subject=SUBJECT,
        preheader="What happened overnight, and what today will bring to the valley.",
        source=SOURCE,
        scheduled_at=None,
        suggested="2026-11-24T06:00",
        zone="Africa/Johannesburg",
        picks=(
            Pick(
                article_id="the-water-nobody-counted",
                title="The water nobody counted",
                section="Environment",
            ),
            Pick(article_id="who-leases-the-wind", title="Who leases the wind", section="Business"),
        ),
        problems=(),
        sizes=(("subscriber", "13.4 kB"), ("reader", "13.5 kB")),
    )
    yield "compose", page, room
    wrong = replace(
        page,
        subject="",
        problems=("The subject has 0 characters; 3 to 150 are good.",),
        variant="subscriber",
        error="Somebody else has saved this issue since you opened it.",
        held_reason="It was due while nothing was being sent. Choose a new time.",
    )
    yield "compose-problem", wrong, room
    scheduled = replace(page, scheduled_at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC))
    yield "compose-scheduled", replace(scheduled, note="A test is on its way to you."), room


def _sending() -> Iterator[tuple[str, Page, Frame]]:
    room = replace(STAFF, path="/staff/newsletters/iss_1")
    page = IssueProgressPage(
        issue_id="iss_1",
        newsletter="First Light",
        subject=SUBJECT,
        state="paused",
        state_words="Paused",
        started_at=NOW,
        finished_at=None,
        recipients=1009,
        settled=420,
        rows=(
            ("waiting to be sent", 580),
            ("put off by the mail server, tried again", 6),
            ("sent", 417),
            ("held: may or may not have it", 3),
            ("left out", 1),
            ("came back", 2),
        ),
        skipped=(("unsubscribed before their turn", 1),),
        variants=(("reader", 999), ("subscriber", 10)),
        held=tuple(
            HeldRow(address=address, reason="the worker died between the last line and the answer")
            for address in ("thandi@example.org", "lerato@example.org", LONG_ADDRESS)
        ),
        held_count=3,
        held_reason="The relay refuses it: 554 5.7.1 this mail looks odd",
        resume_at=None,
    )
    yield "issue-paused", page, room
    done = (("sent", 1006), ("left out", 1), ("came back", 2))
    sent = replace(
        page,
        state="sent",
        state_words="Sent",
        rows=done,
        settled=1009,
        held=(),
        held_count=0,
        held_reason=None,
        finished_at=NOW,
    )
    yield "issue-sent", sent, room
    yield (
        "issue-final",
        replace(
            sent, rows=((*done[:1], page.rows[3], *done[1:])), recipients=1012, held_count=3, is_final=True
        ),
        room,
    )
    yield "issue-empty", replace(sent, recipients=0, settled=0, rows=(), skipped=(), variants=()), room
