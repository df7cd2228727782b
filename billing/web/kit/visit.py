"""One request of a browser: who sends it, and how it is answered with a page."""

import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated

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
from billing.platform.site import Site
from billing.readers import sessions
from billing.readers.models import Reader, ReaderSession
from billing.readers.sessions import Browser
from billing.rules import networks
from billing.subscriptions.find import RUNS
from billing.web.kit import page_language
from billing.web.kit.bulkhead import Party, Side
from billing.web.kit.flashes import FLASHES, signed_out
from billing.web.kit.refused_forms import NoBrowserCookie, StaleForm, refuse_cross_site
from billing.web.kit.rendering import PageRenderer
from billing.web.views.frame import Frame, Page
from billing.web.views.start import Teaser
from emails.languages import Language

NOINDEX = {"X-Robots-Tag": "noindex"}


class NeedsDatabase(Exception):
    """A page in the event loop turned out to need the database."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What an application around this one, such as the demo, adds to pages. By default nothing."""

    banner: "Callable[[Visit], Markup | None]" = lambda _: None
    teaser: Callable[[Teaser], Teaser] = lambda teaser: teaser


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a browser's session, or a reader token, stands for. By default nobody."""

    session: ReaderSession | None = None
    reader: Reader | None = None
    by: str | None = None
    """The id of the session, or, for a reader token without one, of the reader. Secrets for this reader alone are bound to it."""
    subscribes: bool = False
    """Whether the reader has a subscription that hasn't ended."""
    ended: str | None = None
    """Why this browser was signed out, where the reader did not do it here (see `sessions.why_ended`)."""


NOBODY = Identity()
Opens = Callable[[Site, datetime, Actor], AbstractContextManager[TransactionContext]]
_RECOGNISE = sessions.RECOGNISE.add_columns(RUNS)


