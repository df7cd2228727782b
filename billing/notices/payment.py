"""The mails about a charge: its receipt, that it failed, that a bank disputes it."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta

from billing.mail import outbox
from billing.notices import true_while
from billing.notices.send import last_day_while_reading, send, send_all
from billing.payments import corrections, invoice_recipients
from billing.payments.document_text import tax_invoice
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Invoice, PaymentMethod
from billing.payments.receipts import Paid
from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers.models import Reader
from billing.rules.decline_causes import DeclineCause
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge
from emails import ALWAYS, Cents, Day, Document, Mail, TaxInvoice, Url, hints


@dataclass(frozen=True)
class ReceiptMail(TaxInvoice, Mail, true_while=ALWAYS, to_correspondent=True):
    """The receipt of a charge, which is the tax invoice too (CARD-6); for its fields see `TaxInvoice`.

    `next_charge_on` is None where no charge follows. `again`: it is sent again after a restore from a backup, perhaps under
    another number."""

    samples = {
        "": {},
        "copy": {"is_copy": True},
        "last": {"next_charge_on": None},
        "again": {"again": True},
    }
    _: KW_ONLY
    next_charge_on: Day | None
    cancel_url: Url
    account_url: Url
    again: bool = False

    @property
    def documents(self) -> tuple[Document, ...]:
        """The tax invoice."""
        return (TaxInvoice(**{name: getattr(self, name) for name in hints(TaxInvoice)}),)


def receipt_of(
    site: Site,
    subscription: Subscription,
    invoice: Invoice,
    card: PaymentMethod,
    recipient: Particulars | None = None,
    *,
    again: bool = False,
) -> ReceiptMail:
    """The receipt of a paid invoice."""
    live = subscription.cancels_at is None and subscription.ended_at is None
    return ReceiptMail(
        **vars(tax_invoice(invoice, card, recipient)),
        again=again,
        next_charge_on=invoice.period_end_on.isoformat() if live else None,
        cancel_url=site.cancel_url(subscription.id),
        account_url=site.account_url,
    )


def receipts(
    ctx: TransactionContext, paid: Sequence[tuple[Subscription, Invoice, str]], *, again: bool = False
) -> None:
    """Send the receipts of paid invoices, each with the id of the card that paid. `again`: a lost database may have sent them
    before."""
    if not paid:
        return
    cards = bulk.load(ctx.session, PaymentMethod, {method_id for _, _, method_id in paid})
    readers = bulk.load(ctx.session, Reader, {subscription.reader_id for subscription, _, _ in paid})
    recipients = invoice_recipients.of_invoices(ctx.session, [invoice for _, invoice, _ in paid])
    messages = [
        outbox.NewMessage(
            receipt_of(
                ctx.site, subscription, invoice, cards[method_id], recipients.get(invoice.id), again=again
            ),
            f"receipt:{invoice.id}",
            readers[subscription.reader_id].email,
            subscription.reader_id,
            ctx.at + outbox.RECEIPT_LIFE,
        )
        for subscription, invoice, method_id in paid
    ]
    send_all(ctx, messages)


def receipt_copy(ctx: TransactionContext, paid: Paid) -> None:
    """Send the tax invoice in force again, as a copy (VAT-7). Twice in a minute is one mail."""
    history = corrections.history_of(ctx.session, paid.invoice)
    shown = history.issued[-1]
    document = tax_invoice(
        paid.invoice, paid.card, history.named.get(shown.number), is_copy=True, as_issued=shown
    )
    subscription = ctx.session.get_one(Subscription, paid.invoice.subscription_id)
    receipt = receipt_of(ctx.site, subscription, paid.invoice, paid.card)
    due = next_charge(subscription, ctx.zone)  # not the one that followed this invoice, perhaps long ago
    mail = replace(receipt, **vars(document), next_charge_on=due.on.isoformat() if due else None)
    send(ctx, subscription, mail, f"receipt-copy:{paid.invoice.id}:{ctx.at:%Y%m%dT%H%M}")


@dataclass(frozen=True)
class PaymentFailedMail(
    Mail,
    true_while=true_while.subscription(true_while.GOES_ON, "s.state = 'past_due'", true_while.SAME_CARD),
    only_newest=True,
):
    """A charge was declined. Never titled an invoice (VAT-11). `cause` is a `DeclineCause` or empty: the mail says what the reader
    can do about it, and never that a card was lost, stolen or misused (RET-5).

    `retry_on` is the day of the next attempt, None where only the reader can help; `confirm`: the bank wants the reader to
    confirm the payment (3DS-2); `reading_until` is the last day of reading without a payment. `bank_asked` is False where the
    card was declined so often, for whatever charge, that its bank wasn't asked (RET-6); `card_gone`: the card is stored no more."""

    samples = {
        "": {},
        "card": {"retry_on": None},
        "not-asked": {"bank_asked": False},
        "not-asked-card": {"retry_on": None, "bank_asked": False},
        "card-gone": {"retry_on": None, "card_gone": True},
        "confirm": {"retry_on": None, "confirm": True},
        **{f"cause-{cause}": {"cause": str(cause)} for cause in DeclineCause},
        "cause-expired-card": {"cause": "expired", "retry_on": None},
    }
    amount: Cents
    card_brand: str
    card_last4: str
    retry_on: Day | None
    confirm: bool
    reading_until: Day
    pay_url: Url
    card_url: Url
    cancel_url: Url
    bank_asked: bool = True
    card_gone: bool = False
    cause: str = ""


