"""Our books against Stripe's balance transactions and payouts: what still differs after asking once more opens a case (STR-11)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, select

from billing.acquirer.balance_port import PayoutListing, TakenCharge, TakenRefund
from billing.cases.find import open_among
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments import balance_mirror
from billing.payments.balance_models import BalanceMovement, Payout
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment, PaymentMethod, Refund
from billing.payments.record_payment import payment_of
from billing.reconcile import compare, payouts
from billing.reconcile.catch_up import (
    MOST,
    Clerk,
    ask_about_open,
    ask_about_unheard,
    ask_about_unpresented,
    catch_up,
    listed,
)
from billing.reconcile.compare import Span
from billing.refunds import elsewhere
from billing.rules.money import BASE_CURRENCY, is_currency, spelled
from billing.rules.periods import start_of_day
from billing.rules.reckoning import Pair, Thing, Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """Something about which the books differ, as its case says it. Minor units (cents) of the currency."""

    kind: CaseKind
    subject: str
    what: str
    ours: int | None
    theirs: int | None
    reader_id: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    """The page on which something can be done about it, where that isn't the reader's."""
    currency: str = BASE_CURRENCY


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found."""

    since: date
    through: date
    movements: int
    caught_up: int
    """Things that differed, or that we had never heard of, until Stripe was asked again: news that had been lost."""
    differences: tuple[Difference, ...]
    unexplained: int
    """Differences whose case nobody has closed."""


def reconcile(
    clerk: Clerk, since: date, through: date, at: datetime, doing: Callable[[str], None] = lambda _: None
) -> Report:
    """Compare the civil days from `since` through `through`. Safe to repeat: a difference opens its case once. `doing` is told, in words, of each
    step that may take long.

    Raises Unavailable when Stripe's books can't be read to the end."""
    zone = clerk.office.zone
    span = Span(start_of_day(since, zone), start_of_day(through + timedelta(days=1), zone))
    doing("reading what Stripe's balance says")
    moved = listed(clerk.books.movements(span.start, span.end))
    doing(f"comparing {len(moved)} movements at Stripe with our books")
    with clerk.database.transaction() as session:
        balance_mirror.keep(session, clerk.office, moved, at)
        refs = compare.touched(session, span)
        before = _differing(session, refs)
        unkept = payouts.unkept(session)
    doing(f"asking Stripe about {len(unkept)} payouts and {len(before)} differences")
    kept = payouts.keep_all(clerk, unkept, at)
    catch_up(clerk, before, at)
    doing("asking Stripe for disputes and warnings we have not heard of, and for what became of open ones")
    unheard, unasked = ask_about_unheard(clerk, span.start, span.end, at)
    unasked += ask_about_open(clerk, at)
    unasked += ask_about_unpresented(clerk, at)
    doing("comparing once more")
    with clerk.database.transaction() as session:
        after = _differing(session, refs)
    charges, refunds = _name(clerk, after), _name_refunds(clerk, after)
    with clerk.database.transaction() as session:
        found = [
            _of_refund(session, pair, refunds[pair.ref])
            if pair.ref in refunds
            else _of_pair(session, pair, charges)
            for pair in after
        ]
        found += [_of_movement(row) for row in compare.unexpected(session, span)]
        found += [_of_payout(payout, total) for payout, total in payouts.off(session, span)]
        found += [_of_payout(payout, total) for payout, total in payouts.short(session, span)]
        found += [_of_unasked(ref, why) for ref, why in dict(unasked).items()]
        for one in found:
            _open(session, one, at)
        unexplained = open_among(session, {(one.kind, one.subject) for one in found})
    caught_up = len(before) - len(after) + kept + unheard
    return Report(since, through, len(moved), caught_up, tuple(found), len(unexplained))


def _differing(session: Session, refs: compare.Refs) -> list[Pair]:
    return [pair for pair in compare.side_by_side(session, refs) if pair.verdict is not None]


def _name(clerk: Clerk, differing: list[Pair]) -> dict[str, TakenCharge]:
    """Whose the charges are that we don't know."""
    unknown = [
        pair.ref for pair in differing if pair.thing is Thing.CHARGE and pair.verdict is Verdict.UNKNOWN
    ]
    found = ((ref, clerk.books.charge(ref)) for ref in unknown[:MOST])
    return {ref: charge for ref, charge in found if isinstance(charge, TakenCharge)}


def _name_refunds(clerk: Clerk, differing: list[Pair]) -> dict[str, TakenRefund]:
    """Whose money the refunds returned that we don't know."""
    unknown = [
        pair.ref for pair in differing if pair.thing is Thing.REFUND and pair.verdict is Verdict.UNKNOWN
    ]
    found = ((ref, clerk.books.refund(ref)) for ref in unknown[:MOST])
    return {ref: refund for ref, refund in found if isinstance(refund, TakenRefund)}


