"""A whole installation for a test: database, the sandbox, a mail server, the web process; its clock held.

Nothing of ours is replaced. `advance` is the only way for time to pass."""

import html
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
import psycopg
import sqlalchemy as sa
import uvicorn

from billing import advance as clockwork
from billing import installation, migrate, seed
from billing.app import build, create_app
from billing.db import Database
from billing.mail.mailbox import Letter
from billing.settings import Settings, read_settings
from billing.web.keys import SCOPES, create
from billing.web.serve import KEEP_ALIVE_SECONDS
from tests.support.fake_smtp import FakeSmtp
from tests.support.mails import about
from tests.support.sandbox import KEY, Sandbox

ZONE = ZoneInfo("Africa/Johannesburg")
START = datetime(2027, 3, 1, 10, 0, tzinfo=ZONE)
SECRET_KEY = "a secret for tests, of enough length 0123456789"
WEBHOOK_SECRET = "whsec_for_the_tests"


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A moment in Johannesburg."""
    return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)


def settings_for(url: str, **more: object) -> Settings:
    """Settings of a test installation on this database."""
    given = {
        "database_url": url,
        "secret_key": SECRET_KEY,
        "environment": "test",
        "clock": "held",
        "stripe_secret_key": KEY,
        "stripe_webhook_secrets": WEBHOOK_SECRET,
        "charges_per_second": 0,
        **more,
    }
    return read_settings({f"BILLING_{name.upper()}": str(value) for name, value in given.items()})


def prepare(url: str) -> None:
    """Migrate a database and give it its plan."""
    database = Database(url)
    try:
        migrate.upgrade(database)
        with database.transaction() as session:
            installation.claim(session, settings_for(url))
            seed.plans(session)
    finally:
        database.close()


def adopt(url: str) -> None:
    """Let a copy of the prepared database be the one that counts."""
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE installation SET home = ({installation.HOME})".encode())


class World:
    """Use with `with`; leaving it judges every exchange with the sandbox by Stripe's OpenAPI."""

    def __init__(self, url: str, at: datetime = START, **settings: object) -> None:
        self.url_of_database = url
        self._at = at
        self._given = settings
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.sandbox = self._ends.enter_context(
            Sandbox(webhooks=[(f"{self.url}/webhooks/stripe", WEBHOOK_SECRET)])
        )
        self.smtp = self._ends.enter_context(FakeSmtp())
        self.settings = settings_for(
            self.url_of_database,
            **{
                "public_url": self.url,
                "stripe_api_base": self.sandbox.url,
                "smtp_url": self.smtp.url,
                **self._given,
            },
        )
        self._hold_clock()
        self.parts = build(self.settings)
        self._ends.callback(self.parts.database.close)
        clockwork.follow(self.parts)
        self._serve(listener)
        with self.parts.database.transaction() as session:
            self.articles = seed.articles(session, self.parts.office, self.now)
            self.api_key = create(session, self.parts.office.tokens, "tests", SCOPES, self.now)
        self.api = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=90,
            trust_env=False,
        )
        self._ends.callback(self.api.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.sandbox.check()
        finally:
            self._server.should_exit = True
            self.sandbox.begin_to_stop()
            self._ends.close()

    def _hold_clock(self) -> None:
        database = Database(self.url_of_database)
        with database.transaction() as session:
            session.execute(sa.text("INSERT INTO held_time (id, now) VALUES (1, :at)"), {"at": self._at})
        database.close()

    def _serve(self, listener: socket.socket) -> None:
        config = uvicorn.Config(
            create_app(self.parts),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
        )
        server = self._server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(timeout=20)
            listener.close()

        self._ends.callback(stop)

    @property
    def now(self) -> datetime:
        """The held present."""
        return self.parts.clock.now()

    def advance(self, **span: float) -> datetime:
        """Let time pass; what falls due happens, in order."""
        return clockwork.advance(self.parts, self.now + timedelta(**span))

    def advance_to(self, at: datetime) -> datetime:
        """Let it be `at`."""
        return clockwork.advance(self.parts, at)

    def settle(self) -> None:
        """Do what is due, at the held present."""
        clockwork.advance(self.parts, self.now)

    def browser(self) -> "Browser":
        """A fresh browser, without scripts."""
        return self._ends.enter_context(Browser(self))

    @contextmanager
    def browse(self) -> Iterator["Browser"]:
        """A fresh browser that is closed at the end of the block."""
        with Browser(self) as browser:
            yield browser

    def start_trial(self, email: str, card: str = "pm_card_visa", **more: object) -> dict[str, Any]:
        """`POST /v1/trials`, which must succeed; the answer."""
        answer = self.try_trial(email, card, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def try_trial(self, email: str, card: str = "pm_card_visa", **more: object) -> httpx.Response:
        """`POST /v1/trials`, whatever comes of it."""
        consent = {
            "text_version": "app-1",
            "accepted_at": self.now.astimezone(UTC).isoformat(),
            "ip": "196.25.1.9",
            "user_agent": "App/1",
        }
        body = {"email": email, "payment_method": card, "consent": consent, **more}
        return self.api.post("/v1/trials", json=body)

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """A subscription as programs see it."""
        return dict(self.api.get(f"/v1/subscriptions/{subscription_id}").raise_for_status().json())

    def access(self, article_id: str, reader_id: str) -> dict[str, Any]:
        """The access decision for a reader."""
        answer = self.api.get(f"/v1/access/{article_id}", params={"reader_id": reader_id})
        return dict(answer.raise_for_status().json())

    def letters(self, to: str | None = None) -> list[Letter]:
        """Mails that were accepted, oldest first."""
        return [letter for letter in self.smtp.letters if to is None or letter.recipient == to]

    def letter(self, to: str, subject: str) -> Letter:
        """The newest mail to this address with these words in its subject."""
        return about(self.letters(to), subject)

    def subjects(self, to: str) -> list[str]:
        """Their subjects."""
        return [letter.subject for letter in self.letters(to)]

    def charges(self, *, of: str | None = None) -> list[dict[str, Any]]:
        """Money the sandbox took, oldest first; `of` one reader, by the attempts of their subscriptions."""
        taken = [charge for charge in reversed(self.sandbox.charges()) if charge["status"] == "succeeded"]
        if of is None:
            return taken
        rows = self.rows(
            "SELECT a.id FROM attempt a JOIN subscription s ON s.id = a.subscription_id WHERE s.reader_id = :of",
            of=of,
        )
        mine = {row["id"] for row in rows}
        return [charge for charge in taken if charge["metadata"].get("attempt") in mine]

    def skip_to(self, at: datetime) -> None:
        """Let it be `at` while no worker runs: what falls due meanwhile is left lying. Web and sandbox stay up."""
        clockwork.move(self.parts, at)

    def charged_at(self, *, of: str | None = None) -> list[str]:
        """When money was taken, in Johannesburg's time, oldest first."""
        times = (datetime.fromtimestamp(charge["created"], ZONE) for charge in self.charges(of=of))
        return [f"{at:%Y-%m-%d %H:%M}" for at in times]

    def told(self, email: str) -> list[str]:
        """The kinds of mail that were accepted for an address, in order; a notice with its name and day."""
        rows = self.rows(
            "SELECT kind, fields FROM message WHERE recipient = :email AND state = 'accepted'"
            " ORDER BY accepted_at, id",
            email=email,
        )
        return [
            f"{row['fields']['which']} notice for {row['fields']['charge_on']}"
            if row["kind"] == "trial_notice"
            else row["kind"]
            for row in rows
        ]

    def mailed_link(self, email: str, part: str) -> str:
        """The newest link with `part` in it that was mailed to an address."""
        links = [link for letter in self.letters(email) for link in letter.links if part in link]
        assert links, f"no link with {part} was mailed to {email}"
        return links[-1]

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """What the database says."""
        with self.parts.database.transaction() as session:
            return [dict(row._mapping) for row in session.execute(sa.text(query), values)]


@dataclass
class Answer:
    """A page as a browser got it."""

    response: httpx.Response

    @property
    def text(self) -> str:
        """The page's HTML."""
        return self.response.text

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """Where the browser ended up."""
        return self.response.url.path

    @property
    def words(self) -> str:
        """The text of the main part, without tags."""
        main = re.search(r"<main.*?</main>", self.text, re.DOTALL)
        return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main.group() if main else self.text).split()))


