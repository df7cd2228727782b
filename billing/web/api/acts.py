"""Staff acts that programs may do: days, the day of the charge, another trial, notes. They are audited with the key's name."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from billing.access.models import Grant
from billing.changes.refusals import AlreadyEnded
from billing.http import shapes
from billing.personal_data.models import Erasure
from billing.platform.context import TransactionContext
from billing.readers.address_change import AddressChange
from billing.rules.charge_day import LAST
from billing.rules.lifecycle import State
from billing.staff.acts.address import ChangeAddressAct
from billing.staff.acts.charge_day import ChargeDayAct, UndoChargeDayAct
from billing.staff.acts.days import ExtendAct
from billing.staff.acts.erasing import EraseAct
from billing.staff.acts.free_reading import AnotherTrialAct, ComplimentaryAct
from billing.staff.acts.note import NoteAct
from billing.staff.acts.perform import perform
from billing.staff.acts.shape import Act
from billing.staff.models import ReaderNote
from billing.staff.roles import MOST_DAYS
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.models import Subscription, TrialException
from billing.web.api.caller import Answer, Readers, Supports

router = APIRouter(tags=["Readers"])


class ReasonBody(shapes.Body):
    """Why."""

    reason: shapes.FreeText = Field(min_length=1, max_length=1000)


class DaysBody(ReasonBody):
    """How many days, and why."""

    days: int = Field(ge=1, le=MOST_DAYS, strict=True)


class ChargeDayBody(ReasonBody):
    """A day of the month, and why."""

    day: Annotated[int, Field(ge=1, le=28, strict=True)] | Literal["last"]


class AddressBody(ReasonBody):
    """The new address, and why."""

    email: str = Field(min_length=3, max_length=254)


class NoteBody(shapes.Body):
    """What is to be known about the reader."""

    words: shapes.FreeText = Field(min_length=1, max_length=2000)


def _perform(ctx: TransactionContext, act: Act, reason: str) -> str:
    """Do the act; the id of what it made."""
    return perform(ctx, act, role=None, reason=reason, version=None).subject or ""


def _known(ctx: TransactionContext, subscription_id: str) -> Subscription:
    """Raises UnknownSubscription."""
    row = ctx.session.get(Subscription, subscription_id)
    if row is None:
        raise UnknownSubscription
    return row


@router.post("/v1/subscriptions/{subscription_id}/extend", summary="Give more days")
def extend(subscription_id: str, body: DaysBody, caller: Supports) -> Response:
    """The trial, or the paid period, ends so many days later. 409 `is_cancelled`, `is_paused`, `is_owing`, `charge_under_way`, `already_ended`."""

    def do(ctx: TransactionContext) -> Answer:
        row = _known(ctx, subscription_id)
        _perform(ctx, ExtendAct(row.reader_id, body.days, subscription_id), body.reason)
        return 200, shapes.subscription(ctx, row)

    return caller.once_in_one(body, do)


@router.post(
    "/v1/subscriptions/{subscription_id}/charge-day", summary="Choose the day of the month of the charges"
)
def choose_charge_day(subscription_id: str, body: ChargeDayBody, caller: Supports) -> Response:
    """The next charge of a monthly plan moves to this day of a month, `1` to `28` or `"last"`: never earlier than what is paid for. The
    days between are free. 409 `cannot_choose_day`, `same_day`, `day_chosen_before` (once in twelve months), `is_cancelled`,
    `is_owing`, `charge_under_way`, `already_ended`."""
    day = LAST if body.day == "last" else body.day

    def do(ctx: TransactionContext) -> Answer:
        row = _live(ctx, subscription_id)
        _perform(ctx, ChargeDayAct(row.reader_id, day), body.reason)
        return 200, shapes.subscription(ctx, row)

    return caller.once_in_one(body, do)


@router.post("/v1/subscriptions/{subscription_id}/charge-day/undo", summary="Take the chosen day back")
def undo_charge_day(subscription_id: str, body: ReasonBody, caller: Supports) -> Response:
    """The next charge moves back, before the free days begin. 409 `no_day_to_undo`, `is_cancelled`, `charge_under_way`,
    `already_ended`."""

    def do(ctx: TransactionContext) -> Answer:
        row = _live(ctx, subscription_id)
        _perform(ctx, UndoChargeDayAct(row.reader_id), body.reason)
        return 200, shapes.subscription(ctx, row)

    return caller.once_in_one(body, do)


def _live(ctx: TransactionContext, subscription_id: str) -> Subscription:
    """The subscription, which runs: its reader has no other. Raises UnknownSubscription, AlreadyEnded."""
    row = _known(ctx, subscription_id)
    if row.state is State.ENDED:
        raise AlreadyEnded
    return row


@router.post("/v1/readers/{reader_id}/grants", status_code=201, summary="Give complimentary days")
def give_days(reader_id: str, body: DaysBody, caller: Supports) -> Response:
    """Everything is open to the reader for so many days. 409 `has_subscription` when there is one to extend."""

    def do(ctx: TransactionContext) -> Answer:
        grant = ctx.session.get_one(Grant, _perform(ctx, ComplimentaryAct(reader_id, body.days), body.reason))
        return 201, {
            "id": grant.id,
            "reader_id": reader_id,
            "until": shapes.instant(grant.until),
            "features": sorted(grant.features),
            "reason": grant.reason,
        }

    return caller.once_in_one(body, do)


@router.post("/v1/readers/{reader_id}/trial-exceptions", status_code=201, summary="Allow another trial")
def allow_trial(reader_id: str, body: ReasonBody, caller: Supports) -> Response:
    """The reader's next start is a trial again, once. 409 `trial_already_allowed`."""

    def do(ctx: TransactionContext) -> Answer:
        row = ctx.session.get_one(TrialException, _perform(ctx, AnotherTrialAct(reader_id), body.reason))
        return 201, {"id": row.id, "reader_id": reader_id, "reason": row.reason, "used_at": None}

    return caller.once_in_one(body, do)


