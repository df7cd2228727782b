"""Lists that programs read page by page: `limit` rows `after` the last one they have."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from fastapi.responses import JSONResponse

from billing.platform.errors import Invalid

MOST = 100
Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[str | None, Query(max_length=200)]
"""The name of the last row of the page before."""


class NotInThisList(Invalid):
    """`after` names no row of this list."""

    code = "bad_after"


def page(rows: Sequence[Row], limit: int, shown: Callable[[Row], Any], **more: Any) -> JSONResponse:
    """A page from the rows that follow, of which one more than the page holds tells that it isn't the last."""
    return JSONResponse({"data": [shown(row) for row in rows[:limit]], "has_more": len(rows) > limit} | more)