class Browser:
    """Follows links and sends forms as a person's browser does, cookies and all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = httpx.Client(
            base_url=world.url,
            follow_redirects=True,
            timeout=90,
            trust_env=False,
            headers={"user-agent": "Test/1", "accept": "text/html,*/*;q=0.8"},
        )
        self.page: Answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> Answer:
        """Open a page."""
        self.page = Answer(self.http.get(path))
        return self.page

    def post(self, action: str, **fields: str | list[str]) -> Answer:
        """Send the form with this action on the page that is open, with its hidden fields."""
        self.page = Answer(self.http.send(self.filled(action, **fields)))
        return self.page

    def filled(self, action: str, **fields: str | list[str]) -> httpx.Request:
        """The same, not sent yet."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', self.page.text, re.DOTALL)
        assert form is not None, f"{self.page.path} has no form for {action}: {self.page.words[:300]}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group()))
        headers = {"origin": self.world.url, "sec-fetch-site": "same-origin"}
        return self.http.build_request("POST", action, data={**hidden, **fields}, headers=headers)

    def again(self, path: str) -> Self:
        """Open a page, and go on from there."""
        self.get(path)
        return self

    def start(self, email: str, number: str = "4242424242424242", *, come_back: bool = True) -> Answer:
        """From the offer to a started trial, by pages and the sandbox's card page."""
        self.get("/subscribe")
        self.post("/subscribe", email=email)
        return self.agree_and_pay(number, come_back=come_back)

    def agree_and_pay(self, number: str = "4242424242424242", *, come_back: bool = True) -> Answer:
        """From the review page on."""
        page = self.open_card_page()
        target = self.world.sandbox.fill_in(page, number)
        return self.get(target) if come_back else self.page

    def open_card_page(self) -> str:
        """Agree on the review page; the address of the card page."""
        self.http.follow_redirects = False
        answer = self.post("/subscribe/review", consent="yes")
        self.http.follow_redirects = True
        assert answer.status == 303, answer.words
        return answer.response.headers["location"]

    def sign_in(self, email: str) -> Answer:
        """Ask for the link, and use it."""
        self.get("/sign-in")
        self.post("/sign-in", email=email)
        self.world.settle()
        letters = reversed(self.world.letters(email))
        self.get(next(link for letter in letters for link in letter.links if "/sign-in/link/" in link))
        return self.post("/sign-in/confirm")
