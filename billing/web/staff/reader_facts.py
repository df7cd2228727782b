"""What a reader's page shows besides the subscription's state and the timeline: money in all, sign-ins, newsletters, pins, disputes,
other accounts."""

from collections.abc import Sequence
from urllib.parse import urlencode

from sqlmodel import Session, col, select

from billing.newsletters.blocks import blocks
from billing.newsletters.lists import newsletters
from billing.newsletters.models import SignupState
from billing.newsletters.signups import Person, states
from billing.payments.dispute_models import Dispute
from billing.payments.invoices import open_invoice
from billing.payments.receipts import Paid
from billing.platform.context import TransactionContext
from billing.readers import devices, sessions
from billing.readers.models import Reader
from billing.rules.addresses import is_erased
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import money_entries, pins, related_accounts
from billing.staff.money_in_all import money_in_all
from billing.staff.roles import Permission
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription
from billing.web.staff.guard import StaffVisit
from billing.web.views.staff_reader import (
    DisputeBanner,
    KnownFacts,
    NewsletterRow,
    PinnedNote,
    RelatedRow,
    SignedInRow,
)


def known_facts(
    visit: StaffVisit,
    ctx: TransactionContext,
    reader: Reader,
    subscription: Subscription | None,
    paid: Sequence[Paid],
    *,
    died: bool,
) -> KnownFacts:
    """All of it, by a bounded number of queries that indexes serve."""
    session = ctx.session
    terms = terms_of(session, subscription) if subscription is not None else None
    may_sign_out = visit.may(Permission.READER_SIGN_INS) and not is_erased(reader.email)
    browsers = _browsers(ctx, reader, may_sign_out=may_sign_out)
    received, returned = money_in_all(session, reader.id)
    return KnownFacts(
        plan=terms[0].name if terms else None,
        price=terms[1].money if terms else None,
        period=terms[0].period_label if terms else "",
        paid=received,
        returned=returned,
        owes=_owes(session, subscription),
        owed=_sum([refund.amount for row in paid for refund in row.owed]),
        browsers=browsers,
        sign_ins=_sign_in_acts(reader, several=len(browsers) > 1, died=died) if may_sign_out else (),
        newsletters=_newsletters(visit, ctx, reader),
        pinned=_pinned(visit, session, reader.id),
        disputes=_disputes(session, reader.id),
        accounts=tuple(
            RelatedRow(
                reader_id=one.reader_id,
                email=one.email,
                external_id=one.external_id,
                relation=one.relation.value,
                since=one.since,
            )
            for one in related_accounts.related(session, reader)
        ),
    )


def _sum(cents: Sequence[int]) -> Money | None:
    return Money(sum(cents)) if cents else None


def _owes(session: Session, subscription: Subscription | None) -> Money | None:
    if subscription is None or subscription.state is not State.PAST_DUE:
        return None
    invoice = open_invoice(session, subscription.id)
    return Money(invoice.gross, invoice.currency) if invoice is not None else None


def act_address(reader_id: str, slug: str, chosen: str) -> str:
    """The page of an act about one of the reader's things."""
    return f"/staff/readers/{reader_id}/{slug}?{urlencode({'chosen': chosen})}"


def _browsers(ctx: TransactionContext, reader: Reader, *, may_sign_out: bool) -> tuple[SignedInRow, ...]:
    return tuple(
        SignedInRow(
            device=devices.in_words(row.device),
            seen_at=row.seen_at,
            since=row.started_at,
            ip=row.ip,
            proved=row.email_verified,
            sign_out=act_address(reader.id, "sign-out", row.id) if may_sign_out else None,
        )
        for row in sessions.open_sessions(ctx, reader.id)
    )


def _sign_in_acts(reader: Reader, *, several: bool, died: bool) -> tuple[tuple[str, str], ...]:
    page = f"/staff/readers/{reader.id}"
    link = () if died else ((f"{page}/mail-link", "Mail a link to sign in"),)
    return (*link, *(((f"{page}/sign-out", "Sign out everywhere"),) if several else ()))


def _newsletters(visit: StaffVisit, ctx: TransactionContext, reader: Reader) -> tuple[NewsletterRow, ...]:
    if is_erased(reader.email):
        return ()
    found, of_person = newsletters(ctx.session), states(ctx.session, Person.of(reader))
    blocked = blocks(ctx.session, ctx.site.tokens, reader.email, [row.id for row in found])
    may_change, rows = visit.may(Permission.READER_NEWSLETTERS), []
    for row in found:
        receives = row.id in of_person[SignupState.CONFIRMED]
        pending = row.id in of_person[SignupState.PENDING]
        words = (
            "receives it" if receives else "asked to confirm it by mail" if pending else "doesn’t receive it"
        )
        if row.retired_at is not None:
            if not (receives or pending):
                continue
            words = "on the list of a retired newsletter"
        if row.id in blocked:
            words = f"blocked since {ctx.site.today(blocked[row.id].at)}"
        stops = (receives or pending) and row.id not in blocked
        act = ("leave-newsletter", "Stop") if stops else ("join-newsletter", "Send")
        change = (act_address(reader.id, act[0], row.id), act[1]) if may_change else None
        rows.append(NewsletterRow(name=row.name, state=words, change=change))
    return tuple(rows)


def pin_address(reader_id: str, note_id: str, act: str) -> str:
    """The form that pins a note or takes its pin off."""
    return f"/staff/readers/{reader_id}/notes/{note_id}/{act}"


def _pinned(visit: StaffVisit, session: Session, reader_id: str) -> tuple[PinnedNote, ...]:
    may = visit.may(Permission.NOTE)
    return tuple(
        PinnedNote(
            at=note.at,
            by=note.by,
            words=note.words,
            unpin=pin_address(reader_id, note.id, "unpin") if may else None,
        )
        for note in pins.pinned(session, reader_id)
    )


def _disputes(session: Session, reader_id: str) -> tuple[DisputeBanner, ...]:
    rows = select(Dispute).where(Dispute.reader_id == reader_id, col(Dispute.decided_at).is_(None))
    return tuple(
        DisputeBanner(
            inquiry=row.inquiry,
            link=f"/staff/readers/{reader_id}/disputes/{row.id}",
            what=f"{money_entries.in_words(row)}: {money_entries.stands(row)}",
            answer_by=row.answer_by,
        )
        for row in session.exec(rows.order_by(col(Dispute.id).desc()))
    )
