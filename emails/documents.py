"""The documents in mails: tax invoices and credit notes. Amounts are cents, VAT included unless the name says otherwise."""

from dataclasses import dataclass

from emails.errors import WrongFields
from emails.fields import Cents, Day, Document
from emails.languages import Text


@dataclass(frozen=True)
class TaxInvoice(Document):
    """The tax invoice of a charge (VAT-5). With a recipient it is a full one; `needs_recipient`: it must be, and none is known (VAT-6).

    `period_to` is the period's last day. `vat_percent` is the rate in words, such as "15". `is_copy`: sent before (VAT-7).
    `replaces`: the number of the one whose place it takes, with the same date of supply, `supplied_on` (VAT-8)."""

    number: str
    issued_on: Day
    description: Text
    period_from: Day
    period_to: Day
    net: Cents
    vat: Cents
    gross: Cents
    vat_percent: str
    card_brand: str
    card_last4: str
    is_copy: bool = False
    recipient_name: str | None = None
    recipient_address: str | None = None
    recipient_vat_number: str | None = None
    needs_recipient: bool = False
    replaces: str | None = None
    supplied_on: Day | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        adds_up(self.kind, self.net, self.vat, self.gross)

    @property
    def file_name(self) -> str:
        """The number; a copy says so."""
        return f"tax-invoice-{self.number}{'-copy' if self.is_copy else ''}"


@dataclass(frozen=True)
class CreditNote(Document):
    """Takes back one tax invoice, all or part of it (VAT-10).

    `transfer`: the bank's reference, if the money went back by bank transfer and not to the card. `replaced_by`: the tax invoice that
    takes the old one's place; then no money moves."""

    amount: Cents
    net: Cents
    vat: Cents
    vat_percent: str
    credit_note_number: str
    invoice_number: str
    issued_on: Day
    reason: Text
    card_brand: str
    card_last4: str
    transfer: str | None = None
    replaced_by: str | None = None
    recipient_name: str | None = None
    recipient_address: str | None = None
    recipient_vat_number: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        adds_up(self.kind, self.net, self.vat, self.amount)

    @property
    def file_name(self) -> str:
        """The number."""
        return f"credit-note-{self.credit_note_number}"


def adds_up(kind: str, net: int, vat: int, total: int) -> None:
    """Raises `WrongFields` unless net and VAT are the total."""
    if net + vat != total:
        raise WrongFields(f"{kind}: net {net} and VAT {vat} do not add up to {total} cents")
