"""Tables about money. Amounts are integer cents, VAT included unless the name says otherwise."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column
from billing.platform.retention import UNFINISHED
from billing.rules.decline_causes import DeclineCause
from billing.rules.dunning import DeclineKind
from billing.subscriptions.origin_models import OriginOfVisit


class SetupPurpose(StrEnum):
    """Why a card is being saved."""

    TRIAL = "trial"
    PAID = "paid"
    """A start without a trial: charged as soon as the card is saved."""
    CARD = "card"
    """Another card for a subscription that exists."""


class SetupState(StrEnum):
    """How far the saving of a card has come."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    """The card was saved, but nothing may start with it; `refusal` says why."""
    EXPIRED = "expired"
    AWAITS_PROOF = "awaits_proof"
    """Somebody else than the reader may have typed the card: nothing is kept or begun until the address is proved."""


class CardSetup(OriginOfVisit, table=True):
    """A visit to the card page: its purpose and its end. Finished once, by the reader's return or by the webhook."""

    __tablename__ = "card_setup"
    __table_args__ = (
        sa.UniqueConstraint("session_ref", "acquirer", name="one_visit_a_page"),
        sa.Index("card_setup_open", "next_poll_at", postgresql_where=sa.text("state = 'open'")),
        sa.Index("card_setup_unfinished", "created_at", postgresql_where=sa.text(UNFINISHED)),
        sa.Index("card_setup_consent", "consent_id"),
    )

    id: str = Field(primary_key=True)
    purpose: SetupPurpose = Field(sa_column=enum_column(SetupPurpose))
    state: SetupState = Field(sa_column=enum_column(SetupState))
    email: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id", index=True)
    """Empty for a new address until the card is saved."""
    consent_id: str | None = Field(default=None, foreign_key="consent.id")
    price_id: str = Field(foreign_key="price.id")
    browser_hash: str
    language: str | None = None
    """The code of the language of that browser's pages: a new reader keeps it."""
    browser_known_at: datetime | None = None
    """When the browser was last known to be the reader's, by a session or an account it made. Empty where the address was only typed."""
    next_poll_at: datetime
    """When the acquirer is polled: after the page has run out, or sooner after a lost answer."""
    poll_count: int = Field(default=0)
    """How often the end stayed unknown."""
    page_poll_at: datetime | None = None
    """Until when its reader's return doesn't poll the acquirer (see `return_polls`)."""
    acquirer: str
    customer_ref: str | None = Field(default=None, index=True)
    method_ref: str | None = None
    """The card at the acquirer, where an app saves it without a page. A repeated call finds the visit by it."""
    keys_unusable: int = Field(default=0)
    """How many keys the acquirer failed on, or refused, while that card was saved: the next try has another (STR-5)."""
    session_ref: str | None = None
    payment_method_id: str | None = Field(default=None, foreign_key="payment_method.id")
    subscription_id: str | None = Field(default=None, foreign_key="subscription.id")
    refusal: str | None = None
    new_reader: bool = Field(default=False)
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None = None


class PaymentMethod(SQLModel, table=True):
    """A card in an acquirer's vault. We keep what may be shown, never the number (COF-3)."""

    __tablename__ = "payment_method"
    __table_args__ = (sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_card"),)

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    acquirer: str
    customer_ref: str = Field(index=True)
    gateway_ref: str
    brand: str
    last4: str = Field(index=True)
    exp_month: int
    exp_year: int
    fingerprint: str = Field(index=True)
    """Keyed hash of the card's fingerprint, by which attempts are counted (RET-6); of `gateway_ref` where the acquirer gives none."""
    saved_at: datetime
    gone_at: datetime | None = None
    """When we learnt that it has left the acquirer's vault. It can't be charged any more."""


class InvoiceState(StrEnum):
    """Whether the money came."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"


class Invoice(SQLModel, table=True):
    """What is owed for one period. When paid it gets its number and its buyer's particulars, and becomes a tax invoice (VAT-11)."""

    __table_args__ = (
        sa.UniqueConstraint("subscription_id", "period_number", name="one_invoice_a_period"),
        sa.Index(
            "one_open_invoice", "subscription_id", unique=True, postgresql_where=sa.text("state = 'open'")
        ),
        sa.Index("failed_on", "first_failed_on", postgresql_where=sa.text("first_failed_on IS NOT NULL")),
        sa.Index("invoice_issued", "issued_on", "number", postgresql_where=sa.text("number IS NOT NULL")),
        sa.Index(
            "invoice_gross",
            "gross",
            "issued_on",
            "number",
            postgresql_where=sa.text("number IS NOT NULL"),
        ),
        sa.Index("invoice_plan", "plan_id", postgresql_where=sa.text("number IS NOT NULL")),
        sa.CheckConstraint("net + vat = gross AND gross > 0", name="adds_up"),
        sa.CheckConstraint("(state = 'paid') = (number IS NOT NULL)", name="numbered_when_paid"),
        sa.CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="dated_when_paid"),
    )

    id: str = Field(primary_key=True)
    subscription_id: str = Field(foreign_key="subscription.id")
    plan_id: str = Field(foreign_key="plan.id")
    """What the period was sold as; the subscription may have another plan by now."""
    reader_id: str = Field(foreign_key="reader.id", index=True)
    merged_from_id: str | None = None
    """The account that it was drawn up for, where that was merged into `reader_id` since. The tax export goes on naming it."""
    state: InvoiceState = Field(sa_column=enum_column(InvoiceState))
    period_number: int
    period_start_on: date
    period_end_on: date
    """The first day after the period."""
    description: str
    gross: int
    net: int
    vat: int
    vat_basis_points: int
    currency: str = "ZAR"
    created_at: datetime
    first_failed_on: date | None = None
    number: int | None = Field(default=None, unique=True)
    paid_at: datetime | None = None
    issued_on: date | None = None
    recipient_id: str | None = Field(default=None, foreign_key="invoice_recipient.id")


