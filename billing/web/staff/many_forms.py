"""The form of each act on many: from what was typed, its terms and the fields that show it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form

from billing.changes.cancel import When
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.typed import read_rand
from billing.rules.card_numbers import without_card_numbers
from billing.staff.bulk.models import BulkKind
from billing.staff.bulk.terms import CancelTerms, DaysTerms, MailTerms, PlanTerms, RefundTerms, Terms
from billing.subscriptions.find import plans_on_offer
from billing.subscriptions.models import Plan
from billing.web.kit.typed import LINES
from billing.web.staff.act_forms import WHEN, Short, read_days
from billing.web.views.staff_act import ActField
from emails import is_control

MOST_LETTERS = 200_000
"""Of a pasted list: 5,000 addresses."""
LONGEST_SUBJECT, LONGEST_MAIL = 100, 5000


class NeedsSubject(Invalid):
    """A mail has a subject of letters and signs, and some words."""

    code = "needs_subject"


class NotAKind(Invalid):
    """Choose what to do."""

    code = "unknown_kind"


@dataclass
class TypedMany:
    """The fields of all forms."""

    kind: Short = None
    of: Short = None
    query: Annotated[str, Form(max_length=2000)] = ""
    who: Annotated[str, Form(max_length=MOST_LETTERS), LINES] = ""
    skip: Short = None
    days: Short = None
    also: Short = None
    amount: Short = None
    when: Short = None
    plan: Short = None
    subject: Annotated[str, Form(max_length=LONGEST_SUBJECT)] = ""
    text: Annotated[str, Form(max_length=LONGEST_MAIL), LINES] = ""


def kind_of(text: str | None) -> BulkKind:
    """The kind of that name. Raises NotAKind."""
    try:
        return BulkKind(text or "")
    except ValueError:
        raise NotAKind from None


def _days(typed: TypedMany) -> Terms:
    return DaysTerms(read_days(typed.days or ""), complimentary=typed.also == "yes")


def _refund(typed: TypedMany) -> Terms:
    amount = (typed.amount or "").strip()
    return RefundTerms(read_rand(amount) if amount else None)


def _cancel(typed: TypedMany) -> Terms:
    return CancelTerms(When.NOW if typed.when == When.NOW else When.PERIOD_END)


def _plan(typed: TypedMany) -> Terms:
    if not typed.plan:
        raise Invalid("Choose a plan.")
    return PlanTerms(typed.plan)


def _mail(typed: TypedMany) -> Terms:
    subject, text = " ".join(typed.subject.split()), without_card_numbers(typed.text.strip())
    if not subject or not text or any(map(is_control, subject)):
        raise NeedsSubject
    return MailTerms(without_card_numbers(subject), text)


_READ: dict[BulkKind, Callable[[TypedMany], Terms]] = {
    BulkKind.DAYS: _days,
    BulkKind.REFUND: _refund,
    BulkKind.CANCEL: _cancel,
    BulkKind.PLAN: _plan,
    BulkKind.MAIL: _mail,
}


def read_terms(kind: BulkKind, typed: TypedMany) -> Terms:
    """What was typed. Raises Invalid."""
    return _READ[kind](typed)


def fields_of(ctx: TransactionContext, kind: BulkKind, typed: TypedMany) -> tuple[ActField, ...]:
    """The fields of a kind, with what was typed."""
    match kind:
        case BulkKind.DAYS:
            also = (("no", "refuse them"), ("yes", "give them complimentary days"))
            return (
                ActField(name="days", label="Days", kind="days", value=typed.days or "7"),
                ActField(
                    name="also",
                    label="Readers without a running subscription",
                    kind="choice",
                    value=typed.also or "no",
                    choices=also,
                ),
            )
        case BulkKind.REFUND:
            return (
                ActField(
                    name="amount",
                    label="Rand to each, incl. VAT",
                    kind="rand",
                    value=typed.amount or "",
                    hint="Of the last charge. Empty: all that is left of it.",
                    is_optional=True,
                ),
            )
        case BulkKind.CANCEL:
            value = typed.when or When.PERIOD_END.value
            return (ActField(name="when", label="Reading stops", kind="choice", value=value, choices=WHEN),)
        case BulkKind.PLAN:
            plans = tuple(
                (plan.id, ctx.session.get_one(Plan, plan.id).name)
                for plan, _, _ in plans_on_offer(ctx.session, ctx.today, by_staff=True)
            )
            return (
                ActField(
                    name="plan",
                    label="The plan from the next charge on",
                    kind="choice",
                    value=typed.plan or "",
                    choices=plans,
                ),
            )
        case BulkKind.MAIL:
            return (
                ActField(
                    name="subject", label="Subject", kind="text", value=typed.subject, most=LONGEST_SUBJECT
                ),
                ActField(
                    name="text",
                    label="Words",
                    kind="lines",
                    value=typed.text,
                    most=LONGEST_MAIL,
                    hint="Plain words, with an empty line between paragraphs. It opens with “Hello,” and may be answered.",
                ),
            )
