"""`/v1/readers/{id}/standing`: why a reader may read, or may not, now or at any past moment."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from billing.access.explain import Explanation, explain
from billing.http import shapes
from billing.rules.access import Entitlement
from billing.web.api.caller import ReadsReaders

router = APIRouter(tags=["Readers"])


def _unspaced(value: Any) -> Any:
    """A plus sign in a query string arrives as a space; an instant has no spaces."""
    return value.replace(" ", "+") if isinstance(value, str) else value


@router.get("/v1/readers/{reader_id}/standing", summary="Why may this reader read?")
def standing(
    reader_id: str,
    caller: ReadsReaders,
    at: Annotated[shapes.Instant | None, BeforeValidator(_unspaced), Query()] = None,
    article: Annotated[str | None, Query(max_length=shapes.LONGEST)] = None,
) -> JSONResponse:
    """What the reader held at the moment (now, if none is named) and the facts behind it; with `article`, the decision on it."""
    with caller.begin() as ctx:
        found = explain(ctx, caller.services.limits, reader_id, at=at or ctx.at, article_id=article)
        caller.count_read(ctx, reader_id)
    return JSONResponse(_shape(found))


def _shape(found: Explanation) -> dict[str, Any]:
    return {
        "reader": found.reader_id,
        "at": shapes.instant(found.at),
        "registered": found.entitlements.registered,
        "sentence": found.sentence,
        "held": [_entitlement(entitlement) for entitlement in found.held],
        "decision": _decision(found) if found.decision else None,
        "facts": [
            {
                "what": fact.what,
                "at": shapes.instant(fact.at),
                "by": fact.by or None,
                "why": fact.reason or None,
                "holds": fact.holds,
            }
            for fact in found.facts
        ],
    }


def _entitlement(entitlement: Entitlement) -> dict[str, Any]:
    return {
        "reason": entitlement.reason.value,
        "until": shapes.instant(entitlement.until),
        "renews": entitlement.renews,
        "features": sorted({*entitlement.features, "read"}),
    }


def _decision(found: Explanation) -> dict[str, Any]:
    decision, meter = found.decision, found.meter
    assert decision is not None
    return {
        "article": found.article_id,
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        "features": sorted(decision.features),
        "until": shapes.instant(decision.until),
        "meter": {"used": meter.used, "limit": meter.limit} if meter else None,
    }
