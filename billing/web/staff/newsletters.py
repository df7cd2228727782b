"""Editors write issues of newsletters, preview them, send themselves a test, schedule them and watch them go."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from billing.mail.smtp import Accepted
from billing.newsletters import issues
from billing.newsletters.compose import IssueContent, Variant
from billing.newsletters.lists import newsletter
from billing.newsletters.models import Issue
from billing.newsletters.proof import send_test
from billing.newsletters.wrap import content_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid, NotFound, Refusal, Unavailable
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff import issue_page
from billing.web.staff.compose_page import ROOM, Draft, cards, compose_view, preview_answer
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.NEWSLETTERS)]
Acting = Annotated[StaffVisit, needs(Permission.NEWSLETTERS, acts=True)]
Change = Callable[[TransactionContext, str], Issue]
CHANGES: dict[str, tuple[str, Change]] = {
    "unschedule": ("unschedule_issue", issues.unschedule),
    "pause": ("pause_issue", issues.pause),
    "resume": ("resume_issue", issues.resume),
    "stop": ("stop_issue", issues.stop),
}


class NoSuchChange(NotFound):
    """An issue can be unscheduled, paused, resumed or stopped."""


class NotATime(Invalid):
    """Choose a day and a time."""


@router.get(ROOM)
def everything(visit: Seeing) -> Response:
    """The issues changed last, and the lists with their number of subscribers."""
    with visit.begin() as ctx:
        return visit.page(issue_page.everything(ctx.session))


@router.post(ROOM)
def begin(visit: Acting, newsletter_id: Annotated[str, Form()] = "") -> Response:
    """Create a draft."""
    with visit.begin() as ctx:
        issue = issues.create(ctx, newsletter_id)
        _audit(ctx, issue, "begin_issue")
    return visit.go(f"{ROOM}/{issue.id}")


@router.get(f"{ROOM}/{{issue_id}}")
def show(visit: Seeing, issue_id: str) -> Response:
    """The editor's page until sending starts, then its progress."""
    with visit.begin() as ctx:
        issue = issues.issue(ctx.session, issue_id)
        if issue.state in issues.UNSTARTED:
            return visit.page(compose_view(visit, ctx.session, issue, Draft.of(issue)))
        return visit.page(issue_page.progress_view(ctx.session, issue))


