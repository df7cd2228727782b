"""Money owed to readers, with its age and what to do about it; and closed accounts that can't be erased yet."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.acquirer.reason_words import refund_failure
from billing.payments.unexplained_models import UnexplainedCharge
from billing.personal_data.ask import waiting_erasures
from billing.platform.context import TransactionContext
from billing.refunds import shortage
from billing.reports import books
from billing.rules.addresses import is_erased
from billing.rules.money import Money
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.transfers import record_transfer
from billing.web.views.books import TypedTransfer, WaitingRefunds
from billing.web.views.owed import Debt, StaffOwedPage, WaitingErasure

router = APIRouter(include_in_schema=False)
ADDRESS = "/staff/owed"
ASKED = "The reader was asked for a bank account. Pay by bank transfer, and write the transfer here."
NOBODY_TO_ASK = "The account is erased, so nobody can be asked. It stays owed until the person comes forward."
UNEXPLAINED = "Ask the holder of the card for a bank account, and pay by transfer. If the money is ours, close its case."


@router.get(ADDRESS)
def owed(visit: Annotated[StaffVisit, needs(Permission.BOOKS)]) -> Response:
    """All of it, the oldest first."""
    return _page(visit)


@router.post(f"{ADDRESS}/paid-back")
def owed_paid_back(
    visit: Annotated[StaffVisit, needs(Permission.BOOKS, acts=True, fresh=True)],
    refund_id: Annotated[str, Form(max_length=64)] = "",
    charge_ref: Annotated[str, Form(max_length=64)] = "",
    on: Annotated[str, Form(max_length=20)] = "",
    reference: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Record a transfer; by default it was paid today. Raises UnknownRefund, RefundNotOwed."""
    typed = record_transfer(visit, refund_id=refund_id, charge_ref=charge_ref, on=on, reference=reference)
    return visit.go(ADDRESS, "staff-saved") if typed is None else _page(visit, typed, 422)


def _page(visit: StaffVisit, typed: TypedTransfer | None = None, status: int = 200) -> Response:
    with visit.read() as ctx:
        view = _view(ctx, typed)
    return visit.page(view, status)


def _view(ctx: TransactionContext, typed: TypedTransfer | None) -> StaffOwedPage:
    refunds = [_refund(ctx, row) for row in books.owed_back(ctx.session)]
    charges = [_charge(ctx, row) for row in books.unexplained_owed(ctx.session)]
    debts = sorted([*refunds, *charges], key=lambda debt: debt.since)
    short = shortage.now(ctx.session)
    return StaffOwedPage(
        debts=tuple(debts),
        total=Money(sum(debt.amount.amount for debt in debts)),
        erasures=tuple(
            WaitingErasure(
                reader_id=reader.id,
                email=reader.email,
                since=erasure.erases_at,
                days=(ctx.at - erasure.erases_at).days,
                due_at=erasure.due_at,
                waits_for=tuple(map(str, reasons)),
            )
            for erasure, reader, reasons in waiting_erasures(ctx.session, ctx.at)
        ),
        waiting=WaitingRefunds(count=short.count, amount=Money(short.cents), since=short.since)
        if short
        else None,
        today=ctx.today,
        typed=typed,
    )


def _refund(ctx: TransactionContext, row: books.OwedBack) -> Debt:
    failed = "It came back" if row.credit_note else "The acquirer refused it"
    return Debt(
        of=row.refund_id,
        field="refund_id",
        reader_id=row.reader_id,
        whose=row.email,
        amount=Money(row.amount),
        since=row.since,
        days=(ctx.at - row.since).days,
        why=f"{failed}: {refund_failure(row.failure) or 'no reason given'}."
        + (f" Credit note {row.credit_note}." if row.credit_note else ""),
        do=NOBODY_TO_ASK if is_erased(row.email) else ASKED,
    )


def _charge(ctx: TransactionContext, row: UnexplainedCharge) -> Debt:
    since = row.given_up_at or row.found_at
    return Debt(
        of=row.charge_ref,
        field="charge_ref",
        reader_id=None,
        whose=f"the holder of the card of {row.charge_ref}",
        amount=Money(row.amount),
        since=since,
        days=(ctx.at - since).days,
        why="Nothing explains this charge, and no refund could return it.",
        do=UNEXPLAINED,
    )
