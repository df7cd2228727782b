"""Newsletters in a test's world: lists with subscribers, issues, and the mails that arrived."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from billing.dev import sample_newsletters, seed
from billing.mail.bounces import read_report
from billing.newsletters import issues, links, optin
from billing.newsletters.bounces import ReportOutcome, handle_report
from billing.newsletters.compose import IssueCard
from billing.newsletters.models import Issue
from billing.newsletters.progress import Progress, progress
from billing.newsletters.signups import Origin, Person
from billing.platform.actors import WORKER, StaffActor
from billing.readers.register import by_address
from tests.support.fake_smtp import Received
from tests.support.world import World

BY = StaffActor("editor@example.com")
EDITOR = "editor@paper.example"
"""The address of the editor in tests."""
SOURCE = """Good morning.

The dam at **Kransrivier** stands at [61 per cent](https://example.com/dam).

[[article:the-water-nobody-counted]]

::: subscribers
Thank you for paying for this.
:::
::: non-subscribers
Read the rest with a trial.
:::
"""
SUBJECT = "The dam, the road, the mayor"
PREHEADER = "What happened overnight, and what today will bring to the valley."
HEADERS = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Reply-To", "List-Id"),
    *("List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"),
)
"""The headers that every newsletter must carry exactly once."""
CARD = IssueCard("Environment", "The water nobody counted", "https://example.com/water", True)


@dataclass
class Newsroom:
    """A world with the sample newsletters. They are seeded if missing."""

    world: World
    list_id: str = "first-light"

    def __post_init__(self) -> None:
        if not self.world.rows("SELECT 1 FROM newsletter LIMIT 1"):
            with self.world.services.database.transaction() as session:
                seed.newsletters(session, self.world.now)

    def people(self, count: int, newsletter: str | None = None) -> list[str]:
        """Add `count` confirmed addresses to a list: `reader-0001@readers.example` and so on. Return them."""
        with self.world.services.database.transaction() as session:
            sample_newsletters.people(session, newsletter or self.list_id, count, self.world.now)
        return [f"reader-{number:04}@{sample_newsletters.DOMAIN}" for number in range(1, count + 1)]

    def add_reader(self, email: str, *, subscribed: bool = False, days: float = 900) -> str:
        """Add an account without a trial and return its id. `subscribed` adds a complimentary subscription for `days` days."""
        number = self.world.rows("SELECT count(*) AS n FROM reader")[0]["n"]
        reader_id = f"rdr_{number}"
        self.world.execute(
            "INSERT INTO reader (id, email, created_at) VALUES (:id, :email, :at)",
            id=reader_id,
            email=email,
            at=self.world.now,
        )
        if subscribed:
            self.world.execute(
                "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason)"
                " VALUES (:grant, :id, :at, :until, '[]', 'command', 'test', 'test')",
                grant=f"grt_{number}",
                id=reader_id,
                at=self.world.now,
                until=self.world.now + timedelta(days=days),
            )
        return reader_id

    def join(self, address: str, newsletter: str | None = None) -> None:
        """Sign a reader, whose address is verified, up for one newsletter."""
        with self.world.services.database.begin(self.world.services.site, self.world.now, WORKER) as ctx:
            reader = by_address(ctx.session, address)
            assert reader is not None
            optin.join_or_ask(
                ctx, Person.of(reader), [newsletter or self.list_id], Origin("page"), email_verified=True
            )

    def leave(self, address: str) -> None:
        """Unsubscribe an address from its only newsletter, by one-click unsubscribe."""
        (row,) = self.world.rows("SELECT id FROM signup WHERE address_key = :address", address=address)
        url = links.unsubscribe_url(self.world.services.site, row["id"])
        self.world.http_client().post(url).raise_for_status()

    def draft(self, source: str = SOURCE, subject: str = SUBJECT, newsletter: str | None = None) -> str:
        """Create a finished draft; return its id."""
        with self.world.services.database.begin(self.world.services.site, self.world.now, BY) as ctx:
            made = issues.create(ctx, newsletter or self.list_id)
            issues.save(
                ctx,
                made.id,
                version=made.version,
                subject=subject,
                preheader=PREHEADER,
                source=source,
                cards={"the-water-nobody-counted": CARD},
            )
            return made.id

    def schedule(self, issue_id: str, when: datetime | None = None) -> None:
        """Schedule an issue for `when`, or for now."""
        with self.world.services.database.begin(self.world.services.site, self.world.now, BY) as ctx:
            issues.schedule(
                ctx, issue_id, when or self.world.now, self.world.services.newsletter_sender.house
            )

    def send(self, **draft: str) -> str:
        """Send a finished issue to all recipients; return its id."""
        issue_id = self.draft(**draft)
        self.schedule(issue_id)
        self.world.settle()
        return issue_id

    def send_to(self, count: int) -> list[Received]:
        """Send an issue to `count` sample addresses; return the newest mail of each."""
        addresses = self.people(count)
        self.send()
        return [self.arrived_for(address)[-1] for address in addresses]

    def issue(self, issue_id: str) -> Issue:
        """The issue's row."""
        with self.world.services.database.transaction() as session:
            return issues.issue(session, issue_id)

    def progress(self, issue_id: str) -> Progress:
        """The issue's counts, which must always add up."""
        with self.world.services.database.transaction() as session:
            found = progress(session, issue_id)
        assert found.adds_up, found
        return found

    def counts(self, issue_id: str) -> dict[str, int]:
        """The number of recipients by state."""
        return {state.value: count for state, count in self.progress(issue_id).states.items()}

    def delivery(self, issue_id: str, address: str) -> dict[str, Any]:
        """One recipient's delivery row."""
        (row,) = self.world.rows(
            "SELECT * FROM delivery WHERE issue_id = :issue AND address_key = lower(:address)",
            issue=issue_id,
            address=address,
        )
        return dict(row)

    def take(self, raw: bytes) -> ReportOutcome | None:
        """Read a returned mail, as `billing bounces take` does. None: it is no report about a mail of ours."""
        services = self.world.services
        report = read_report(services.site.tokens, raw)
        if report is None:
            return None
        with services.database.begin(services.site, self.world.now, WORKER) as ctx:
            return handle_report(ctx, report)

    def suppressions(self) -> list[tuple[str, str]]:
        """The scope and reason of each suppression in force."""
        rows = self.world.rows(
            "SELECT scope, reason FROM suppression WHERE lifted_at IS NULL ORDER BY scope, reason"
        )
        return [(row["scope"], row["reason"]) for row in rows]

    def arrived(self) -> list[Received]:
        """The newsletters that the fake SMTP server accepted, with their envelopes."""
        return [mail for mail in self.world.smtp.received if b"\r\nList-Id:" in mail.raw]

    def arrived_for(self, address: str) -> list[Received]:
        """The newsletters to one address."""
        return [mail for mail in self.arrived() if address in mail.recipients]


def parsed(mail: Received) -> EmailMessage:
    """The mail as parsed by Python."""
    return message_from_bytes(mail.raw, policy=default)


def headers_of(mail: Received) -> dict[str, list[str]]:
    """The raw headers, unfolded."""
    lines = re.sub(rb"\r\n[ \t]+", b" ", mail.raw.partition(b"\r\n\r\n")[0]).split(b"\r\n")
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.decode("ascii").partition(": ")
        found.setdefault(name, []).append(value)
    return found


def parts_of(mail: Received) -> tuple[str, str]:
    """The mail's text and HTML parts, decoded."""
    message = parsed(mail)
    found = {
        part.get_content_type(): str(part.get_content()).replace("\r\n", "\n")
        for part in message.walk()
        if not part.is_multipart()
    }
    return found["text/plain"], found["text/html"]


def link(mail: Received, mark: str) -> str:
    """The link in the text part that contains `mark`."""
    found = re.search(rf"https?://\S*{mark}\S*", parts_of(mail)[0])
    assert found is not None
    return found.group()
