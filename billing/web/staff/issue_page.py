"""The list of issues, and the progress of a started one. Its numbers add up to the number of recipients."""

from sqlmodel import Session, col, select

from billing.newsletters import issues
from billing.newsletters.lists import newsletter, newsletters
from billing.newsletters.models import Delivery, DeliveryState, Issue, IssueState
from billing.newsletters.progress import audience_now, progress
from billing.web.views.compose import HeldRow, IssueProgressPage
from billing.web.views.issues import IssueRow, IssuesPage, ListRow

STATES = {
    IssueState.DRAFT: "Draft",
    IssueState.SCHEDULED: "Scheduled",
    IssueState.SENDING: "Being sent",
    IssueState.PAUSED: "Paused",
    IssueState.SENT: "Sent",
    IssueState.STOPPED: "Stopped",
}
DELIVERIES = {
    DeliveryState.FROZEN: "waiting to be sent",
    DeliveryState.SENDING: "in a worker's hands",
    DeliveryState.DEFERRED: "put off by the mail server, tried again",
    DeliveryState.SENT: "sent",
    DeliveryState.UNCERTAIN: "held: may or may not have it",
    DeliveryState.FAILED: "not taken",
    DeliveryState.SKIPPED: "left out",
    DeliveryState.BOUNCED: "came back",
    DeliveryState.COMPLAINED: "called it spam",
}
SKIPPED = {
    "left": "unsubscribed before their turn",
    "suppressed": "mail to them comes back, or they complained",
    "address_changed": "have another address now",
    "not_subscribed": "no longer subscribe",
    "stopped": "it was stopped before their turn",
}
HELD_SHOWN = 50


def everything(session: Session) -> IssuesPage:
    """The issues, the ones changed last first, and the lists that more can be written for."""
    rows = tuple(
        IssueRow(
            issue_id=issue.id,
            newsletter=list_.name,
            subject=issue.subject or "(no subject yet)",
            state=STATES[issue.state],
            at=issue.started_at or issue.scheduled_at or issue.changed_at,
            changed_by=issue.changed_by.removeprefix("staff:"),
            recipients=issue.recipients,
        )
        for issue, list_ in issues.issues(session)
    )
    lists = tuple(
        ListRow(newsletter_id=list_.id, name=list_.name, people=audience_now(session, list_.id))
        for list_ in newsletters(session)
        if list_.retired_at is None
    )
    return IssuesPage(issues=rows, lists=lists)


def progress_view(session: Session, issue: Issue) -> IssueProgressPage:
    """The progress of an issue that has started."""
    found = progress(session, issue.id)
    assert issue.started_at is not None
    held = session.exec(
        select(Delivery)
        .where(
            Delivery.issue_id == issue.id,
            Delivery.started_at == issue.started_at,
            Delivery.state == DeliveryState.UNCERTAIN,
        )
        .order_by(col(Delivery.number))
        .limit(HELD_SHOWN)
    )
    return IssueProgressPage(
        issue_id=issue.id,
        newsletter=newsletter(session, issue.newsletter_id).name,
        subject=issue.subject,
        state=issue.state.value,
        state_words=STATES[issue.state],
        started_at=issue.started_at,
        finished_at=issue.finished_at,
        recipients=found.recipients,
        settled=found.settled,
        rows=tuple(
            (words, found.states[state]) for state, words in DELIVERIES.items() if state in found.states
        ),
        skipped=tuple(
            (SKIPPED.get(reason, reason), count) for reason, count in sorted(found.skipped.items())
        ),
        variants=tuple(sorted(found.variants.items())),
        held=tuple(HeldRow(address=row.address, reason=row.last_answer or "") for row in held),
        held_count=found.states.get(DeliveryState.UNCERTAIN, 0),
        held_reason=issue.held_reason,
        resume_at=issue.resume_at,
        is_final=found.is_final,
    )
