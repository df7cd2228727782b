"""Lists that programs read page by page: `limit` rows `after` the last one of the page before."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from fastapi.responses import JSONResponse

from billing.platform.errors import Invalid

MOST = 100
Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[str | None, Query(max_length=200)]
"""The id of the last row of the page before."""


class NotInThisList(Invalid):
    """`after` names no row of this list."""

    code = "bad_after"


def page(rows: Sequence[Row], limit: int, shown: Callable[[Row], Any], **more: Any) -> JSONResponse:
    """A page of `limit` rows. Pass one row more, where there is one: it makes `has_more` true."""
    return JSONResponse({"data": [shown(row) for row in rows[:limit]], "has_more": len(rows) > limit} | more)
