"""How a reader stands to a subscription, read in one statement."""

from dataclasses import dataclass
from datetime import date

from billing.access import entitlements
from billing.access.entitlements import ANONYMOUS
from billing.changes import withdraw
from billing.payments import dispute_limits, latest
from billing.platform.context import TransactionContext
from billing.platform.read_together import read_together
from billing.readers.models import Reader
from billing.rules.access import strongest
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.rules.reader_state import ReaderFacts, ReaderState, reader_state
from billing.subscriptions import start
from billing.subscriptions.describe import in_a_sentence
from billing.subscriptions.find import stopped_by_bank, terms_on
from billing.subscriptions.models import Subscription
from emails.languages import NO_WORDS, Text


@dataclass(frozen=True, slots=True)
class Situation:
    """`sentence`: the latest subscription in words. `price`: what ending a pause, or paying what is open, costs now. `reads`: whether
    something opens articles to the reader. `paused_until`: the day on which a pause that runs ends, with a charge."""

    state: ReaderState
    sentence: Text = NO_WORDS
    price: Money | None = None
    paused_until: date | None = None
    reads: bool = False


STRANGER = Situation(ReaderState.STRANGER)


def situation_of(ctx: TransactionContext, reader: Reader | None) -> Situation:
    """How the reader stands now; `STRANGER` for None."""
    if reader is None:
        return STRANGER
    rows, held, disputes, trials, taken_back = read_together(
        ctx.session,
        *(latest.LATEST_WITH_CARD, entitlements.HELD, dispute_limits.OPEN_OF),
        *(start.TRIAL_FACTS, withdraw.TAKEN_BACK),
        at=ctx.at,
        zone=ctx.zone.key,
        reader_id=reader.id,
        readers=[reader.id],
        trial_address=start.address_digest(ctx.site.tokens, reader.email),
    )
    found = latest.latest_in(ctx.session, rows)
    s = found.subscription if found else None
    ((is_claimed, is_allowed),) = trials
    facts = ReaderFacts(
        is_signed_in=True,
        latest=s.state if s else None,
        is_over=s is not None and s.cancels_at is not None and s.cancels_at <= ctx.at,
        trial_open=not is_claimed or is_allowed,
        withdrew=s is not None and (s.id,) in taken_back,
        disputed=bool(disputes),
    )
    by_bank = s is not None and s.cancels_at is not None and stopped_by_bank(ctx.session, s)
    return Situation(
        reader_state(facts),
        in_a_sentence(s, ctx.at, ctx.zone, by_bank=by_bank),
        _price(ctx, s),
        s.resumes_on if s is not None and s.state is State.PAUSED else None,
        strongest(entitlements.entitlements_in(held).get(reader.id, ANONYMOUS).held, ctx.at) is not None,
    )


def _price(ctx: TransactionContext, s: Subscription | None) -> Money | None:
    if s is None or s.state not in (State.PAUSED, State.PAST_DUE):
        return None
    return terms_on(ctx.session, s, ctx.today if s.state is State.PAUSED else None)[1].money