@router.post("/v1/readers/{reader_id}/notes", status_code=201, summary="Keep a note")
def keep_note(reader_id: str, body: NoteBody, caller: Supports) -> Response:
    """For staff to read; it is never changed."""

    def do(ctx: TransactionContext) -> Answer:
        note = ctx.session.get_one(ReaderNote, _perform(ctx, NoteAct(reader_id), body.words))
        at = shapes.instant(note.at)
        return 201, {"id": note.id, "reader_id": reader_id, "words": note.words, "at": at}

    return caller.once_in_one(body, do)


@router.post("/v1/readers/{reader_id}/address", status_code=202, summary="Change a reader's address")
def change_address(reader_id: str, body: AddressBody, caller: Readers) -> Response:
    """The new address gets a link, and has to confirm it by `expires_at`; the old one gets a link that stops it. Nothing changes
    before. 409 `address_taken` (another reader's, see `reader_id`), `same_address`, `account_closes`; 422 `bad_address`; 429
    `too_many`. The key needs all of `readers`."""

    def do(ctx: TransactionContext) -> Answer:
        act = ChangeAddressAct(reader_id, body.email)
        row = ctx.session.get_one(AddressChange, _perform(ctx, act, body.reason))
        return 202, {
            "id": row.id,
            "reader_id": reader_id,
            "email": row.new_email,
            "expires_at": shapes.instant(row.expires_at),
        }

    return caller.once_in_one(body, do)


@router.post("/v1/readers/{reader_id}/erase", status_code=202, summary="Close and erase an account")
def erase(reader_id: str, body: ReasonBody, caller: Readers) -> Response:
    """The subscription ends now, by the rules that also hold on the account page, and the reader is signed out. The data is erased
    from `erases_at`, once nothing is open, at the latest by `due_at`. The reason stays, so it must not name the reader.
    409 `erasure_asked`, `already_erased`, `dispute_open` (a bank has asked for a payment back), `refund_owed` (money couldn't be
    returned to the card). The key needs all of `readers`."""

    def do(ctx: TransactionContext) -> Answer:
        row = ctx.session.get_one(Erasure, _perform(ctx, EraseAct(reader_id), body.reason))
        moments = {"requested_at": row.requested_at, "erases_at": row.erases_at, "due_at": row.due_at}
        return 202, {
            "id": row.id,
            "reader_id": reader_id,
            **{name: shapes.instant(at) for name, at in moments.items()},
        }

    return caller.once_in_one(body, do)
