"""The VAT201 return of a tax period, from the ledger."""

from datetime import date

from sqlmodel import Session

from billing.payments import postings, vat_rates
from billing.reports import books
from billing.reports.sheets import PeriodSheet, Rows
from billing.rules.money import major
from billing.rules.vat_return import Supplies, Vat201, vat201


def of_period(session: Session, first: date, last: date) -> Vat201:
    """The return for the days from `first` to `last`, both included (VAT-13). Raises NoRate where none was in force."""
    lines = books.vat(session, first, last)
    supplies = [
        Supplies(line.basis_points, line.gross, line.vat, is_credit=line.kind != postings.INVOICE)
        for line in lines
    ]
    return vat201(supplies, vat_rates.rate_on(session, last))


def fields(made: Vat201) -> tuple[tuple[str, str, int], ...]:
    """Number, words and cents of each field, in the order of the form; the last two are no fields of it."""
    return (
        ("1", "Standard-rated supplies, VAT included", made.standard_rated),
        ("4", "Output tax on field 1, as eFiling calculates it", made.output_tax),
        ("12", "Output tax at another rate", made.other_rates),
        ("13", "Total output tax", made.total_output),
        ("18", "Credit notes: tax taken back", made.credit_notes),
        ("20", "Payable, before the input tax of your purchases", made.payable),
        ("", "VAT of the period in the books", made.in_the_books),
        ("", "Rounding: tax invoices are rounded one by one", made.rounding),
    )


def _rows(session: Session, first: date, last: date) -> Rows:
    for number, words, cents in fields(of_period(session, first, last)):
        yield number, words, major(cents)


SHEETS = (PeriodSheet("vat201", ("field", "what", "amount, R"), _rows),)
