"""How refusals are answered: problem+json for programs (RFC 9457), a page for people. Each is logged."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from billing.http.access_paths import GATE, WHY
from billing.platform.errors import Refusal
from billing.platform.logs import of_request
from billing.platform.tokens import without_secrets
from billing.rules.lifecycle import NoSuchTransition
from billing.web.kit.apostrophes import typographic_text
from billing.web.kit.page_language import is_of_staff
from billing.web.kit.plain_page import plain_page
from billing.web.views.frame import ErrorPage
from emails.languages import Language, Text, say

log = logging.getLogger("billing.refusals")
ANSWERED = "failure_answered"
"""Set on the state of a request whose failure is logged and answered."""
HTTP_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
TITLES = {
    400: say("We couldn’t read that"),
    401: say("Who are you?"),
    402: say("The card was declined"),
    403: say("That isn’t allowed"),
    404: say("There is nothing here"),
    405: say("That can’t be done here"),
    409: say("That doesn’t fit any more"),
    410: say("This link is spent"),
    413: say("That is too large"),
    422: say("Please check what you typed"),
    429: say("One moment, please"),
    500: say("Something broke on our side"),
    503: say("We can’t do that right now"),
}
UNTITLED = say("That can’t be done")


def problem(
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem+json answer with a stable `code`."""
    title = TITLES.get(status, "Refused")
    body = {"type": f"urn:masthead:{code}", "title": title, "status": status, "code": code, "detail": detail}
    return JSONResponse(
        body | dict(facts or {}), status, dict(headers or {}), media_type="application/problem+json"
    )


def answer_refusals(app: FastAPI) -> None:
    """Register the answer to each family of refusals."""
    app.add_exception_handler(Refusal, answer_refusal)
    app.add_exception_handler(NoSuchTransition, _no_such_transition)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(sa.exc.OperationalError, _database_away)
    app.add_exception_handler(sa.exc.TimeoutError, _database_away)
    app.add_exception_handler(Exception, _broken)


def where(scope: Scope) -> str:
    """The address for the log: one line, without the secrets of mailed links (SEC-9)."""
    return quote(without_secrets(scope["path"])[:200], safe="/…:@")


def _for_programs(request: Request) -> bool:
    if request.url.path.startswith(
        ("/v1/", "/webhooks/", "/access/", "/healthz", "/readyz", "/metrics", "/.well-known/")
    ):
        return True
    return "text/html" not in request.headers.get("accept", "text/html")


@dataclass(frozen=True, slots=True)
class _Problem:
    status: int
    code: str
    detail: str
    facts: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None
    title: str = ""
    plain_in: Language | None = None
    """The language of a page that needs neither a template nor the database."""


def _answer(request: Request, shown: _Problem) -> Response:
    log_refusal(request, shown.status, shown.code)
    return _shown(request, shown)


def log_refusal(request: Request, status: int, code: str) -> None:
    """Log that a request was refused, and why (16.3.2)."""
    log.warning("refused %s %s %s %s %s", status, code, request.method, where(request.scope), of_request())


def _shown(request: Request, shown: _Problem) -> Response:
    headers = dict(shown.headers or {})
    if request.url.path.startswith(GATE):
        # no body: a web server that makes a subrequest keeps the connection open only without one
        return Response(None, shown.status, headers | {WHY: shown.code})
    if not _for_programs(request):
        if shown.plain_in is not None:
            title, words = typographic_text(shown.title), typographic_text(shown.detail)
            return plain_page(shown.status, title, words, headers, shown.plain_in)
        with suppress(sa.exc.SQLAlchemyError):  # a page needs the database, problem+json doesn't
            return _page(request, shown, headers)
    return problem(shown.status, shown.code, shown.detail, shown.facts, headers)


def _page(request: Request, shown: _Problem, headers: Mapping[str, str]) -> Response:
    from billing.web.kit.visit import new_visit

    of_staff = is_of_staff(request)
    view = ErrorPage(
        status=shown.status,
        title=typographic_text(shown.title or TITLES.get(shown.status, UNTITLED)),
        advice=typographic_text(shown.detail),
        link="/staff" if of_staff else "/",
        link_text=Text("Back to the first page of staff") if of_staff else say("Back to the front page"),
        request_id=request.state.request_id if shown.status >= 500 else None,
    )
    response = new_visit(request).page(view, shown.status)
    response.headers.update(headers)
    return response


def words_of(refusal: Refusal) -> Text:
    """What it says, as a page shows it beside what was typed."""
    return typographic_text(refusal.detail)


def answer_refusal(request: Request, error: Exception) -> Response:
    """The answer to a refusal: problem+json, or a page."""
    assert isinstance(error, Refusal)
    return _answer(request, _problem_of(error))


def answer_plainly(request: Request, error: Refusal, language: Language) -> Response:
    """As `answer_refusal`, at the cost of a few bytes, for when there is no room for more."""
    return _answer(request, replace(_problem_of(error), plain_in=language))


def _problem_of(error: Refusal) -> _Problem:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return _Problem(error.status, error.code, error.detail, error.facts, headers, error.title)


def _no_such_transition(request: Request, error: Exception) -> Response:
    return _answer(request, _Problem(409, "move_refused", str(error)))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(line["type"] == "json_invalid" for line in found):
        return _answer(request, _Problem(400, "malformed", "The body isn't valid JSON."))
    wrong = [
        {"at": _encodable(".".join(str(part) for part in line["loc"])), "problem": _encodable(line["msg"])}
        for line in found[:20]
    ]
    detail = say("Some fields aren’t as they should be.")
    return _answer(request, _Problem(422, "invalid", detail, {"errors": wrong}))


def _encodable(text: str) -> str:
    """Lone surrogates, which UTF-8 can't encode, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()[:300]


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, "refused")
    details = {
        404: say("There is no such page. It may have moved."),
        405: say("This address doesn’t take that method."),
    }
    detail = details.get(error.status_code, error.detail)
    return _answer(request, _Problem(error.status_code, code, detail, headers=error.headers))


def _database_away(request: Request, error: Exception) -> Response:
    """Not logged as a refusal: every request meets it, and the log has a line a minute (`logs.AwayOnce`)."""
    log.error(
        "broken 503 unavailable %s %s %s", request.method, where(request.scope), of_request(), exc_info=error
    )
    words = say("Our own records can’t be reached right now. Nothing was lost; please try again in a minute.")
    return _shown(request, _Problem(503, "unavailable", words, headers={"Retry-After": "60"}))


def _broken(request: Request, error: Exception) -> Response:
    log.error("broken %s %s %s", request.method, where(request.scope), of_request(), exc_info=error)
    setattr(request.state, ANSWERED, True)
    words = say("We have been told, and are looking into it. Nothing was lost.")
    return _answer(request, _Problem(500, "broken", words))
