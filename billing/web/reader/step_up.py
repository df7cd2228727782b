"""A fresh sign-in before what matters (SEC-2), and the way back from it to where the reader was."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request
from starlette.responses import Response

from billing.http import cookies
from billing.platform.errors import NotFound
from billing.readers import links, sessions, sign_in
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.views.account import ProveAgainPage

WAY = "way"
WAY_LIFE = 2 * links.LIFE
"""As long as a link that is asked for late in it is good."""
HOME = "/account"
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class GuardedStep:
    """What needs a fresh sign-in: how the page names it, and where the reader goes on afterwards."""

    words: str
    way: str


ACTS = {
    "card": GuardedStep("your subscription is charged to another card", "/account/card"),
    "consents": GuardedStep("you download what you agreed to", "/account#agreed"),
}


class UnknownAct(NotFound):
    """There is nothing of that name to confirm."""

    code = "unknown_act"


class ReaderMustProve(Exception):
    """The browser has no sign-in of the last ten minutes: off to the page that explains it, and back."""

    def __init__(self, visit: Visit, act: str) -> None:
        super().__init__(act)
        self.visit, self.act = visit, act


def require_fresh(visit: Visit, act: str) -> None:
    """Unless the reader signed in by mail within ten minutes, in this browser. Raises ProveFirst."""
    if visit.session is None or not sessions.is_fresh(visit.session, visit.at):
        raise ReaderMustProve(visit, act)


def fresh_for(act: str) -> Any:
    """A dependency: a visit of a reader who has just signed in, for one of `ACTS`. Raises ProveFirst."""

    def fresh(visit: Visiting) -> Visit:
        require_fresh(visit, act)
        return visit

    return Depends(fresh)


def _explain(_: Request, error: Exception) -> Response:
    assert isinstance(error, ReaderMustProve)
    if error.visit.reader is None:
        return sign_in_first(error.visit, ACTS[error.act].way)
    return error.visit.go(f"/account/confirm?act={error.act}")


def answer_stale(app: FastAPI) -> None:
    """Register where a browser is sent that has to prove its reader first."""
    app.add_exception_handler(ReaderMustProve, _explain)


@router.get("/account/confirm")
def ask(visit: Visiting, act: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Why a link is mailed before this. Raises UnknownAct."""
    if visit.reader is None:
        return visit.go("/sign-in")
    return visit.page(ProveAgainPage(email=visit.reader.email, act=act, words=_act(act).words))


@router.post("/account/confirm")
def mail(visit: Guarded, act: Annotated[str, Form(max_length=20)] = "") -> Response:
    """Mail the link, to the reader's own address. Raises UnknownAct, TooMany."""
    if visit.reader is None:
        return visit.go("/sign-in")
    return mail_link(visit, visit.reader.email, _act(act).way)


def _act(name: str) -> GuardedStep:
    if name not in ACTS:
        raise UnknownAct
    return ACTS[name]


def remember_way(visit: Visit, path: str) -> None:
    """Go on at this page of ours after signing in. The cookie is signed, so that nothing else can be put there."""
    way = quote(path, safe="/?=&%#")
    visit.give(cookies.WAY, visit.services.site.tokens.token(WAY, way), WAY_LIFE)


def way_back(visit: Visit) -> str:
    """Where the reader was going when asked to sign in; the account where nothing is remembered."""
    visit.takes.append(cookies.WAY)
    return visit.services.site.tokens.subject_of(WAY, visit.cookie(cookies.WAY)) or HOME


def sign_in_first(visit: Visit, way: str) -> Response:
    """To the page that asks for an address, and on to `way`."""
    remember_way(visit, way)
    return visit.go("/sign-in")


def mail_link(visit: Visit, email: str, way: str) -> Response:
    """Mail a sign-in link to an address that we know, and go on at `way` when it is used. Raises TooMany."""
    site = visit.services.site
    with visit.services.database.begin(site, visit.at, visit.actor) as ctx:
        sign_in.count_asks(ctx, email, visit.browser)
        sign_in.ask(ctx, email, visit.browser)
    remember_way(visit, way)
    return visit.go("/sign-in/sent")
