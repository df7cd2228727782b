"""Describe each difference between two books, for the case that it opens."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, select

from billing.acquirer.balance_port import PayoutListing, TakenCharge, TakenRefund
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.balance_models import BalanceMovement, Payout
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.payments.record_payment import payment_of
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.refunds import elsewhere
from billing.refunds.unexplained_charges import payer
from billing.rules.money import BASE_CURRENCY, is_currency, spelled
from billing.rules.reconciliation import Discrepancy, Pair, Thing


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the books, as its case says it. Minor units (cents) of the currency."""

    kind: CaseKind
    subject: str
    what: str
    ours: int | None
    theirs: int | None
    reader_id: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    """The page where staff can act on it, where that isn't the reader's page."""
    currency: str = BASE_CURRENCY


_KINDS = {
    (Thing.CHARGE, Discrepancy.UNKNOWN): CaseKind.UNKNOWN_CHARGE,
    (Thing.CHARGE, Discrepancy.MISSING): CaseKind.MISSING_CHARGE,
    (Thing.REFUND, Discrepancy.UNKNOWN): CaseKind.UNKNOWN_REFUND,
    (Thing.REFUND, Discrepancy.MISSING): CaseKind.MISSING_REFUND,
    (Thing.DISPUTE, Discrepancy.UNKNOWN): CaseKind.UNKNOWN_DISPUTE,
    (Thing.DISPUTE, Discrepancy.MISSING): CaseKind.MISSING_DISPUTE,
}


_ROWS: dict[Thing, tuple[Any, Any]] = {
    Thing.CHARGE: (Payment, Payment.charge_ref),
    Thing.REFUND: (Refund, Refund.gateway_ref),
    Thing.DISPUTE: (Dispute, Dispute.gateway_ref),
}
"""The table of each thing, with its column of the acquirer's references."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Puts differences with one acquirer in words. `theirs` is the name of it that people read."""

    acquirer: str
    theirs: str

    def pair(self, session: Session, pair: Pair, charge: TakenCharge | None) -> Difference:
        """A charge, refund or dispute that differs."""
        verdict = pair.verdict or Discrepancy.OTHER_AMOUNT
        kind = _KINDS.get((pair.thing, verdict), CaseKind.OTHER_AMOUNT)
        reader_id = self._reader_of(session, pair, charge)
        facts = [(f"{pair.thing} at {self.theirs}", pair.ref)]
        if charge is not None:
            facts += [
                ("card", charge.card),
                ("intent", charge.intent_ref or "none"),
                ("customer", charge.customer_ref or "none"),
                ("attempt of ours", charge.claim.attempt_id if charge.claim else "none named"),
                ("taken", charge.at.isoformat()),
            ]
        ours, theirs, currency = pair.ours, pair.theirs, pair.currency
        if ours is not None and currency != BASE_CURRENCY:  # two currencies: the words have both amounts
            ours, theirs, currency = None, None, BASE_CURRENCY
        words = self._in_words(pair, verdict)
        return Difference(kind, pair.ref, words, ours, theirs, reader_id, tuple(facts), currency=currency)

    def refund(self, session: Session, pair: Pair, refund: TakenRefund) -> Difference:
        """A refund made in the acquirer's dashboard. Where the payment is ours, staff can enter it."""
        payment = payment_of(session, self.acquirer, refund.charge_ref)
        return Difference(
            CaseKind.UNKNOWN_REFUND,
            pair.ref,
            elsewhere.words_of(pair.ref, refund.amount, is_ours=payment is not None),
            pair.ours,
            pair.theirs,
            payment.reader_id if payment else None,
            (
                (f"refund at {self.theirs}", pair.ref),
                ("charge", refund.charge_ref),
                ("payment", payment.id if payment else "none of ours"),
                ("made", refund.at.isoformat()),
            ),
            link=elsewhere.link_to_enter(payment, pair.ref) if payment else None,
            currency=pair.currency,
        )

    def _in_words(self, pair: Pair, verdict: Discrepancy) -> str:
        theirs, ours = spelled(pair.theirs or 0, pair.currency), spelled(pair.ours or 0, BASE_CURRENCY)
        if verdict is Discrepancy.UNKNOWN:
            return (
                f"{self.theirs}'s {pair.thing} {pair.ref} moved {theirs}, and we have no such {pair.thing}."
            )
        if verdict is Discrepancy.MISSING:
            return f"We have the {pair.thing} {pair.ref} of {ours}, and {self.theirs} moved nothing for it."
        return f"By our books the {pair.thing} {pair.ref} moved {ours}, by {self.theirs}'s {theirs}."

    def _reader_of(self, session: Session, pair: Pair, charge: TakenCharge | None) -> str | None:
        if charge is not None:
            return payer(session, self.acquirer, charge.customer_ref)
        table, ref = _ROWS[pair.thing]
        return session.exec(
            select(table.reader_id).where(ref == pair.ref, table.acquirer == self.acquirer)
        ).first()

    def movement(self, row: BalanceMovement) -> Difference:
        """A movement for a reason that we don't know."""
        described = f" (“{row.description}”)" if row.description else ""
        return Difference(
            CaseKind.UNEXPECTED_MOVEMENT,
            row.ref,
            f"{self.theirs} moved {spelled(row.net, row.currency)} as {row.category.replace('_', ' ')}{described}.",
            None,
            row.net,
            facts=(("movement", row.ref), ("of", row.source_ref or "nothing named")),
            currency=row.currency,
        )

    def payout(self, payout: Payout, total: int) -> Difference:
        """A payout that isn't the sum of its list, or without a list took more than the account held."""
        took = f"The payout {payout.ref} is {spelled(payout.amount, payout.currency)}, and"
        was = spelled(total, payout.currency)
        if payout.listing is PayoutListing.NONE:
            what = f"{took} by the movements we know of {self.theirs} held {was} of it."
        else:
            what = f"{took} what it pays out is {was}."
        return Difference(
            CaseKind.PAYOUT_SUM,
            payout.ref,
            what,
            total,
            payout.amount,
            facts=(("payout", payout.ref),),
            currency=payout.currency,
        )

    def unanswered(self, ref: str, reason: str) -> Difference:
        """A thing for which asking the acquirer failed."""
        what = f"What became of {ref} at {self.theirs} can't be told: {reason}"
        return Difference(
            CaseKind.NOT_COMPARED, ref, what[:1000], None, None, facts=((f"at {self.theirs}", ref),)
        )


def open_difference(ctx: TransactionContext, found: Difference) -> None:
    """Open the case of a difference, once."""
    known = is_currency(found.currency)  # else only the words have the amounts
    open_case(
        ctx,
        found.kind,
        found.subject,
        found.what,
        reader_id=found.reader_id,
        ours=found.ours if known else None,
        theirs=found.theirs if known else None,
        currency=found.currency,
        facts=dict(found.facts),
        link=found.link or (f"/staff/readers/{found.reader_id}" if found.reader_id else None),
    )
