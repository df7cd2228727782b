"""The fields of a VAT201 return that a seller of subscriptions fills in from its sales. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from billing.rules.money import Money
from billing.rules.tax import VatRate, split


@dataclass(frozen=True, slots=True)
class Supplies:
    """Tax invoices, or credit notes below zero, of one rate of VAT in a tax period: cents."""

    basis_points: int
    gross: int
    vat: int
    is_credit: bool


@dataclass(frozen=True, slots=True)
class Vat201:
    """The fields, in cents. Field 20 is what they come to; a publisher's purchases (14 to 17) aren't known here, and lower it."""

    standard_rated: int
    """1: what tax invoices at the standard rate charge, VAT included."""
    output_tax: int
    """4: the tax fraction of field 1, as eFiling calculates it."""
    other_rates: int
    """12: VAT of tax invoices at another rate, after a change of rate (VAT-1)."""
    credit_notes: int
    """18: VAT that credit notes take back, in their own period (VAT-10, VAT-12)."""
    in_the_books: int
    """What the ledger says is payable. Each tax invoice is rounded to the cent, and eFiling rounds their sum (VAT-3)."""

    @property
    def total_output(self) -> int:
        """13."""
        return self.output_tax + self.other_rates

    @property
    def payable(self) -> int:
        """20, before the input tax of purchases; below zero is refundable."""
        return self.total_output - self.credit_notes

    @property
    def rounding(self) -> int:
        """Cents that the return asks for beyond the books; below zero where it asks for less."""
        return self.payable - self.in_the_books


def vat201(supplies: Iterable[Supplies], standard: VatRate) -> Vat201:
    """The return of one tax period, at the standard rate of its last day."""
    known = list(supplies)
    sold = [row for row in known if not row.is_credit]
    gross = sum(row.gross for row in sold if row.basis_points == standard.basis_points)
    return Vat201(
        standard_rated=gross,
        output_tax=split(Money(gross), standard).vat.amount,
        other_rates=sum(row.vat for row in sold if row.basis_points != standard.basis_points),
        credit_notes=-sum(row.vat for row in known if row.is_credit),
        in_the_books=sum(row.vat for row in known),
    )
