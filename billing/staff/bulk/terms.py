"""What an act on many does for each reader, and the act that does it: the same one as on that reader's own page."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pydantic import TypeAdapter
from sqlmodel import col, select

from billing.changes.cancel import When
from billing.payments.models import Payment
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.staff.acts.cancelling import CancelAct
from billing.staff.acts.days import ExtendAct
from billing.staff.acts.free_reading import ComplimentaryAct
from billing.staff.acts.mailing import MailAct
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.planning import ChangePlanAct
from billing.staff.acts.shape import Act, days_in_words, format_zar
from billing.staff.bulk.models import BulkAction, BulkKind, BulkLine
from billing.staff.roles import Permission
from billing.subscriptions.find import live_of


class NothingPaid(Conflict):
    """This reader has paid nothing that could go back."""

    code = "nothing_paid"


@dataclass(frozen=True)
class DaysTerms:
    """Days more of the trial or the paid period. `complimentary`: readers without a running subscription are given days too."""

    kind: ClassVar[BulkKind] = BulkKind.DAYS
    what: ClassVar[Permission] = Permission.EXTEND
    days: int
    complimentary: bool = False

    @property
    def words(self) -> str:
        """For people."""
        also = ", complimentary ones to readers without a running subscription" if self.complimentary else ""
        return f"{days_in_words(self.days).capitalize()} more of the trial or the paid period{also}"

    def act(self, ctx: TransactionContext, _: BulkAction, line: BulkLine) -> Act:
        """As the reader stands now."""
        if self.complimentary and live_of(ctx.session, line.reader_id) is None:
            return ComplimentaryAct(line.reader_id, self.days)
        return ExtendAct(line.reader_id, self.days)


@dataclass(frozen=True)
class RefundTerms:
    """Cents of a charge; None: all that is left of it."""

    kind: ClassVar[BulkKind] = BulkKind.REFUND
    what: ClassVar[Permission] = Permission.REFUND
    cents: int | None = None

    @property
    def words(self) -> str:
        """For people."""
        return "The whole charge goes back" if self.cents is None else f"{format_zar(self.cents)} goes back"

    def act(self, ctx: TransactionContext, action: BulkAction, line: BulkLine) -> Act:
        """Of the charge that the line names, which is the reader's last one where none was chosen. Raises NothingPaid."""
        payment_id = line.payment_id or _last_payment(ctx, line.reader_id)
        # The cause follows from the line: whatever happens, one line is one refund.
        return GiveBackAct(line.reader_id, payment_id, self.cents, cause=f"bulk:{action.id}:{line.subject}")


@dataclass(frozen=True)
class CancelTerms:
    """End the subscription."""

    kind: ClassVar[BulkKind] = BulkKind.CANCEL
    what: ClassVar[Permission] = Permission.CANCEL
    when: When = When.PERIOD_END

    @property
    def words(self) -> str:
        """For people."""
        end = "now" if self.when is When.NOW else "at the end of what is free or paid for"
        return f"The subscription is cancelled, and reading stops {end}"

    def act(self, ctx: TransactionContext, _: BulkAction, line: BulkLine) -> Act:
        """As of now."""
        return CancelAct(line.reader_id, ctx.at, self.when)


@dataclass(frozen=True)
class PlanTerms:
    """Another plan from the next charge on."""

    kind: ClassVar[BulkKind] = BulkKind.PLAN
    what: ClassVar[Permission] = Permission.CHANGE_PLAN
    plan_id: str

    @property
    def words(self) -> str:
        """For people."""
        return f"The plan “{self.plan_id}” from the next charge on"

    def act(self, _: TransactionContext, __: BulkAction, line: BulkLine) -> Act:
        """The same for all."""
        return ChangePlanAct(line.reader_id, self.plan_id)


@dataclass(frozen=True)
class MailTerms:
    """A mail about the reader's account."""

    kind: ClassVar[BulkKind] = BulkKind.MAIL
    what: ClassVar[Permission] = Permission.MAIL
    subject: str
    text: str

    @property
    def words(self) -> str:
        """For people."""
        return f"The mail “{self.subject}”"

    def act(self, _: TransactionContext, action: BulkAction, line: BulkLine) -> Act:
        """The same for all."""
        return MailAct(line.reader_id, self.subject, self.text, key=f"bulk:{action.id}:{line.reader_id}")


Terms = DaysTerms | RefundTerms | CancelTerms | PlanTerms | MailTerms
KINDS: dict[BulkKind, type[Terms]] = {
    terms.kind: terms for terms in (DaysTerms, RefundTerms, CancelTerms, PlanTerms, MailTerms)
}
_READERS: dict[BulkKind, TypeAdapter[Any]] = {kind: TypeAdapter(terms) for kind, terms in KINDS.items()}


def store(terms: Terms) -> dict[str, Any]:
    """As a row holds them."""
    return asdict(terms)


def load(action: BulkAction) -> Terms:
    """The terms of a row."""
    terms: Terms = _READERS[action.kind].validate_python(action.terms)
    return terms


def _last_payment(ctx: TransactionContext, reader_id: str) -> str:
    newest = select(Payment.id).where(Payment.reader_id == reader_id)
    found = ctx.session.exec(
        newest.order_by(col(Payment.paid_at).desc(), col(Payment.id).desc()).limit(1)
    ).first()
    if found is None:
        raise NothingPaid
    return found
