"""`/v1/trials`, `/v1/readers`, `/v1/subscriptions`: start, find, cancel, withdraw, resume."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field, IPvAnyAddress
from sqlmodel import Session, col, select
from starlette.responses import Response

from billing.access.articles import ID_PATTERN
from billing.brand import legal
from billing.cards.start_with_saved_card import Agreed, TrialRequest, start_with_saved_card
from billing.changes.cancel import UNDONE, When
from billing.changes.give_back import GiveBack
from billing.changes.withdraw import Withdrawal
from billing.http import shapes
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.readers.models import Reader
from billing.readers.register import by_address, by_external_id, by_id, clean_address
from billing.rules import clocks
from billing.rules.card_numbers import without_card_numbers
from billing.rules.ceilings import Spent
from billing.staff import key_limits, withdrawals
from billing.staff.cancellations import cancel_for_reader, undo_for_reader
from billing.staff.record import recorded
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.web.api.caller import Answer, Cancels, ReadsReaders, Starts
from billing.web.api.pages import After, Limit, page
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.came_from import ISSUE_PATTERN, came_from

router = APIRouter(tags=["Readers"])
ONE_START = Spent(starts=1)


class ConsentBody(shapes.Body):
    """What the reader agreed to in the app, and when and where (CARD-1). The versions of the terms, refund policy and privacy notice
    that were in force then are kept with it: the app links to them beside the button."""

    text_version: str = Field(min_length=1, max_length=100)
    accepted_at: shapes.Instant
    ip: IPvAnyAddress
    user_agent: str = Field(max_length=500)


class TrialBody(shapes.Body):
    """Start a trial with a card that the app has collected through the acquirer."""

    email: str = Field(max_length=254)
    external_id: str | None = Field(default=None, min_length=1, max_length=shapes.LONGEST)
    plan: str | None = Field(default=None, min_length=1, max_length=40)
    """A plan that everyone is offered, or only staff; without one the first that everyone is."""
    payment_method: str = Field(pattern=r"^[A-Za-z0-9_]{3,100}$")
    consent: ConsentBody
    article: str | None = Field(default=None, pattern=ID_PATTERN)
    """The article that led to the start, for the numbers. One that isn't registered is ignored."""
    issue: str | None = Field(default=None, pattern=ISSUE_PATTERN)
    """The newsletter issue that did."""


class FutureConsent(Invalid):
    """The consent can't lie in the future."""

    code = "future_consent"


@router.post("/v1/trials", status_code=201, summary="Start a trial")
@may_call_gateway
def start_trial(body: TrialBody, caller: Starts) -> GatewayCall:
    """201 with reader and subscription; 409 `trial_used`, 409 `already_subscribed`, 409 `dispute_open` (a bank has asked for a payment back), 402 `card_declined`."""

    asked = body.model_dump(mode="json")

    def do() -> Answer:
        services = caller.services
        accepted_at = clocks.not_after(body.consent.accepted_at, caller.at)
        if accepted_at is None:
            raise FutureConsent
        with caller.begin() as ctx:
            key_limits.refuse_more(ctx, caller.key_id, ONE_START)
            documents = legal.in_force(ctx.session, accepted_at)
            origin = came_from(ctx, body.article, body.issue)
        request = TrialRequest(
            email=body.email,
            external_id=body.external_id,
            method_ref=body.payment_method,
            agreed=Agreed(
                text_version=body.consent.text_version,
                accepted_at=accepted_at,
                ip=str(body.consent.ip),
                device=body.consent.user_agent,
                beside=legal.agreed_words(documents),
            ),
            plan_id=body.plan,
            by=caller.actor,
            came_from=origin,
        )
        return 201, start_with_saved_card(
            services.database, services.gateway, services.site, request, caller.at, begun
        )

    def begun(session: Session, who: Reader, started: Subscription) -> dict[str, Any]:
        ctx = caller.context(session)
        key_limits.spend(ctx, caller.key_id, ONE_START)
        answer = {"reader": shapes.reader(who), "subscription": shapes.subscription(ctx, started)}
        caller.store_with(session, asked, 201, answer)
        return answer

    return GatewayCall(caller, lambda: caller.once(asked, do))


