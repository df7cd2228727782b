"""What the account page shows of a reader, read in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.access import entitlements
from billing.access.entitlements import ANONYMOUS, Entitlements
from billing.changes import give_back, withdraw
from billing.mail import unreachable
from billing.payments import dispute_limits, latest
from billing.payments.latest import LatestSubscription
from billing.personal_data import ask
from billing.platform.context import TransactionContext
from billing.platform.read_together import Rows, read_together
from billing.readers import sessions
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.staff import threads
from billing.subscriptions import find
from billing.subscriptions.find import OnOffer
from billing.subscriptions.models import Subscription
from billing.web.views.account import AccountDispute, AccountRequest


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """`first_paid`: when each subscription was paid for first, by its id. `sessions`: rows of `sessions.OPEN`."""

    latest: LatestSubscription | None
    entitlements: Entitlements
    dispute: AccountDispute | None
    refuses_mail: bool
    first_paid: Mapping[str, datetime]
    on_offer: Sequence[OnOffer]
    sessions: Rows
    erases_at: datetime | None
    """From when the account is erased, where the reader asked for that."""
    request: AccountRequest | None

    def may_withdraw(self, ctx: TransactionContext, subscription: Subscription | None) -> bool:
        """Whether the days last in which the sale can be taken back."""
        paid_at = self.first_paid.get(subscription.id) if subscription else None
        return paid_at is not None and withdraw.is_in_time(ctx, paid_at)


def account_facts(ctx: TransactionContext, reader: Reader) -> AccountFacts:
    """The reader's facts now."""
    found, held, dispute, last_mail, first_paid, on_offer, open_sessions, erasure, request = read_together(
        ctx.session,
        *(
            latest.LATEST_WITH_CARD,
            entitlements.HELD,
            dispute_limits.OPEN_OF,
            unreachable.LAST_TO,
            give_back.FIRST_PAID,
        ),
        *(find.ON_OFFER, sessions.OPEN, ask.OPEN_OF, threads.LATEST_OF_READER),
        at=ctx.at,
        today=ctx.today,
        zone=ctx.zone.key,
        audience=find.EVERYONE,
        reader_id=reader.id,
        readers=[reader.id],
        address=reader.email,
        **sessions.open_since(ctx.at),
    )
    return AccountFacts(
        latest=latest.latest_in(ctx.session, found),
        entitlements=entitlements.entitlements_in(held).get(reader.id, ANONYMOUS),
        dispute=next((AccountDispute(amount=Money(cents), inquiry=asks) for cents, asks in dispute), None),
        refuses_mail=unreachable.any_refused(ctx.session, last_mail),
        first_paid=dict(first_paid),
        on_offer=find.offered(on_offer),
        sessions=open_sessions,
        erases_at=next((erases_at for (erases_at,) in erasure), None),
        request=next((AccountRequest(received_at=at, waits_since=since) for _, at, since in request), None),
    )
