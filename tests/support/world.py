"""The installation as tests use it: actions and queries.

One world serves all tests of a process: `begin` returns it to the blank state, `go_to` to another kept moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa

from billing.dev.mailbox import ReceivedMail
from tests.support.browser import Browser
from tests.support.http_client import http_client
from tests.support.installation import Installation
from tests.support.mails import about

ZONE = ZoneInfo("Africa/Johannesburg")
START = datetime(2027, 3, 1, 10, 0, tzinfo=ZONE)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A moment in Johannesburg."""
    return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)


class World(Installation):
    """Use with `with`. `settings` replace the usual test settings for its whole life."""

    def __init__(self, url: str, at: datetime = START, **settings: object) -> None:
        super().__init__(url, at, **settings)

    def browser(self) -> Browser:
        """A fresh browser, without scripts."""
        return self._of_one_test.enter_context(Browser(self))

    def http_client(self) -> httpx.Client:
        """An HTTP client that keeps cookies and follows no redirects."""
        return self._of_one_test.enter_context(http_client(self.url))

    @contextmanager
    def browse(self) -> Iterator[Browser]:
        """A fresh browser, closed at the end of the block."""
        with Browser(self) as browser:
            yield browser

    def start_trial(self, email: str, card: str = "pm_card_visa", **more: object) -> dict[str, Any]:
        """`POST /v1/trials`, which must succeed; return the answer."""
        answer = self.try_trial(email, card, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def try_trial(self, email: str, card: str = "pm_card_visa", **more: object) -> httpx.Response:
        """`POST /v1/trials`, which may be refused; return the response."""
        consent = {
            "text_version": "app-1",
            "accepted_at": self.now.astimezone(UTC).isoformat(),
            "ip": "196.25.1.9",
            "user_agent": "App/1",
        }
        body = {"email": email, "payment_method": card, "consent": consent, **more}
        return self.api.post("/v1/trials", json=body)

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """A subscription as the API shows it."""
        return dict(self.api.get(f"/v1/subscriptions/{subscription_id}").raise_for_status().json())

    def access(self, article_id: str, reader_id: str) -> dict[str, Any]:
        """The access decision for a reader."""
        answer = self.api.get(f"/v1/access/{article_id}", params={"reader_id": reader_id})
        return dict(answer.raise_for_status().json())

    def letters(self, to: str | None = None) -> list[ReceivedMail]:
        """Mails that were accepted, oldest first."""
        return self.smtp.letters if to is None else self.smtp.to(to)

    def letter(self, to: str, subject: str) -> ReceivedMail:
        """The newest mail to this address whose subject contains these words."""
        return about(self.letters(to), subject)

    def subjects(self, to: str) -> list[str]:
        """The subjects of the mails to an address, oldest first."""
        return [letter.subject for letter in self.letters(to)]

    def charges(self, *, of: str | None = None) -> list[dict[str, Any]]:
        """Successful charges at the sandbox, oldest first; `of`: only those of this reader's subscriptions."""
        taken = [charge for charge in reversed(self.sandbox.charges()) if charge["status"] == "succeeded"]
        if of is None:
            return taken
        rows = self.rows(
            "SELECT a.id FROM attempt a JOIN subscription s ON s.id = a.subscription_id WHERE s.reader_id = :of",
            of=of,
        )
        attempts = {row["id"] for row in rows}
        return [charge for charge in taken if charge["metadata"].get("attempt") in attempts]

    def charged_at(self, *, of: str | None = None) -> list[str]:
        """The times of the successful charges, in Johannesburg, oldest first."""
        times = (datetime.fromtimestamp(charge["created"], ZONE) for charge in self.charges(of=of))
        return [f"{at:%Y-%m-%d %H:%M}" for at in times]

    def mail_kinds(self, email: str) -> list[str]:
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
        """The rows of a query."""
        with self.services.database.transaction() as session:
            return [dict(row._mapping) for row in session.execute(sa.text(query), values)]

    def execute(self, statement: str, **values: object) -> None:
        """Run a statement that returns no rows."""
        with self.services.database.transaction() as session:
            session.execute(sa.text(statement), values)