_KINDS = {
    (Thing.CHARGE, Verdict.UNKNOWN): CaseKind.UNKNOWN_CHARGE,
    (Thing.CHARGE, Verdict.MISSING): CaseKind.MISSING_CHARGE,
    (Thing.REFUND, Verdict.UNKNOWN): CaseKind.UNKNOWN_REFUND,
    (Thing.REFUND, Verdict.MISSING): CaseKind.MISSING_REFUND,
    (Thing.DISPUTE, Verdict.UNKNOWN): CaseKind.UNKNOWN_DISPUTE,
    (Thing.DISPUTE, Verdict.MISSING): CaseKind.MISSING_DISPUTE,
}


def _of_pair(session: Session, pair: Pair, charges: dict[str, TakenCharge]) -> Difference:
    verdict = pair.verdict or Verdict.OTHER_AMOUNT
    kind = _KINDS.get((pair.thing, verdict), CaseKind.OTHER_AMOUNT)
    charge = charges.get(pair.ref)
    reader_id = _reader_of(session, pair, charge)
    facts = [(f"{pair.thing} at Stripe", pair.ref)]
    if charge is not None:
        facts += [
            ("card", charge.card),
            ("payment intent", charge.intent_ref or "none"),
            ("customer", charge.customer_ref or "none"),
            ("attempt of ours", charge.claim.attempt_id if charge.claim else "none named"),
            ("taken", charge.at.isoformat()),
        ]
    words, currency = _in_words(pair, verdict), pair.currency
    if pair.ours is not None and currency != BASE_CURRENCY:  # two currencies: the words have both amounts
        return Difference(kind, pair.ref, words, None, None, reader_id, tuple(facts))
    return Difference(kind, pair.ref, words, pair.ours, pair.theirs, reader_id, tuple(facts), currency)


def _of_refund(session: Session, pair: Pair, refund: TakenRefund) -> Difference:
    """A refund made in the dashboard: where the payment is ours, it can be entered."""
    payment = payment_of(session, refund.charge_ref)
    return Difference(
        CaseKind.UNKNOWN_REFUND,
        pair.ref,
        elsewhere.words_of(pair.ref, refund.amount, is_ours=payment is not None),
        pair.ours,
        pair.theirs,
        payment.reader_id if payment else None,
        (
            ("refund at Stripe", pair.ref),
            ("charge", refund.charge_ref),
            ("payment", payment.id if payment else "none of ours"),
            ("made", refund.at.isoformat()),
        ),
        link=elsewhere.link_to_enter(payment, pair.ref) if payment else None,
        currency=pair.currency,
    )


def _in_words(pair: Pair, verdict: Verdict) -> str:
    theirs, ours = spelled(pair.theirs or 0, pair.currency), spelled(pair.ours or 0, BASE_CURRENCY)
    if verdict is Verdict.UNKNOWN:
        return f"Stripe's {pair.thing} {pair.ref} moved {theirs}, and we have no such {pair.thing}."
    if verdict is Verdict.MISSING:
        return f"We have the {pair.thing} {pair.ref} of {ours}, and Stripe moved nothing for it."
    return f"By our books the {pair.thing} {pair.ref} moved {ours}, by Stripe's {theirs}."


def _reader_of(session: Session, pair: Pair, charge: TakenCharge | None) -> str | None:
    if charge is not None:
        return session.exec(
            select(PaymentMethod.reader_id).where(PaymentMethod.customer_ref == charge.customer_ref).limit(1)
        ).first()
    query = {
        Thing.CHARGE: select(Payment.reader_id).where(Payment.charge_ref == pair.ref),
        Thing.REFUND: select(Refund.reader_id).where(Refund.gateway_ref == pair.ref),
        Thing.DISPUTE: select(Dispute.reader_id).where(Dispute.gateway_ref == pair.ref),
    }
    return session.exec(query[pair.thing]).first()


def _of_movement(row: BalanceMovement) -> Difference:
    why = f" (“{row.description}”)" if row.description else ""
    return Difference(
        CaseKind.UNEXPECTED_MOVEMENT,
        row.ref,
        f"Stripe moved {spelled(row.net, row.currency)} as {row.category.replace('_', ' ')}{why}.",
        None,
        row.net,
        facts=(("balance transaction", row.ref), ("of", row.source_ref or "nothing named")),
        currency=row.currency,
    )


def _of_payout(payout: Payout, total: int) -> Difference:
    """One without a list is a case where it took more than was there."""
    took = f"The payout {payout.ref} is {spelled(payout.amount, payout.currency)}, and"
    was = spelled(total, payout.currency)
    if payout.listing is PayoutListing.NONE:
        what = f"{took} by the movements we know of Stripe held {was} of it."
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


def _of_unasked(ref: str, why: str) -> Difference:
    what = f"What became of {ref} at Stripe can't be told: {why}"
    return Difference(CaseKind.NOT_COMPARED, ref, what[:1000], None, None, facts=(("at Stripe", ref),))


def _open(session: Session, one: Difference, at: datetime) -> None:
    named = is_currency(one.currency)  # else the words alone tell the amounts
    open_case(
        session,
        one.kind,
        one.subject,
        one.what,
        at=at,
        reader_id=one.reader_id,
        ours=one.ours if named else None,
        theirs=one.theirs if named else None,
        currency=one.currency,
        facts=dict(one.facts),
        link=one.link or (f"/staff/readers/{one.reader_id}" if one.reader_id else None),
    )
