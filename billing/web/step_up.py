"""A fresh sign-in before what matters (SEC-2), and the way back from it to where the reader was."""

from urllib.parse import quote

from starlette.responses import Response

from billing.readers import links, sign_in
from billing.web import cookies
from billing.web.visit import Visit

WAY = "way"
WAY_LIFE = 2 * links.LIFE
"""As long as a link that is asked for late in it is good."""
HOME = "/account"


def remember_way(visit: Visit, path: str) -> None:
    """Go on at this page of ours after signing in. The cookie is signed, so that nothing else can be put there."""
    way = quote(path, safe="/?=&%")
    visit.give(cookies.WAY, visit.parts.office.tokens.token(WAY, way), WAY_LIFE)


def way_back(visit: Visit) -> str:
    """Where the reader was going when asked to sign in; the account where nothing is remembered."""
    visit.takes.append(cookies.WAY)
    return visit.parts.office.tokens.subject_of(WAY, visit.cookie(cookies.WAY)) or HOME


def sign_in_first(visit: Visit) -> Response:
    """To the page that asks for an address, and back here."""
    remember_way(visit, visit.path)
    return visit.go("/sign-in")


def mail_link(visit: Visit, email: str, way: str) -> Response:
    """Mail a sign-in link to an address that we know, and go on at `way` when it is used. Raises TooMany."""
    office = visit.parts.office
    with visit.parts.database.transaction() as session:
        sign_in.count_asks(session, office.tokens, email, visit.browser, visit.at)
        sign_in.ask(session, office, email, visit.browser, visit.at)
    remember_way(visit, way)
    return visit.go("/sign-in/sent")