@router.get("/v1/readers", summary="Find readers")
def find(
    caller: ReadsReaders,
    email: Annotated[str | None, Query(max_length=254)] = None,
    external_id: Annotated[str | None, Query(max_length=shapes.LONGEST)] = None,
    limit: Limit = 20,
    after: After = None,
) -> JSONResponse:
    """By address, by the publisher's own id, or all, oldest first."""
    with caller.begin() as ctx:
        rows: Sequence[Reader | None]
        if email:
            rows = [by_address(ctx.session, clean_address(email))]
        elif email is not None or external_id is not None:
            rows = [by_external_id(ctx.session, external_id or "")]
        else:
            # a merged account is the one that stays
            query = select(Reader).where(col(Reader.merged_into).is_(None))
            query = query.order_by(col(Reader.id)).limit(limit + 1)
            rows = ctx.session.exec(query.where(Reader.id > after) if after else query).all()
        found = [row for row in rows if row is not None]
        answer = page(found, limit, lambda row: _reader(ctx, row))
        caller.count_read(ctx, *(row.id for row in found[:limit]))
    return answer


@router.get("/v1/readers/{reader_id}")
def one(reader_id: str, caller: ReadsReaders) -> JSONResponse:
    """A reader, with the subscription that runs or ran last."""
    with caller.begin() as ctx:
        answer = _reader(ctx, by_id(ctx.session, reader_id))
        caller.count_read(ctx, reader_id)
    return JSONResponse(answer)


def _reader(ctx: TransactionContext, row: Reader) -> dict[str, Any]:
    latest = latest_of(ctx.session, row.id)
    return shapes.reader(row) | {"subscription": shapes.subscription(ctx, latest) if latest else None}


