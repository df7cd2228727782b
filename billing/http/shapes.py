"""The shapes that programs see. Money in minor units, instants in UTC (RFC 3339)."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, model_validator
from sqlmodel import Session

from billing.access import edge_tokens
from billing.access.check import AccessResult
from billing.payments.corrections import InvoiceCorrection
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Invoice, PaymentMethod
from billing.payments.numbers import credit_note_number, invoice_number
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.platform.storable import storable
from billing.readers.models import Reader
from billing.rules.access import Decision, Meter, Reason
from billing.rules.card_numbers import holds_card_number
from billing.rules.lifecycle import State
from billing.subscriptions.find import terms_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import NextCharge, next_charge, pause_is_ahead

LONGEST = 200
"""Characters of an id that a publisher gave to an article or a reader."""
EARLIEST, LATEST = datetime(1800, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def is_name(text: str) -> bool:
    """Whether a publisher can have given this id to an article or a reader, as far as its length and spaces say."""
    return 0 < len(text) <= LONGEST and text == text.strip()


def _written(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("is written as in 2026-12-08T07:00:00Z")
    return value


def _in_reach(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("is a moment before 1800 or after 2199")
    return at.astimezone(UTC)


def _without_card_number(text: str) -> str:
    if holds_card_number(text):
        raise ValueError("holds what looks like a card number; take it out")
    return text


Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_reach)]
FreeText = Annotated[str, AfterValidator(_without_card_number)]
"""Stored text that people type. A card number in it is refused (SEC-12)."""


class Body(BaseModel):
    """A request's body. Unknown fields are refused, so that a misspelt one isn't ignored."""

    model_config = ConfigDict(extra="forbid", str_max_length=2000, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, given: Any) -> Any:
        if not storable(given):
            raise ValueError("holds a NUL, half a character or no number, or is nested too deep")
        return given


def money(amount: int, currency: str = "ZAR") -> dict[str, object]:
    """Cents with their currency."""
    return {"amount": amount, "currency": currency}


def instant(at: datetime | None) -> str | None:
    """An instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def day(on: date | None) -> str | None:
    """A civil day."""
    return on.isoformat() if on else None


def reader(row: Reader) -> dict[str, Any]:
    """A reader."""
    return {
        "id": row.id,
        "email": row.email,
        "external_id": row.external_id,
        "created_at": instant(row.created_at),
    }


def subscription(ctx: TransactionContext, row: Subscription) -> dict[str, Any]:
    """A subscription as it stands now. Periods are civil days; `period_end` is the first day after."""
    session = ctx.session
    plan, price = terms_of(session, row)
    due = next_charge(row, ctx.zone)
    method = session.get(PaymentMethod, row.payment_method_id)
    is_paused = row.state is State.PAUSED or pause_is_ahead(row)
    return {
        "id": row.id,
        "reader_id": row.reader_id,
        "plan": plan.id,
        "status": row.state.value,
        "started_at": instant(row.started_at),
        "trial_ends_at": instant(row.access_until) if row.state is State.TRIALING else None,
        "period_start": day(row.period_start_on),
        "period_end": day(row.period_end_on),
        "access_until": instant(row.access_until),
        "cancel_requested_at": instant(row.cancel_asked_at),
        "cancels_at": instant(row.cancels_at),
        "ended_at": instant(row.ended_at),
        "next_charge": _next_charge(session, row, due) if due else None,
        "next_plan": terms_on(session, row, row.next_terms_on)[0].id if row.next_terms_on else None,
        "paused_until": day(row.resumes_on) if is_paused else None,
        "price": money(price.amount, price.currency) | {"vat_included": True},
        "payment_method": _method(method),
    }


def _next_charge(session: Session, row: Subscription, due: NextCharge) -> dict[str, Any]:
    price = terms_on(session, row, due.on)[1]
    return {"at": instant(due.at), "amount": money(price.amount, price.currency)}


def _method(row: PaymentMethod | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"brand": row.brand, "last4": row.last4, "exp_month": row.exp_month, "exp_year": row.exp_year}


def invoice(row: Invoice, particulars: Particulars | None) -> dict[str, Any]:
    """An invoice; a tax invoice, with its number, once it is paid. `buyer`: whom it names, None where it names nobody."""
    return {
        "id": row.id,
        "subscription_id": row.subscription_id,
        "status": row.state.value,
        "number": invoice_number(row.number) if row.number else None,
        "description": row.description,
        "period_start": day(row.period_start_on),
        "period_end": day(row.period_end_on),
        "net": money(row.net, row.currency),
        "vat": money(row.vat, row.currency),
        "gross": money(row.gross, row.currency),
        "paid_at": instant(row.paid_at),
        "issued_on": day(row.issued_on),
        "buyer": buyer(particulars) if particulars else None,
    }


def correction(row: InvoiceCorrection) -> dict[str, Any]:
    """A tax invoice that another has replaced, with the credit note for all that was left of it."""
    return {
        "replaced": invoice_number(row.replaced_number),
        "credit_note": credit_note_number(row.credit_note_number),
        "number": invoice_number(row.number),
        "net": money(row.net),
        "vat": money(row.vat),
        "gross": money(row.gross),
        "issued_on": day(row.issued_on),
    }


def buyer(particulars: Particulars) -> dict[str, Any]:
    """The particulars of a buyer on a tax invoice."""
    return {
        "name": particulars.name,
        "address": particulars.address.split("\n"),
        "vat_number": particulars.vat_number,
    }


def refund(row: Refund) -> dict[str, Any]:
    """A refund, with its credit note's number once the money went back: to the card, or by a transfer after that failed."""
    status = "pending" if row.state.value == "intended" else row.state.value
    return {
        "id": row.id,
        "payment_id": row.payment_id,
        "status": "succeeded" if row.paid_back_at is not None else status,
        "amount": money(row.amount),
        "reason": row.reason,
        "credit_note": credit_note_number(row.credit_note_number) if row.credit_note_number else None,
    }


def access(checked: AccessResult, site: Site) -> dict[str, Any]:
    """An access decision."""
    return decided(checked.article.id, checked.decision, checked.meter, site)


def access_token(token: str, at: datetime) -> dict[str, Any]:
    """A reader token that was issued at this instant."""
    return {
        "token": token,
        "token_type": "Bearer",
        "expires_in": int(edge_tokens.LIFE.total_seconds()),
        "expires_at": instant(at + edge_tokens.LIFE),
    }


def decided(article_id: str, decision: Decision, meter: Meter | None, site: Site) -> dict[str, Any]:
    """The same from a decision alone."""
    shown = meter is not None and decision.reason in (Reason.METER, Reason.METER_USED)
    return {
        "article": article_id,
        "subscribe_url": None if decision.allowed else site.offer_for(article_id),
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        "features": sorted(decision.features),
        "until": instant(decision.until),
        "meter": {"used": meter.used, "limit": meter.limit} if shown and meter else None,
    }
