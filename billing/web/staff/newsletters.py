"""Editors write issues of newsletters, look at them, send themselves a test, set the time, and watch them go."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.mail.smtp import Accepted
from billing.newsletters import issues
from billing.newsletters.compose import IssueContent, Variant
from billing.newsletters.lists import newsletter
from billing.newsletters.models import Issue
from billing.newsletters.proof import send_test
from billing.newsletters.wrap import content_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff import issue_page
from billing.web.staff.compose_page import ROOM, Draft, cards, compose_view, preview_answer
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.NEWSLETTERS)]
Acting = Annotated[StaffVisit, needs(Permission.NEWSLETTERS, acts=True)]


@router.get(ROOM)
def everything(visit: Seeing) -> Response:
    """The issues changed last, and the lists with how many are on them."""
    with visit.services.database.transaction() as session:
        return visit.page(issue_page.everything(session))


@router.post(ROOM)
def begin(visit: Acting, newsletter_id: Annotated[str, Form()] = "") -> Response:
    """A new draft."""
    with visit.begin() as ctx:
        made = issues.create(ctx, newsletter_id)
        _audit(visit, ctx.session, made, "begin_issue")
    return visit.go(f"{ROOM}/{made.id}")


@router.get(f"{ROOM}/{{issue_id}}")
def show(visit: Seeing, issue_id: str) -> Response:
    """The editor's page until it starts, then its progress."""
    with visit.services.database.transaction() as session:
        found = issues.issue(session, issue_id)
        if found.state in issues.UNSTARTED:
            return visit.page(compose_view(visit, session, found, Draft.of(found)))
        return visit.page(issue_page.progress_view(session, found))


@router.post(f"{ROOM}/{{issue_id}}")
def save(
    visit: Acting,
    issue_id: str,
    version: Annotated[int, Form(ge=0, le=1_000_000)] = 0,
    subject: Annotated[str, Form(max_length=1000)] = "",
    preheader: Annotated[str, Form(max_length=1000)] = "",
    source: Annotated[str, Form()] = "",
    variant: Annotated[Variant, Form()] = Variant.READER,
    then: Annotated[str, Form(max_length=300)] = "save",
    when: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Keep what was typed, and then do what the pressed button says. What can't be kept comes back with the reason."""
    draft = Draft(version, subject, preheader, source.replace("\r\n", "\n"))
    if then.startswith("insert:"):
        draft = draft.with_card(then.removeprefix("insert:"))
    try:
        kept = _keep(visit, issue_id, draft)
    except issues.HasStarted:
        raise
    except Refusal as refusal:
        return _back(visit, issue_id, draft, error=refusal.detail, status=refusal.status)
    match then:
        case "test":
            return _test(visit, kept, variant)
        case "schedule":
            return _schedule(visit, kept, when)
        case _:
            return visit.go(f"{ROOM}/{issue_id}", "staff-saved")


def _keep(visit: StaffVisit, issue_id: str, draft: Draft) -> Issue:
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
    error: str | None = None,
    note: str | None = None,
    status: int = 200,
) -> Response:
    with visit.services.database.transaction() as session:
        found = issues.issue(session, issue_id)
        return visit.page(compose_view(visit, session, found, draft, error=error, note=note), status)


def _test(visit: StaffVisit, kept: Issue, variant: Variant) -> Response:
    """One mail to whoever is at the page; the relay's answer is shown."""
    with visit.services.database.transaction() as session:
        list_ = newsletter(session, kept.newsletter_id)
        _audit(visit, session, kept, "test_issue")
    try:
        outcome = send_test(
            visit.services.newsletter_sender,
            list_,
            content_of(kept, list_),
            variant,
            visit.member.email,
            visit.at,
        )
    except Refusal as refusal:
        return _back(visit, kept.id, Draft.of(kept), error=refusal.detail, status=refusal.status)
    if isinstance(outcome, Accepted):
        words = f"A test, as a {variant.value} gets it, is on its way to {visit.member.email}."
        return _back(visit, kept.id, Draft.of(kept), note=words)
    return _back(
        visit,
        kept.id,
        Draft.of(kept),
        error=f"The mail server didn't take the test: {outcome}"[:300],
        status=503,
    )


