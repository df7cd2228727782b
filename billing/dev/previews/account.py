"""A reader's account, paying, and gifts, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from billing.access.gifts import GiftEnd, GiftLimits
from billing.dev.paper.sample_articles import sample_articles
from billing.dev.previews.charge_day import charge_day
from billing.dev.previews.values import (
    BUYER,
    CARD,
    DATES,
    LONG_ADDRESS,
    NOW,
    PAID_ACCOUNT,
    PRICE,
    READER,
    RECEIPT,
    VAT,
    VISITOR,
    WITHDRAWAL,
    YEAR,
)
from billing.payments.invoice_recipients import NotAVatNumber
from billing.payments.refund_reasons import withdrawn
from billing.personal_data.ask import DisputeKeepsEvidence
from billing.personal_data.register import reasons
from billing.readers import consents
from billing.rules.decline_causes import DeclineCause
from billing.rules.money import Money
from billing.rules.pause import PauseSpan
from billing.web.kit.flashes import FLASHES
from billing.web.reader.agreement import words_of_card, words_of_money
from billing.web.reader.gifts import OVER
from billing.web.views.account import (
    AccountDispute,
    AccountPage,
    AccountRequest,
    CancelledPage,
    CancelPage,
    LeaveEarly,
    NextChargeRow,
    PastDue,
    PayOverPage,
    PayPage,
    Unreached,
    WithdrawPage,
)
from billing.web.views.choices import Choices, PausePage, PlanPage
from billing.web.views.data import DataPage
from billing.web.views.erase import AccountClosedPage, EraseAskedPage, ErasePage
from billing.web.views.frame import Frame, Page
from billing.web.views.gifts import GiftRow, GiftsPage
from billing.web.views.receipt import CreditNoteRow, InvoiceDetailsPage, ReplacedInvoiceRow
from billing.web.views.undo import UndoAct, UndoPage
from emails.languages import named, say


def pages() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(READER, path="/account")
    paid = PAID_ACCOUNT
    trial = replace(
        paid,
        status=say("Your free trial runs through %(day)s.", day=DATES.free_until),
        next_charge=NextChargeRow(on=DATES.first_charge_on, amount=PRICE),
        receipts=(),
    )
    late = PastDue(amount=PRICE, reading_until=date(2026, 12, 29), retry_on=date(2026, 12, 11))
    yield "account", paid, replace(at, flash=FLASHES["card"])
    yield "account-trial", trial, at
    in_trial = replace(YEAR, on=date(2026, 12, 8), undo_until=date(2026, 11, 30))
    choice = Choices(ahead=None, can_undo_plan=False, plans=(in_trial,), can_pause=False, pause="none")
    yield "account-trial-choices", replace(trial, plan=choice), at
    yield (
        "plan-in-trial",
        PlanPage(
            email=LONG_ADDRESS,
            option=in_trial,
            vat=Money(9783),
            consent_text=consents.for_switch(YEAR.amount, YEAR.every, date(2026, 12, 8), PRICE).words,
        ),
        replace(at, path="/account/plan"),
    )
    stays = say(
        "We have announced your first charge with its price, so the plan stays for it. You can choose another plan once that"
        " charge is made, on %(day)s.",
        day=DATES.first_charge_on,
    )
    yield "account-trial-announced", replace(trial, plan=replace(choice, plans=(), plan_stays=stays)), at
    yield "account-passkey", replace(trial, passkeys="offer"), at
    free = Choices(ahead=None, can_undo_plan=False, plans=(YEAR,), can_pause=True, pause="none")
    ahead = say(
        "From %(day)s you pay %(amount)s incl. VAT a %(period)s.",
        day=YEAR.on,
        amount=YEAR.amount,
        period=named("period", YEAR.every),
    )
    chosen = replace(free, ahead=ahead, can_undo_plan=True, plans=(), can_pause=False)
    yield "account-choices", replace(paid, plan=free), at
    yield "account-switch-ahead", replace(paid, plan=chosen), at
    resting = say("Your subscription is paused; it goes on, with a charge, on %(day)s.", day=date(2027, 4, 8))
    paused = replace(free, plans=(), can_pause=False, pause="running")
    yield "account-paused", replace(paid, status=resting, plan=paused), at
    consent = consents.for_switch(YEAR.amount, YEAR.every, YEAR.on, PRICE).words
    plan = PlanPage(email=LONG_ADDRESS, option=YEAR, vat=Money(9783), consent_text=consent)
    yield "plan", plan, replace(at, path="/account/plan")
    yield (
        "plan-problem",
        replace(plan, error=say("Please tick the box to agree, or go back: nothing has changed.")),
        at,
    )
    dearer = (
        say(
            "The price is now %(now)s instead of %(was)s.",
            now=words_of_money(YEAR.amount),
            was=words_of_money(Money(70000)),
        ),
    )
    yield "plan-changed", replace(plan, changed=dearer), at
    months = tuple(PauseSpan(n, date(2027, 1, 8), date(2027, 1 + n, 8)) for n in (1, 2, 3))
    acts: tuple[UndoAct, ...] = ("resume", "plan kept", "pause undone", "pause ended", "day kept")
    for act in acts:
        on = date(2026, 11, 23) if act == "pause ended" else date(2027, 1, 8)
        undo = UndoPage(email=LONG_ADDRESS, act=act, amount=PRICE, every="month", on=on, card=CARD)
        yield f"undo-{act.replace(' ', '-')}", undo, at
    nothing = UndoPage(email=LONG_ADDRESS, act="resume", amount=None, every="", on=None)
    yield "undo-resume-no-charge", nothing, at
    pause = PausePage(email=LONG_ADDRESS, last_day=date(2027, 1, 7), amount=PRICE, options=months)
    yield "pause", pause, replace(at, path="/account/pause")
    yield from charge_day(paid, free, at)
    yield "account-unreached", replace(trial, unreached=Unreached(ended=False, ends=True)), at
    yield "account-unreached-ended", replace(paid, unreached=Unreached(ended=True)), at
    yield "account-asked-to-cancel", replace(paid, cancel_request_at=NOW), at
    yield "account-put-off", replace(paid, cancel_request_at=NOW, charge_put_off=True), at
    question = AccountRequest(received_at=NOW, waits_since=NOW)
    yield "account-question", replace(paid, request=question), at
    yield "account-question-answered", replace(paid, request=replace(question, waits_since=None)), at
    yield "account-cooling-off", replace(paid, withdraw=WITHDRAWAL), at
    yield from _closing(paid, at)
    yield "withdraw", WithdrawPage(email="thandi@example.org", offer=WITHDRAWAL), at
    renewed = replace(WITHDRAWAL, amount=Money(14750), unread=Money(7250))
    again = replace(WITHDRAWAL, withdrew_on=date(2026, 7, 22))
    until = date(2027, 1, 7)
    yield "withdraw-again", WithdrawPage(email="thandi@example.org", offer=again, access_until=until), at
    yield "account-withdrawn-before", replace(paid, withdraw=again), at
    asked = replace(again, requested_on=date(2026, 12, 20))
    yield "account-asked-back", replace(paid, withdraw=asked), at
    yield "withdraw-after-a-renewal", WithdrawPage(email="thandi@example.org", offer=renewed), at
    open_charge = say(
        "Your last payment did not go through; you can read through %(day)s.", day=late.reading_until
    )
    owing = replace(paid, status=open_charge, next_charge=None)
    yield "account-past-due", replace(owing, past_due=late), at
    for cause in DeclineCause:
        yield f"account-past-due-{cause}", replace(owing, past_due=replace(late, cause=cause)), at
    yield "account-not-asked", replace(owing, past_due=replace(late, bank_asked=False)), at
    ended = say("You have cancelled; you can read through %(day)s.", day=date(2026, 12, 22))
    yield (
        "account-cancelled",
        replace(paid, status=ended, next_charge=None, can_cancel=False, can_resume=True),
        at,
    )
    yield "account-card-gone", replace(paid, card=replace(CARD, gone=True)), at
    bank = AccountDispute(amount=PRICE, inquiry=False)
    yield (
        "account-disputed",
        replace(paid, status=ended, next_charge=None, can_cancel=False, dispute=bank),
        at,
    )
    never = replace(
        trial, status=say("You have a free account, and no subscription."), next_charge=None, card=None
    )
    yield "account-registered", replace(never, can_cancel=False, can_subscribe=True), at
    yield (
        "cancel-trial",
        CancelPage(email="thandi@example.org", access_until=DATES.free_until, in_trial=True, withdraw=None),
        at,
    )
    refund = CancelPage(
        email="thandi@example.org",
        access_until=until,
        in_trial=False,
        withdraw=WITHDRAWAL,
        action="/cancel",
    )
    yield "cancel-refund", refund, replace(VISITOR, path="/cancel")
    leave = LeaveEarly(last_day=date(2027, 1, 22), refund=Money(56918))
    yield "cancel-year", replace(refund, withdraw=None, leave=leave), replace(VISITOR, path="/cancel")
    mind = CancelledPage(access_until=until, ever_charged=True, withdraw=WITHDRAWAL)
    yield "cancelled-cooling-off", mind, at
    yield "cancelled-by-an-old-mail", replace(mind, undo="by_mail"), replace(VISITOR, path="/cancel")
    yield "cancelled-withdrawn-before", replace(mind, withdraw=again), at
    early = replace(refund, withdraw=None, leave=leave, ask=again)
    yield "cancel-year-withdrawn-before", early, replace(VISITOR, path="/cancel")
    yield "cancelled-asked-back", replace(mind, withdraw=asked), at
    yield "cancelled-trial", CancelledPage(access_until=DATES.free_until, ever_charged=False), at
    yield (
        "cancelled-refund",
        CancelledPage(access_until=None, ever_charged=True, refund=PRICE, undo=None),
        at,
    )
    waits = CancelledPage(access_until=None, ever_charged=True, waiting=PRICE, owed=PRICE, undo=None)
    yield "cancelled-refund-late", waits, at
    yield from _paying()
    yield from _gifts()
    yield from _invoice_details()
    yield "receipt", RECEIPT, at
    note = CreditNoteRow(
        number="CN-000003",
        of_invoice="INV-000148",
        issued_on=date(2026, 12, 10),
        net=Money(6522),
        vat=VAT,
        gross=PRICE,
        reason=withdrawn(14),
    )
    yield "receipt-credited", replace(RECEIPT, credit_notes=(note,)), at
    yield "receipt-to-be-named", replace(RECEIPT, details=BUYER), at
    corrected = replace(
        RECEIPT,
        number="INV-000161",
        issued_on=date(2026, 12, 20),
        supplied_on=date(2026, 12, 8),
        recipient=BUYER,
        credit_notes=(
            replace(
                note,
                reason=say("Replaced by tax invoice %(number)s: the buyer’s details", number="INV-000161"),
            ),
        ),
        replaced=(ReplacedInvoiceRow("INV-000148", date(2026, 12, 8)),),
    )
    yield "receipt-corrected", corrected, at
    yield "receipt-above-r5000", replace(RECEIPT, needs_recipient=True, may_name=True), at


def _invoice_details() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(READER, path="/account/invoice-details")
    yield "invoice-details-none", InvoiceDetailsPage(), at
    kept = InvoiceDetailsPage(
        name=BUYER.name, address=BUYER.address, vat_number=BUYER.vat_number or "", kept=True
    )
    yield "invoice-details", kept, replace(at, flash=FLASHES["invoice-details"])
    typo = replace(kept, vat_number="5123456789", error=NotAVatNumber().detail)
    yield "invoice-details-problem", typo, at


def _paying() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(VISITOR, path="/pay")
    soft = PayPage(
        amount=PRICE,
        period_from=date(2026, 12, 8),
        period_to=date(2027, 1, 7),
        reading_until=date(2026, 12, 28),
        retry_on=date(2026, 12, 11),
        card=CARD,
        with_card=True,
        confirm=False,
    )
    yield "pay", soft, at
    yield "pay-expired", replace(soft, with_card=False, retry_on=None, cause=DeclineCause.EXPIRED), at
    yield (
        "pay-other-card",
        replace(soft, with_card=False, retry_on=None),
        replace(at, flash=FLASHES["not-charged"]),
    )
    former = replace(CARD, brand="Mastercard", last4="4444")
    other = (
        say(
            "The card is now %(now)s instead of %(was)s.", now=words_of_card(CARD), was=words_of_card(former)
        ),
    )
    yield "pay-changed", replace(soft, changed=other), at
    yield "pay-not-asked", replace(soft, with_card=False, bank_asked=False), at
    yield "pay-confirm", replace(soft, with_card=False, confirm=True, retry_on=None), at
    paid = PayOverPage(reason="paid", amount=PRICE, number="INV-000148", paid_on=date(2026, 12, 9))
    for reason in ("paid", "given_back", "given_away", "cancelled", "over"):
        yield f"pay-{reason.replace('_', '-')}", replace(paid, reason=reason), at
    yield "pay-charging", replace(paid, reason="charging", again_url="pay-charging.html", seconds=1), at


def _gifts() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(READER, path="/account/gifts")
    gift = GiftRow(
        gift_id="gft_1",
        title=sample_articles()[0].teaser.title,
        article_url="/articles/x",
        link="https://accounts.swartbergpost.example/gift/gft_01kpb0cz8e2y6n4m.VtZ2eZvKYlo2C1mXj7rNaVtZ2eZvKYlo",
        until=NOW,
        opened=3,
        most=25,
    )
    over = replace(gift, gift_id="gft_0", over=OVER[GiftEnd.REVOKED])
    mine = GiftsPage(rows=(gift, over), made=gift, left=9, limits=GiftLimits(10, 14, 25))
    yield "gifts", mine, at
    yield "gifts-none", replace(mine, rows=(), made=None, left=0), at


def _closing(paid: AccountPage, at: Frame) -> Iterator[tuple[str, Page, Frame]]:
    """Closing the account: before, refused, asked for, done."""
    erased, due, keeps = date(2026, 12, 9), date(2027, 1, 7), reasons()
    page = ErasePage(
        email="thandi@example.org",
        ends=True,
        amount=PRICE,
        waits=(say("A mail is on its way."),),
        keeps=keeps,
        erases_on=erased,
        due_on=due,
    )
    here = replace(at, path="/account/erase")
    yield "erase", page, here
    yield "erase-no-subscription", replace(page, email=LONG_ADDRESS, ends=False, amount=None, waits=()), here
    yield "erase-staff-decide", replace(page, amount=None, staff_decide=True), here
    yield "erase-not-now", ErasePage(email=page.email, problem=DisputeKeepsEvidence().detail), here
    yield "erase-asked", EraseAskedPage(email=page.email, erases_on=erased, due_on=due), here
    data, made = replace(at, path="/account/data"), datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    yield "data", DataPage(email=page.email), data
    yield "data-making", DataPage(email=LONG_ADDRESS, is_making=True), data
    ready = DataPage(email=page.email, made_at=made, expires_at=made + timedelta(days=7), kilobytes=48)
    yield "data-ready", ready, data
    yield "account-closed", AccountClosedPage(), replace(VISITOR, path="/account/closed")
    yield "account-erased-soon", replace(paid, erased_on=erased, next_charge=None, can_cancel=False), at
