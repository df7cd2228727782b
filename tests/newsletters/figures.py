"""Benchmark of newsletter sending against a naive sender: `python -m tests.newsletters.figures [RECIPIENTS]`.

The naive sender renders, inlines and builds each mail separately, sends it on one connection, and commits after each."""

import json
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from email.policy import SMTP

import emails
from billing.mail import bounces
from billing.newsletters.compose import Variant, issue_mail
from billing.newsletters.lists import newsletter
from billing.newsletters.send import send
from billing.newsletters.start import start_due
from billing.newsletters.wrap import content_of, segments, values, with_marks
from tests.support.databases import open_databases
from tests.support.installation import adopt, prepare
from tests.support.newsroom import SOURCE, Newsroom
from tests.support.world import World

PROSE = "\n\n".join(
    [f"Paragraph {n}. " + "The river, the road and the rates office once more. " * 6 for n in range(25)]
)


@contextmanager
def relay() -> Iterator[int]:
    """Run the simulation's mail server in its own process; yield its port.

    The tests' `FakeSmtp` would run in this process and slow down the measured code.
    """
    program = [sys.executable, "-m", "billing.dev.simulate.counting_smtp", "0", "0"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["port"]
        process.stdin.close()  # ends the process


def naive(newsroom: Newsroom, issue_id: str, port: int, count: int) -> float:
    """Mails a second of the naive sender."""
    world = newsroom.world
    sender, issue = world.services.newsletter_sender, newsroom.issue(issue_id)
    with world.services.database.transaction() as session:
        list_ = newsletter(session, issue.newsletter_id)
    words = content_of(issue, list_)
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port, "localhost") as connection:
        for number in range(1, count + 1):
            own = values(
                sender,
                number=number,
                address=f"reader-{number:04}@readers.example",
                signup_id=f"sgn_{number}",
            )
            draft = issue_mail(
                words, Variant.READER, unsubscribe_url=own["unsubscribe"], preferences_url=own["preferences"]
            )
            said = emails.render_newsletter(draft, sender.house)
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = sender.address, own["to"], said.subject
            mail["Message-ID"] = own["message-id"]
            mail["List-Unsubscribe"] = f"<{own['unsubscribe']}>"
            mail.set_content(said.text, cte="quoted-printable")
            mail.add_alternative(said.html, subtype="html", cte="quoted-printable")
            envelope = bounces.envelope_sender(sender.site.tokens, number, sender.bounce_domain)
            connection.sendmail(envelope, [own["to"]], mail.as_bytes(policy=SMTP))
            world.execute(
                "UPDATE signup SET changed_at = :at WHERE address_key = :to", at=world.now, to=own["to"]
            )
    return count / (time.perf_counter() - began)


def ours(newsroom: Newsroom, issue_id: str, count: int) -> float:
    """Mails a second of the product's job."""
    sender, clock = newsroom.world.services.newsletter_sender, newsroom.world.services.clock
    start_due(sender, clock.now())
    began = time.perf_counter()
    while send(sender, clock):
        pass
    assert newsroom.counts(issue_id) == {"sent": count}
    return count / (time.perf_counter() - began)


def joined(newsroom: Newsroom, issue_id: str) -> tuple[float, int]:
    """Microseconds to join one recipient's mail from segments, including its tokens; and the mail's size in bytes."""
    sender, issue = newsroom.world.services.newsletter_sender, newsroom.issue(issue_id)
    with newsroom.world.services.database.transaction() as session:
        list_ = newsletter(session, issue.newsletter_id)
    once = with_marks(content_of(issue, list_), Variant.READER, sender.house, sender.language)
    mail = segments(sender, list_, issue_id, once, newsroom.world.now).stuffed()
    began = time.perf_counter()
    for number in range(5000):
        raw = mail.join(
            values(sender, number=number, address="reader-0001@readers.example", signup_id="sgn_1")
        )
    return (time.perf_counter() - began) / 5000 * 1e6, len(raw)


def main(recipients: int) -> None:
    """Measure and print the figures."""
    with ExitStack() as ends:
        databases = ends.enter_context(open_databases(prepare, adopt))
        url = ends.enter_context(databases.fresh())
        port = ends.enter_context(relay())
        newsroom = Newsroom(
            ends.enter_context(World(url, smtp_url=f"smtp://127.0.0.1:{port}", newsletter_connections=8))
        )
        newsroom.people(recipients)
        issue_id = newsroom.draft(source=SOURCE + PROSE)
        slow = naive(newsroom, issue_id, port, min(recipients, 300))
        newsroom.schedule(issue_id)
        fast = ours(newsroom, issue_id, recipients)
        micros, size = joined(newsroom, issue_id)
    sys.stdout.write(
        f"{size} bytes a mail\n"
        f"naive, one mail made for each: {slow:8.0f} a second\n"
        f"segments, ledger, journal:     {fast:8.0f} a second ({fast / slow:.0f} times)\n"
        f"joining one mail:              {micros:8.0f} microseconds\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