@router.post(f"{ROOM}/{{issue_id}}")
def save(
    visit: Acting,
    issue_id: str,
    draft: Annotated[Draft, Depends()],
    variant: Annotated[Variant, Form()] = Variant.READER,
    then: Annotated[str, Form(max_length=300)] = "save",
    when: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Save the draft, then do what the pressed button says. A draft that can't be saved is shown again with the reason."""
    if then.startswith("insert:"):
        draft = draft.with_card(then.removeprefix("insert:"))
    back = partial(_back, visit, issue_id, variant=variant, when=when)
    try:
        issue = _save(visit, issue_id, draft)
    except issues.HasStarted:
        raise
    except Refusal as refusal:
        return back(draft, error=refusal)
    draft, note = Draft.of(issue), None
    try:
        if then == "test":
            note = _send_test(visit, issue, variant)
        elif then == "schedule":
            _schedule(visit, issue, when)
    except Refusal as refusal:
        return back(draft, error=refusal)
    return back(draft, note=note) if note else visit.go(f"{ROOM}/{issue_id}", "staff-saved")


def _save(visit: StaffVisit, issue_id: str, draft: Draft) -> Issue:
    with visit.begin() as ctx:
        return issues.save(
            ctx,
            issue_id,
            version=draft.version,
            subject=draft.subject,
            preheader=draft.preheader,
            source=draft.source,
            cards=cards(ctx.session, draft.source),
        )


def _back(
    visit: StaffVisit,
    issue_id: str,
    draft: Draft,
    *,
    variant: Variant,
    when: str,
    error: Refusal | None = None,
    note: str | None = None,
) -> Response:
    """The page again, with what was typed and chosen."""
    with visit.begin() as ctx:
        issue = issues.issue(ctx.session, issue_id)
        detail = error.detail if error else None
        view = compose_view(
            visit, ctx.session, issue, draft, variant=variant, when=when, error=detail, note=note
        )
    return visit.page(view, error.status if error else 200)


def _send_test(visit: StaffVisit, issue: Issue, variant: Variant) -> str:
    """Send one mail to the editor; a note that says so. Raises Unavailable with the mail server's answer."""
    with visit.begin() as ctx:
        list_ = newsletter(ctx.session, issue.newsletter_id)
        _audit(ctx, issue, "test_issue")
    content, to = content_of(issue, list_), visit.member.email
    # after the commit: the mail server may take its time
    outcome = send_test(visit.services.newsletter_sender, list_, content, variant, to, visit.at)
    if not isinstance(outcome, Accepted):
        raise Unavailable(f"The mail server didn't take the test: {outcome}"[:300])
    return f"A test, as a {variant.value} gets it, is on its way to {to}."


def _schedule(visit: StaffVisit, issue: Issue, when: str) -> None:
    """Schedule it at a civil time in the publisher's zone. Raises NotATime, and as `issues.schedule`."""
    try:
        moment = datetime.fromisoformat(when).replace(tzinfo=visit.services.site.zone)
    except ValueError:
        raise NotATime from None
    with visit.begin() as ctx:
        found = issues.schedule(ctx, issue.id, moment.astimezone(UTC), visit.services.newsletter_sender.house)
        _audit(ctx, found, "schedule_issue", at=str(found.scheduled_at))


@router.get(f"{ROOM}/{{issue_id}}/preview")
def preview_saved(
    visit: Seeing, issue_id: str, variant: Variant = Variant.READER, shown: str = "desktop"
) -> Response:
    """The saved text as a reader would see it, for the frame beside the form."""
    with visit.begin() as ctx:
        issue = issues.issue(ctx.session, issue_id)
        content = content_of(issue, newsletter(ctx.session, issue.newsletter_id))
    return preview_answer(visit.services.newsletter_sender, content, variant, shown)


@router.post(f"{ROOM}/{{issue_id}}/preview")
def preview_typed(
    visit: Acting,
    issue_id: str,
    draft: Annotated[Draft, Depends()],
    variant: Annotated[Variant, Form()] = Variant.READER,
    shown: Annotated[str, Form(max_length=20)] = "desktop",
) -> Response:
    """The same for what is typed and not saved yet."""
    with visit.begin() as ctx:
        name = newsletter(ctx.session, issues.issue(ctx.session, issue_id).newsletter_id).name
        found = cards(ctx.session, draft.source)
    content = IssueContent(name, draft.subject.strip(), draft.preheader.strip(), draft.source, found)
    return preview_answer(visit.services.newsletter_sender, content, variant, shown)


@router.post(f"{ROOM}/{{issue_id}}/held")
def send_held(visit: Acting, issue_id: str) -> Response:
    """Send again to recipients who may or may not have it."""
    with visit.begin() as ctx:
        count = issues.send_held(ctx, issue_id)
        _audit(ctx, issues.issue(ctx.session, issue_id), "send_held", recipients=count)
    return visit.go(f"{ROOM}/{issue_id}", "staff-saved")


# after `held`: routes are tried in this order
@router.post(f"{ROOM}/{{issue_id}}/{{change}}")
def change(visit: Acting, issue_id: str, change: str) -> Response:
    """Unschedule, pause, resume or stop it. Raises NoSuchChange."""
    if change not in CHANGES:
        raise NoSuchChange
    act, do = CHANGES[change]
    with visit.begin() as ctx:
        _audit(ctx, do(ctx, issue_id), act)
    return visit.go(f"{ROOM}/{issue_id}", "staff-saved")


def _audit(ctx: TransactionContext, issue: Issue, act: str, **facts: object) -> None:
    after = {"issue": issue.id, "newsletter": issue.newsletter_id, "subject": issue.subject, **facts}
    audit.write(ctx, act, subject=issue.id, after=after)
