"""Merge two accounts of one person: what it would do, and doing it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from billing.http import shapes
from billing.personal_data import merge
from billing.personal_data.merge_models import ReaderMerge
from billing.platform.context import TransactionContext
from billing.staff.acts.merging import MergeAct, in_words
from billing.staff.acts.perform import perform
from billing.web.api.caller import Answer, Readers

router = APIRouter(tags=["Readers"])


class MergeBody(shapes.Body):
    """The account that goes, whose address stays, and why."""

    other: shapes.FreeText = Field(min_length=1, max_length=shapes.LONGEST)
    other_address: bool = False
    reason: shapes.FreeText = Field(min_length=1, max_length=1000)


@router.get("/v1/readers/{reader_id}/merge", summary="What merging two accounts would do")
def preview(
    reader_id: str,
    caller: Readers,
    other: Annotated[str, Query(max_length=shapes.LONGEST)] = "",
    other_address: bool = False,
) -> JSONResponse:
    """Changes nothing. `rows` counts what would move from the account `other`, an id; refused as the merge itself."""
    with caller.begin() as ctx:
        found = merge.preview(ctx, reader_id, other, other_address=other_address)
        answer: dict[str, Any] = {
            "reader_id": found.stays.id,
            "merged_id": found.goes.id,
            "email": found.address,
            "rows": dict(found.rows),
            "metered_this_month": found.metered,
            "sessions_ended": found.sessions,
            "words": list(in_words(ctx, found)),
        }
        caller.count_read(ctx, reader_id, other)
    return JSONResponse(answer)


@router.post("/v1/readers/{reader_id}/merge", summary="Merge two accounts of one person")
def merge_accounts(reader_id: str, body: MergeBody, caller: Readers) -> Response:
    """All that the account `other` (an id) has moves to this one, and `other` is empty afterwards. From then on calls with its id
    answer 410 `reader_merged` with `merged_into`; access checks and its `external_id` answer for the account that stays. With
    `other_address` the account that stays gets the other's address. It can't be undone. 409 `same_account`, `both_subscribed`,
    `merge_waits` (a charge or a card page is open, or a change of address can still be stopped), `erasure_asked`, `already_erased`, `accounts_busy`."""

    def do(ctx: TransactionContext) -> Answer:
        act = MergeAct(reader_id, body.other, other_address=body.other_address)
        line = perform(ctx, act, role=None, reason=body.reason, version=None)
        done = ctx.session.get_one(ReaderMerge, line.subject)
        return 200, {
            "id": done.id,
            "reader_id": done.reader_id,
            "merged_id": done.merged_id,
            "moved": dict(done.moved),
        }

    return caller.once_in_one(body, do)
