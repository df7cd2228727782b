"""For operators: is the process alive, is it ready."""

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from billing.installation import NotAdopted, is_home
from billing.web.problems import problem
from billing.web.visit import parts_of

router = APIRouter(tags=["Operators"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """The process and its database answer."""
    try:
        home = is_home(parts_of(request).database)
    except sa.exc.SQLAlchemyError:
        return problem(503, "not_ready", "The database doesn't answer.")
    if not home:  # readers still read; only money and mail stand still
        return JSONResponse({"status": "ready", "money_and_mail": "stopped", "why": NotAdopted().detail})
    return JSONResponse({"status": "ready", "money_and_mail": "moving"})