@dataclass
class Visit:
    """A request of a browser, with everything needed to answer it.

    The clock is read, and the reader recognised, at the first use: in the thread of the page, and in the page's own transaction."""

    request: Request
    services: Services
    look: PageRenderer
    browser_secret: str
    new_browser: bool
    instant: datetime | None = None
    """When it is, once the clock was read."""
    identity: Identity | None = None
    """Who it is, once that was looked up."""
    is_in_loop: bool = False
    """Whether the page runs in the event loop, which no database call may hold up (see `quick_page`)."""
    gives: list[tuple[str, str, timedelta]] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)

    @property
    def extras(self) -> Extras:
        """What the application adds to pages."""
        extras: Extras = self.request.app.state.extras
        return extras

    @property
    def at(self) -> datetime:
        """The instant of the request."""
        if self.instant is None:
            self.instant = self.services.clock.now()
        return self.instant

    @property
    def today(self) -> date:
        """The civil day of the request, in the publisher's zone."""
        return self.services.site.today(self.at)

    @property
    def who(self) -> Identity:
        """Whom the browser's session stands for."""
        if self.identity is None:
            with self.read():  # which looks it up
                pass
        return self.identity or NOBODY

    @property
    def session(self) -> ReaderSession | None:
        """The browser's session."""
        return self.who.session

    @property
    def reader(self) -> Reader | None:
        """The reader who is signed in."""
        return self.who.reader

    @property
    def language(self) -> Language:
        """The language of the page: the one that the reader keeps, or the browser's. Staff's pages are in English."""
        kept = self.reader.language if self.reader is not None else None
        own = None if page_language.is_of_staff(self.request) else self.services.site.languages.by_code(kept)
        return own or self.browser_language

    @cached_property
    def browser_language(self) -> Language:
        """What was chosen in the browser, or what it is set to; read once."""
        return page_language.of_browser(self.request, self.services)

    @property
    def proved_reader(self) -> Reader | None:
        """The reader, if a mailed link proved the address. A trial can be started with another person's address."""
        return self.reader if self.session is not None and self.session.email_verified else None

    @property
    def ip(self) -> str:
        """The browser's network address, as reported by trusted proxies."""
        return client_ip(self.request, self.services)

    def need_database(self) -> None:
        """Go on in a thread from here. Raises NeedsDatabase in the event loop."""
        if self.is_in_loop:
            raise NeedsDatabase

    def begin(self) -> AbstractContextManager[TransactionContext]:
        """A transaction of this request. The first one recognises the reader. Raises NeedsDatabase in the event loop."""
        return self._within(self.services.database.begin)

    def read(self) -> AbstractContextManager[TransactionContext]:
        """The same for a page that changes nothing (see `Database.read`)."""
        return self._within(self.services.database.read)

    @contextmanager
    def _within(self, opens: Opens) -> Iterator[TransactionContext]:
        self.need_database()
        seen_now = None
        with opens(self.services.site, self.at, ReaderActor("")) as ctx:
            if self.identity is None:
                self.identity = self._look_up(ctx)
                seen_now = self.identity.session
            yield self.context(ctx.session)
            # last: other transactions lock a reader before their sessions
            if seen_now is not None:
                sessions.note_seen(ctx, seen_now, self.cookie(cookies.SESSION))

    def _look_up(self, ctx: TransactionContext) -> Identity:
        secret = self.cookie(cookies.SESSION)
        found = sessions.recognise(ctx, secret, _RECOGNISE)
        if found is None:
            return Identity(ended=sessions.why_ended(ctx, secret))
        session, reader, runs = found
        return Identity(session, reader, session.id, subscribes=runs)

    def context(self, session: Session) -> TransactionContext:
        """The context of a transaction that is open already."""
        language = page_language.of_mails(self.request, self.browser_language)
        return TransactionContext(session, self.services.site, self.at, self.actor, language)

    @property
    def actor(self) -> Actor:
        """The reader of the browser's session, if there is one."""
        return ReaderActor(self.reader.id if self.reader is not None else "")

    @property
    def party(self) -> Party:
        """The network, for which calls to the acquirer count."""
        return Party(Side.READERS, networks.buckets(self.ip)[0].name)

    @property
    def browser(self) -> Browser:
        """The browser, for the functions of sign-in."""
        session_id = self.session.id if self.session else None
        return Browser(self.browser_hashes, self.ip, self.device, session_id)

    @cached_property
    def browser_hashes(self) -> tuple[str, ...]:
        """Digests of the browser's secret: under the present key, then under earlier ones."""
        return self.services.site.tokens.digests("browser", self.browser_secret)

    @property
    def browser_hash(self) -> str:
        """The digest to store."""
        return self.browser_hashes[0]

    def owns(self, browser_hash: str) -> bool:
        """Whether the digest is this browser's."""
        return browser_hash in self.browser_hashes

    @property
    def device(self) -> str:
        """The browser's user agent."""
        return self.request.headers.get("user-agent", "")[:300]

    @cached_property
    def csrf(self) -> str:
        """The CSRF token: it proves that a form came from our own page in this browser. Made once, as a page has many forms."""
        return self.services.site.tokens.token("csrf", self.browser_hash[:32])

    def made_form(self, csrf: str) -> bool:
        """Whether the CSRF token is valid, also one from before a change of the secret key."""
        tokens = self.services.site.tokens
        subject = tokens.subject_of("csrf", csrf)
        return subject is not None and any(
            hmac.compare_digest(digest[:32].encode(), subject.encode()) for digest in self.browser_hashes
        )

    def cookie(self, name: str) -> str:
        """The value of our cookie, or an empty string."""
        return cookies.read(self.request, self.services.settings, name)

    def give(self, name: str, value: str, life: timedelta) -> None:
        """Set a cookie with the answer."""
        self.gives.append((name, value, life))

    def keep_browser(self) -> None:
        """Recognise the browser for another year, after a sign-in."""
        self.give(cookies.BROWSER, self.browser_secret, cookies.YEAR)

    def page(self, view: Page, status: int = 200) -> Response:
        """Answer with a page. Search engines must not index what a signed-in reader sees."""
        return self.html(self.look.page(view, self.frame()), status)

    def html(self, text: str, status: int = 200) -> Response:
        """Answer with a page that is rendered already."""
        response = HTMLResponse(text, status, NOINDEX if self.reader else None)
        if self.new_browser:
            self.keep_browser()
        return self.with_cookies(response)

    def frame(self) -> Frame:
        """The frame around the page. Call it once: it takes the flash."""
        flash = FLASHES.get(self.cookie(cookies.FLASH))
        if flash is not None:
            self.takes.append(cookies.FLASH)
        elif self.who.ended is not None:
            self.takes.append(cookies.SESSION)
            flash = signed_out(self.who.ended, self.services.settings.session_limit)
        return Frame(
            house=self.services.sender.house,
            csrf=lambda: self.csrf,
            path=self.path,
            again_at=page_language.again_at(self.request, self.path),
            today=self.today,
            paper_url=self.services.settings.paper,
            signed_in=self.reader is not None,
            can_subscribe=self.reader is not None and not self.who.subscribes,
            flash=flash,
            banner=self.extras.banner(self),
            language=self.language,
            languages=page_language.on_offer(self.request, self.services),
        )

    @property
    def path(self) -> str:
        """The page's address on this host."""
        query = self.request.scope["query_string"].decode("latin-1")
        path: str = self.request.scope["path"]
        return f"{path}?{query}" if query else path

    def go(self, path: str, flash: str | None = None) -> Response:
        """Redirect the browser, which then sends a GET."""
        if flash is not None:
            self.give(cookies.FLASH, flash, timedelta(minutes=2))
        if self.new_browser:
            self.keep_browser()
        return self.with_cookies(RedirectResponse(path, 303))

    def with_cookies(self, response: Response) -> Response:
        """The answer with the cookies to set and to take back."""
        for name, value, life in self.gives:
            cookies.set_cookie(response, self.services.settings, name, value, life)
        for name in self.takes:
            cookies.delete_cookie(response, self.services.settings, name)
        return response


def services_of(request: Request) -> Services:
    """The services of this application."""
    services: Services = request.app.state.services
    return services


async def open_visit(request: Request) -> Visit:
    """The visit of a request. Asks nothing yet, so that a request needs one thread and, mostly, one transaction."""
    return new_visit(request)


def new_visit(request: Request) -> Visit:
    """The same, outside of a route."""
    services = services_of(request)
    browser = cookies.read(request, services.settings, cookies.BROWSER)
    return Visit(
        request=request,
        services=services,
        look=request.app.state.renderer,
        browser_secret=browser or secrets.token_urlsafe(32),
        new_browser=not browser,
        identity=None if cookies.read(request, services.settings, cookies.SESSION) else NOBODY,
    )


async def open_guarded(
    request: Request, visit: Annotated[Visit, Depends(open_visit)], csrf: Annotated[str, Form()] = ""
) -> Visit:
    """The visit of a POST: same origin, and a valid CSRF token (SEC-4). Raises CrossSite, NoBrowserCookie, StaleForm."""
    refuse_cross_site(request, visit.services)
    if not visit.made_form(csrf):
        raise NoBrowserCookie if visit.new_browser else StaleForm
    return visit


Visiting = Annotated[Visit, Depends(open_visit)]
Guarded = Annotated[Visit, Depends(open_guarded)]