def _schedule(visit: StaffVisit, kept: Issue, when: str) -> Response:
    """At a civil time of the publisher's zone."""
    try:
        moment = datetime.fromisoformat(when).replace(tzinfo=visit.services.site.zone)
    except ValueError:
        return _back(visit, kept.id, Draft.of(kept), error="Choose a day and a time.", status=422)
    try:
        with visit.begin() as ctx:
            found = issues.schedule(
                ctx, kept.id, moment.astimezone(UTC), visit.services.newsletter_sender.house
            )
            _audit(visit, ctx.session, found, "schedule_issue", at=str(found.scheduled_at))
    except Refusal as refusal:
        return _back(visit, kept.id, Draft.of(kept), error=refusal.detail, status=refusal.status)
    return visit.go(f"{ROOM}/{kept.id}", "staff-saved")


@router.get(f"{ROOM}/{{issue_id}}/preview")
def preview_kept(
    visit: Seeing, issue_id: str, variant: Variant = Variant.READER, shown: str = "desktop"
) -> Response:
    """The kept text as a reader would see it, for the frame beside the form."""
    with visit.services.database.transaction() as session:
        found = issues.issue(session, issue_id)
        words = content_of(found, newsletter(session, found.newsletter_id))
    return preview_answer(visit.services.newsletter_sender, words, variant, shown)


@router.post(f"{ROOM}/{{issue_id}}/preview")
def preview_typed(
    visit: Acting,
    issue_id: str,
    subject: Annotated[str, Form(max_length=1000)] = "",
    preheader: Annotated[str, Form(max_length=1000)] = "",
    source: Annotated[str, Form()] = "",
    variant: Annotated[Variant, Form()] = Variant.READER,
    shown: Annotated[str, Form(max_length=20)] = "desktop",
) -> Response:
    """The same for what is typed and not kept yet."""
    with visit.services.database.transaction() as session:
        found = issues.issue(session, issue_id)
        name = newsletter(session, found.newsletter_id).name
        words = IssueContent(name, subject.strip(), preheader.strip(), source, cards(session, source))
    return preview_answer(visit.services.newsletter_sender, words, variant, shown)


Change = Callable[[TransactionContext, str], Issue]
CHANGES: dict[str, tuple[str, Change]] = {
    "unschedule": ("unschedule_issue", issues.unschedule),
    "pause": ("pause_issue", issues.pause),
    "resume": ("resume_issue", issues.resume),
    "stop": ("stop_issue", issues.stop),
}


class NoSuchChange(Refusal):
    """An issue can be unscheduled, paused, resumed or stopped."""

    status = 404
    code = "not_found"


@router.post(f"{ROOM}/{{issue_id}}/held")
def send_held(visit: Acting, issue_id: str) -> Response:
    """Send again to those of whom nobody knows whether they have it."""
    with visit.begin() as ctx:
        count = issues.send_held(ctx, issue_id)
        _audit(visit, ctx.session, issues.issue(ctx.session, issue_id), "send_held", recipients=count)
    return visit.go(f"{ROOM}/{issue_id}", "staff-saved")


@router.post(f"{ROOM}/{{issue_id}}/{{change}}")
def change(visit: Acting, issue_id: str, change: str) -> Response:
    """Take it back, pause it, go on, or stop it for good."""
    if change not in CHANGES:
        raise NoSuchChange
    act, do = CHANGES[change]
    with visit.begin() as ctx:
        found = do(ctx, issue_id)
        _audit(visit, ctx.session, found, act)
    return visit.go(f"{ROOM}/{issue_id}", "staff-saved")


def _audit(visit: StaffVisit, session: Session, found: Issue, act: str, **facts: object) -> None:
    after = {"issue": found.id, "newsletter": found.newsletter_id, "subject": found.subject, **facts}
    audit.write(visit.context(session), act, subject=found.id, after=after)
