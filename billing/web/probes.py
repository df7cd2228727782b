"""For operators: is the process alive, is it ready."""

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

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
        with parts_of(request).database.transaction() as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return problem(503, "not_ready", "The database doesn't answer.")
    return JSONResponse({"status": "ready"})
