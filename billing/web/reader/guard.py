"""What a reader's page needs first: a signed-in reader, a running subscription. Without it the browser is redirected."""

from fastapi import FastAPI, Request
from sqlmodel import Session
from starlette.responses import Response

from billing.readers.models import Reader
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription
from billing.web.kit.visit import Visit
from billing.web.reader import way


class RedirectReader(Exception):
    """The page can't be shown to this browser; `response` redirects it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.headers["location"])
        self.response = response


def _redirect(_: Request, error: Exception) -> Response:
    assert isinstance(error, RedirectReader)
    return error.response


def answer_redirects(app: FastAPI) -> None:
    """Register the answer to `RedirectReader`."""
    app.add_exception_handler(RedirectReader, _redirect)


def signed_in(visit: Visit) -> Reader:
    """The browser's reader. Raises RedirectReader, to the sign-in page, and from there back to this page; a form isn't sent again."""
    if visit.reader is None:
        is_page = visit.request.method == "GET"
        raise RedirectReader(way.sign_in_first(visit, visit.path) if is_page else visit.go("/sign-in"))
    return visit.reader


def running(visit: Visit, session: Session) -> Subscription:
    """The reader's subscription that hasn't ended. Raises RedirectReader, to the sign-in page or the account."""
    subscription = live_of(session, signed_in(visit).id)
    if subscription is None:
        raise RedirectReader(visit.go("/account"))
    return subscription
