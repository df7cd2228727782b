"""What members of staff are told by mail: that something waits for them, and that there is a new admin, or a key to money."""

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.mail import obsolete, outbox
from billing.platform.actors import Actor, actor_name, staff_id_of
from billing.platform.site import Office
from billing.rules.money import Money
from billing.staff import members
from billing.staff.approval_models import Approval, ApprovalKind
from billing.staff.key_models import ApiKey
from billing.staff.second_member import who_may_decide
from emails import AdminAdded, ApprovalAsked, MoneyKeyMade

A_WEEK = timedelta(days=7)


def approval_asked(session: Session, office: Office, approval: Approval, actor: Actor) -> None:
    """To all who may approve it. Readers aren't named: mails are read in many places."""
    if approval.kind is ApprovalKind.NEW_ADMIN:
        what = f"Make {approval.act['email']} an admin"
    elif approval.kind is ApprovalKind.KEY_CEILING:
        what = f"Let an API key give {Money(approval.act['cents']).with_vat_words()} back in a day"
    else:
        what = f"Give {Money(approval.cents).with_vat_words()} back to a reader"
    last_day = office.today(approval.expires_at)
    words = ApprovalAsked(
        by=actor_name(actor),
        what=what,
        last_day=last_day.isoformat(),
        url=office.page("/staff/approvals"),
    )
    for member in who_may_decide(session, approval, approval.asked_at):
        outbox.queue(
            session,
            words,
            key=f"approval:{approval.id}:{member.id}",
            to=member.email,
            reader_id=None,
            at=approval.asked_at,
            expires_at=approval.expires_at,
            about=approval.id,
        )


def approval_decided(session: Session, approval: Approval) -> None:
    """The mails that still wait would ask for what is decided."""
    obsolete.take_back(session, [approval.id])


def money_key_made(session: Session, office: Office, key: ApiKey, actor: Actor, at: datetime) -> None:
    """To all other admins: an API key may give money back."""
    words = MoneyKeyMade(
        name=key.name,
        by=actor_name(actor),
        cents=key.cents_a_day,
        url=office.page("/staff/keys"),
    )
    for member in members.admins(session):
        if member.id != staff_id_of(actor):
            outbox.queue(
                session,
                words,
                key=f"money-key-made:{key.id}:{member.id}",
                to=member.email,
                reader_id=None,
                at=at,
                expires_at=at + A_WEEK,
            )


def admin_added(session: Session, office: Office, email: str, actor: Actor, at: datetime) -> None:
    """To all other admins."""
    words = AdminAdded(email=email, by=actor_name(actor), url=office.page("/staff/members"))
    for member in members.admins(session):
        if member.email.lower() != email.lower():
            outbox.queue(
                session,
                words,
                key=f"admin-added:{email.lower()}:{member.id}:{at.isoformat()}",
                to=member.email,
                reader_id=None,
                at=at,
                expires_at=at + A_WEEK,
            )
