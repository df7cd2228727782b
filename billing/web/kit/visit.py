"""One request of a person's browser: who it is, and how it is answered with a page."""

import hmac
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from sqlmodel import Session
from starlette.responses import Response

from billing.container import Services
from billing.http import cookies
from billing.http.client_ip import client_ip
from billing.platform.actors import Actor, ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.errors import Forbidden
from billing.readers import sessions
from billing.readers.models import Reader, ReaderSession
from billing.readers.register import by_id
from billing.readers.sessions import Browser
from billing.rules import networks
from billing.web.kit.bulkhead import Party, Side
from billing.web.kit.flashes import FLASHES
from billing.web.kit.rendering import Look
from billing.web.views.frame import Flash, Frame, Page
from billing.web.views.start import Teaser

NOINDEX = {"X-Robots-Tag": "noindex"}


class CrossSite(Forbidden):
    """This form was sent from another site, or from a page that is too old. Go back, reload the page, and send it again."""

    code = "cross_site"


@dataclass(frozen=True, slots=True)
class Extras:
    """What is added to pages by an application around this one, as the demo's is. Nothing is, by itself."""

    banner: "Callable[[Visit], Markup | None]" = lambda _: None
    teaser: Callable[[Teaser], Teaser] = lambda teaser: teaser


@dataclass
class Visit:
    """A browser asking for a page, with everything needed to answer it."""

    request: Request
    services: Services
    look: Look
    at: datetime
    browser_secret: str
    new_browser: bool
    session: ReaderSession | None = None
    reader: Reader | None = None
    known_by: str | None = None
    """What the reader is known by, and what is theirs alone is bound to: the session, or, with a program's token, the reader."""
    made_room: bool = False
    """Whether this browser was signed out because another one signed in."""
    gives: list[tuple[str, str, timedelta]] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)

    @property
    def extras(self) -> Extras:
        """What is added to the application's pages."""
        extras: Extras = self.request.app.state.extras
        return extras

    @property
    def proved_reader(self) -> Reader | None:
        """The reader, if this browser came by a mailed link. A trial is started with an address that may be somebody else's."""
        return self.reader if self.session is not None and self.session.email_verified else None

    @property
    def ip(self) -> str:
        """The browser's network address, as far as the trusted proxies tell."""
        return client_ip(self.request, self.services)

    def begin(self) -> AbstractContextManager[TransactionContext]:
        """A transaction of this request."""
        return self.services.database.begin(self.services.site, self.at, self.actor)

    def context(self, session: Session) -> TransactionContext:
        """What the rooms below work with in a transaction that is open."""
        return TransactionContext(session, self.services.site, self.at, self.actor)

    @property
    def actor(self) -> Actor:
        """The reader, as far as the browser is known."""
        return ReaderActor(self.reader.id if self.reader is not None else "")

    @property
    def party(self) -> Party:
        """Whom the visit counts for where it waits for the gateway."""
        return Party(Side.READERS, networks.buckets(self.ip)[0].name)

    @property
    def browser(self) -> Browser:
        """The browser as sign-in sees it."""
        session_id = self.session.id if self.session else None
        return Browser(self.browser_hashes, self.ip, self.device, session_id)

    @property
    def browser_hashes(self) -> tuple[str, ...]:
        """By which we recognise this browser in the database, the present key's first."""
        return self.services.site.tokens.digests("browser", self.browser_secret)

    @property
    def browser_hash(self) -> str:
        """By which we write this browser down."""
        return self.browser_hashes[0]

    def owns(self, browser_hash: str) -> bool:
        """Whether that is this browser's."""
        return browser_hash in self.browser_hashes

    @property
    def device(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")[:300]

    @property
    def csrf(self) -> str:
        """Proves that a form came from a page of ours in this browser."""
        return self.services.site.tokens.token("csrf", self.browser_hash[:32])

    def made_form(self, csrf: str) -> bool:
        """Whether that proves it, also on a page from before the secret key was changed."""
        tokens = self.services.site.tokens
        subject = tokens.subject_of("csrf", csrf)
        return subject is not None and any(
            hmac.compare_digest(one[:32].encode(), subject.encode()) for one in self.browser_hashes
        )

    def cookie(self, name: str) -> str:
        """The value of one of our cookies, or an empty string."""
        return cookies.read(self.request, self.services.settings, name)

    def give(self, name: str, value: str, life: timedelta) -> None:
        """Set a cookie with the answer."""
        self.gives.append((name, value, life))

    def keep_browser(self) -> None:
        """Let the browser be recognised for another year: somebody signs in here."""
        self.give(cookies.BROWSER, self.browser_secret, cookies.YEAR)

    def page(self, view: Page, status: int = 200) -> Response:
        """Answer with a page. What a signed-in reader sees is nothing for search engines."""
        return self.html(self.look.page(view, self.frame()), status)

    def html(self, text: str, status: int = 200) -> Response:
        """Answer with a whole page that is written already."""
        response = HTMLResponse(text, status, NOINDEX if self.reader else None)
        if self.new_browser:
            self.keep_browser()
        return self._with_cookies(response)

    def frame(self) -> Frame:
        """What stands around the page. A flash is shown once, so ask once."""
        flash = FLASHES.get(self.cookie(cookies.FLASH))
        if flash is not None:
            self.takes.append(cookies.FLASH)
        elif self.made_room:
            self.takes.append(cookies.SESSION)
            flash = Flash(text=_made_room(self.services.settings.session_limit), tone="bad")
        return Frame(
            house=self.services.sender.house,
            csrf=self.csrf,
            path=self.path,
            today=self.services.site.today(self.at),
            paper_url=self.services.settings.paper,
            signed_in=self.reader is not None,
            flash=flash,
            banner=self.extras.banner(self),
        )

    @property
    def path(self) -> str:
        """The page's address on this host."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    def go(self, path: str, flash: str | None = None) -> Response:
        """Answer by sending the browser on, with a GET."""
        if flash is not None:
            self.give(cookies.FLASH, flash, timedelta(minutes=2))
        if self.new_browser:
            self.keep_browser()
        return self._with_cookies(RedirectResponse(path, 303))

    def _with_cookies(self, response: Response) -> Response:
        for name, value, life in self.gives:
            cookies.give(response, self.services.settings, name, value, life)
        for name in self.takes:
            cookies.take(response, self.services.settings, name)
        return response


def services_of(request: Request) -> Services:
    """The installation this request came to."""
    services: Services = request.app.state.services
    return services


def open_visit(request: Request) -> Visit:
    """Recognise the browser and the reader. Reads the clock, once."""
    services = services_of(request)
    known = cookies.read(request, services.settings, cookies.BROWSER)
    visit = Visit(
        request=request,
        services=services,
        look=request.app.state.look,
        at=services.clock.now(),
        browser_secret=known or secrets.token_urlsafe(32),
        new_browser=not known,
    )
    secret = visit.cookie(cookies.SESSION)
    if secret:
        with services.database.begin(services.site, visit.at, visit.actor) as ctx:
            visit.session = sessions.find(ctx, secret)
            if visit.session is not None:
                visit.reader = by_id(ctx.session, visit.session.reader_id)
                visit.known_by = visit.session.id
            else:
                visit.made_room = sessions.made_room(ctx, secret)
    return visit


def open_guarded(
    request: Request, visit: Annotated[Visit, Depends(open_visit)], csrf: Annotated[str, Form()] = ""
) -> Visit:
    """A visit that may change something: same origin, and a token from our own page (SEC-4). Raises CrossSite."""
    refuse_cross_site(request, visit.services)
    if not visit.made_form(csrf):
        raise CrossSite
    return visit


def refuse_cross_site(request: Request, services: Services) -> None:
    """Raises CrossSite when the browser says that another site sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise CrossSite
    origin = request.headers.get("origin")
    if site is None and origin is not None and _origin(origin) != _origin(services.settings.public_url):
        raise CrossSite


def _made_room(limit: int) -> str:
    browsers = "one browser" if limit == 1 else f"{limit} browsers"
    return (
        f"You were signed out here, because you signed in somewhere else and an account is used in {browsers} at once."
        " Sign in again to read on here."
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parsed = urlsplit(url)
        return parsed.scheme, parsed.hostname, parsed.port
    except ValueError:
        return "", None, None


Visiting = Annotated[Visit, Depends(open_visit)]
Guarded = Annotated[Visit, Depends(open_guarded)]