@router.get("/v1/readers/{reader_id}/events")
def events(
    reader_id: str,
    caller: ReadsReaders,
    limit: Limit = 50,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> JSONResponse:
    """What happened to the reader's subscriptions, in order: from, to, when, who, why."""
    with caller.begin() as ctx:
        by_id(ctx.session, reader_id)
        rows = ctx.session.exec(
            select(SubscriptionChange)
            .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
            .where(Subscription.reader_id == reader_id, col(SubscriptionChange.id) > after)
            .order_by(col(SubscriptionChange.id))
            .limit(limit + 1)
        ).all()
        caller.count_read(ctx, reader_id)
    return page(rows, limit, _event)


def _event(row: SubscriptionChange) -> dict[str, Any]:
    return {
        "id": row.id,
        "subscription_id": row.subscription_id,
        "happening": row.event.value if row.event else "started",
        "from": row.from_state,
        "to": row.to_state,
        "at": shapes.instant(row.at),
        "by": row.by,
        "why": row.reason,
        "changed": row.facts,
    }


@router.get("/v1/subscriptions/{subscription_id}")
def subscription(subscription_id: str, caller: ReadsReaders) -> JSONResponse:
    """A subscription as it stands."""
    with caller.begin() as ctx:
        row = _subscription(ctx, subscription_id)
        answer = shapes.subscription(ctx, row)
        caller.count_read(ctx, row.reader_id)
    return JSONResponse(answer)


def _subscription(ctx: TransactionContext, subscription_id: str) -> Subscription:
    row = ctx.session.get(Subscription, subscription_id)
    if row is None:
        raise UnknownSubscription
    return row


def _recorded(
    ctx: TransactionContext, act: str, subscription_id: str, reason: str
) -> AbstractContextManager[None]:
    """The audit line around an act on a subscription. Raises UnknownSubscription."""
    row = _subscription(ctx, subscription_id)
    return recorded(ctx, act, reader_id=row.reader_id, subject=row.id, reason=reason)


class CancelBody(shapes.Body):
    """How to cancel; an empty body cancels now, to the end of what is free or paid."""

    requested_at: shapes.Instant | None = None
    reason: str = Field(default="", max_length=200)
    comment: str = Field(default="", max_length=1000)
    when: When = When.PERIOD_END
    refund: GiveBack = GiveBack.AUTO


@router.post("/v1/subscriptions/{subscription_id}/cancel", summary="Cancel")
def cancel_subscription(subscription_id: str, caller: Cancels, body: CancelBody | None = None) -> Response:
    """Counts from `requested_at`, or from now, or from a form that asked for it up to a week before; charges made since then always
    go back. With them, `refund: last` returns the last one too; `none` returns nothing else, and is refused with 409
    `charged_since` where there are such since `requested_at`. `when: early` leaves a paid year. 409 `already_ended`,
    `nothing_to_give_back` (the last charge asked back again), `nothing_to_leave`. Whatever gives money back needs a key with the
    scope `money` besides: 403 `scope_missing`, and nothing is done. `refund: none` without `requested_at` cancels and gives nothing
    back. With it, or without the scope, a form that was charged after counts for nothing here: it waits for staff."""
    choice = body or CancelBody()
    reason = ": ".join(part for part in (choice.reason, choice.comment) if part) or "no reason given"

    def do(ctx: TransactionContext) -> Answer:
        with _recorded(ctx, "cancel", subscription_id, without_card_numbers(reason)):
            row = cancel_for_reader(
                ctx,
                subscription_id,
                asked_at=choice.requested_at or ctx.at,
                reason=reason,
                when=choice.when,
                give_back=choice.refund,
                may_return=key_limits.may_return(ctx.session, caller.key_id),
            )
        return 200, shapes.subscription(ctx, row)

    return caller.once_in_one(choice, do)


class WithdrawBody(shapes.Body):
    """When it was asked; an empty body means now."""

    requested_at: shapes.Instant | None = None
    reason: str = Field(default="withdrawn", max_length=200)


@router.post(
    "/v1/subscriptions/{subscription_id}/withdraw",
    summary="Withdraw: the first charge goes back in full, and what is paid for days not read",
)
def withdraw_subscription(
    subscription_id: str, caller: Cancels, body: WithdrawBody | None = None
) -> Response:
    """Within the cooling-off days after the first charge, also after a cancellation; `returned` is what goes back. 202 with
    `request` where staff decide, because there was another withdrawal within a year: it is cancelled meanwhile. 409 `cooling_off_over` later, or again. The key needs the scope `money` besides: 403 `scope_missing`."""
    given = body or WithdrawBody()

    def do(ctx: TransactionContext) -> Answer:
        with _recorded(ctx, "withdraw", subscription_id, without_card_numbers(given.reason)):
            done = withdrawals.withdraw_or_ask(
                ctx,
                subscription_id,
                asked_at=given.requested_at or ctx.at,
                ip="",
                device=str(ctx.actor),
                reason=given.reason,
            )
        shown = shapes.subscription(ctx, _subscription(ctx, subscription_id))
        if not isinstance(done, Withdrawal):
            return 202, shown | {"returned": None, "request": done.id}
        return 200, shown | {"returned": shapes.money(done.cents, done.first.payment.currency)}

    return caller.once_in_one(given, do)


class ResumeBody(shapes.Body):
    """Why; an empty body says nothing of it."""

    reason: shapes.FreeText = Field(default="", min_length=1, max_length=1000)


@router.post("/v1/subscriptions/{subscription_id}/resume", summary="Undo a cancellation")
def resume_subscription(subscription_id: str, caller: Starts, body: ResumeBody | None = None) -> Response:
    """While the trial or the period runs. 409 `nothing_to_undo` otherwise, `dispute_open` while a bank asks for a payment back."""
    given = body or ResumeBody()

    def do(ctx: TransactionContext) -> Answer:
        with _recorded(ctx, "resume", subscription_id, given.reason):
            row = undo_for_reader(ctx, subscription_id, reason=given.reason or UNDONE)
        return 200, shapes.subscription(ctx, row)

    # brief: a call without a reason hashes as it did before the field existed, so its answer is found again
    return caller.once_in_one(given, do, brief=True)