class AttemptState(StrEnum):
    """What is known of a charge."""

    OPEN = "open"
    """Intended, perhaps sent; the outcome isn't known yet."""
    CHARGED = "charged"
    DECLINED = "declined"
    NOT_SENT = "not_sent"
    """Never reached the acquirer, and must not any more: the reader cancelled first, or it grew too old."""


class Attempt(SQLModel, table=True):
    """The intent to charge a card once, with the key that makes it once. Committed before the gateway is called."""

    __table_args__ = (
        sa.UniqueConstraint("invoice_id", "ordinal", name="attempts_are_counted"),
        sa.Index("one_open_attempt", "invoice_id", unique=True, postgresql_where=sa.text("state = 'open'")),
        sa.Index(
            "attempt_open", "next_poll_at", "id", "acquirer", postgresql_where=sa.text("state = 'open'")
        ),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled_or_open"),
        sa.CheckConstraint("hosted OR page_ref IS NULL", name="page_of_its_own"),
        sa.UniqueConstraint("page_ref", "acquirer", name="one_attempt_a_page"),
    )

    id: str = Field(primary_key=True)
    invoice_id: str = Field(foreign_key="invoice.id")
    subscription_id: str = Field(foreign_key="subscription.id", index=True)
    ordinal: int
    payment_method_id: str = Field(foreign_key="payment_method.id", index=True)
    acquirer: str
    """The card's acquirer, when it was intended."""
    idempotency_key: str = Field(unique=True)
    amount: int
    state: AttemptState = Field(sa_column=enum_column(AttemptState))
    intended_at: datetime
    next_poll_at: datetime
    """When to send it, or to look it up again after an unknown outcome."""
    poll_count: int = Field(default=0)
    """How often the outcome stayed unknown."""
    claimed_by: int | None = None
    """The worker at work on it (see `billing.platform.claims`)."""
    by_reader: bool = Field(default=False)
    """Whether the reader caused it, by giving another card or by paying. Such an attempt uses no rung of the ladder."""
    hosted: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether the reader pays on a hosted page. The attempt is open while the page is, so nothing else is charged."""
    page_ref: str | None = None
    page_poll_at: datetime | None = None
    """Until when the return from that page doesn't poll the acquirer (see `return_polls`)."""
    settled_at: datetime | None = None
    intent_ref: str | None = Field(default=None, index=True)
    decline_kind: DeclineKind | None = Field(default=None, sa_column=enum_column(DeclineKind, nullable=True))
    """What the decline means for the next attempt; the codes below are only shown."""
    decline_cause: DeclineCause | None = Field(
        default=None, sa_column=enum_column(DeclineCause, nullable=True)
    )
    decline_code: str | None = None
    decline_advice: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    decline_message: str | None = None
    """The acquirer's words for the payer."""
    doubt: str | None = None
    """Why the outcome was unknown the last time."""
    key_unusable: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether the acquirer failed on its key and repeats that answer."""
    page_keys_unusable: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many keys the acquirer failed on while its page was opened."""
    unlisted_since: datetime | None = None
    """Since when the acquirer doesn't list it, if it wasn't sent since (see `SentBefore`)."""
    not_taken_reason: str | None = None
    """Why the acquirer itself refused the request; no bank was asked."""
    had_case: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether staff had a case about that. Tries are counted from it on."""


class Payment(SQLModel, table=True):
    """Money that arrived. One for an attempt, and one for an invoice apart from duplicates."""

    __table_args__ = (
        sa.Index(
            "one_payment_an_invoice", "invoice_id", unique=True, postgresql_where=sa.text("NOT duplicate")
        ),
        sa.Index("payment_amount", "amount", "paid_at", "id"),
        sa.Index("payment_duplicate", "id", postgresql_where=sa.text("duplicate")),
        sa.UniqueConstraint("intent_ref", "acquirer", name="one_payment_an_intent"),
        sa.UniqueConstraint("charge_ref", "acquirer", name="one_payment_a_charge"),
    )

    id: str = Field(primary_key=True)
    invoice_id: str = Field(foreign_key="invoice.id", index=True)
    attempt_id: str = Field(foreign_key="attempt.id", unique=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    amount: int
    currency: str = "ZAR"
    acquirer: str
    intent_ref: str
    charge_ref: str
    network_transaction_id: str | None = None
    """Evidence that the charge continues the first, authenticated one (COF-2)."""
    duplicate: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether the invoice had been paid already. This money goes back in full by itself."""
    paid_at: datetime = Field(index=True)