def payment_failed(
    ctx: TransactionContext,
    invoice: Invoice,
    method_id: str,
    *,
    occasion: str,
    confirm: bool = False,
    bank_asked: bool = True,
    cause: DeclineCause | None = None,
) -> None:
    """A charge was declined: the day of the next attempt, the last day of reading, where to pay now or give another card.
    One mail for each `occasion`."""
    subscription = ctx.session.get_one(Subscription, invoice.subscription_id)
    card = ctx.session.get_one(PaymentMethod, method_id)
    mail = PaymentFailedMail(
        amount=invoice.gross,
        card_brand=card.brand,
        card_last4=card.last4,
        retry_on=subscription.retry_on.isoformat() if subscription.retry_on else None,
        confirm=confirm,
        bank_asked=bank_asked,
        cause=cause.value if cause else "",
        reading_until=ctx.site.last_day(subscription.access_until).isoformat(),
        card_gone=card.gone_at is not None,
        pay_url=ctx.site.pay_url(invoice.id),
        card_url=ctx.site.card_url(subscription.id),
        cancel_url=ctx.site.cancel_url(subscription.id),
    )
    send(ctx, subscription, mail, f"payment-failed:{occasion}", expires_at=ctx.at + timedelta(days=3))


@dataclass(frozen=True)
class DisputedMail(
    Mail,
    true_while=true_while.subscription("(s.cancel_asked_at IS NOT NULL OR s.state = 'ended')"),
    only_newest=True,
):
    """A bank disputes a charge, or calls it fraudulent, so renewals have stopped. Blames nobody: it may be a mistake.

    `access_until` is the last day of reading, None where reading stopped at once. `taken_back`: the bank has decided, and the
    money went back."""

    samples = {
        "": {},
        "at-once": {"access_until": None},
        "taken-back": {"access_until": None, "taken_back": True},
    }
    access_until: Day | None
    account_url: Url
    taken_back: bool = False


def charge_disputed(
    ctx: TransactionContext, subscription: Subscription, *, occasion: str, taken_back: bool = False
) -> None:
    """Renewals have stopped because a bank questions a charge; no blame, and how to reach us."""
    mail = DisputedMail(
        access_until=last_day_while_reading(ctx.site, subscription),
        account_url=ctx.site.account_url,
        taken_back=taken_back,
    )
    send(ctx, subscription, mail, f"disputed:{subscription.id}:{occasion}")
