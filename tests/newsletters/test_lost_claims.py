"""The database restarts while a sender works: its process lives, so no other may read its journal."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from billing.newsletters.claim import BATCH
from billing.newsletters.models import IssueState
from billing.newsletters.recover import PATIENCE, recover
from billing.timetable import Queue, tick
from tests.support.lost_claims import another_worker, lose_claims
from tests.support.newsroom import Newsroom


def test_a_sender_whose_claims_are_lost_and_another_send_nothing_twice(newsroom: Newsroom) -> None:
    world, people = newsroom.world, newsroom.people(12)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)

    found: list[dict[str, int]] = []

    def the_database_restarts() -> None:
        lose_claims(world.services.database)
        tick(another_worker(world), queue=Queue.LONG)
        found.append(newsroom.counts(issue_id))

    world.smtp.meanwhile(the_database_restarts, at="dot")
    tick(world.services, queue=Queue.LONG)
    tick(world.services, queue=Queue.LONG)
    assert found == [{"sending": 12}], "they are in living hands"
    assert Counter(mail.recipients[0] for mail in newsroom.arrived()) == dict.fromkeys(people, 1)
    assert newsroom.counts(issue_id) == {"sent": 12}
    assert newsroom.issue(issue_id).state is IssueState.SENT
    assert world.rows("SELECT 1 FROM sending_run") == []
    assert not list(world.services.newsletter_sender.send_logs.glob("*.journal"))


def test_a_sender_on_another_machine_is_given_time_from_its_last_batch_on(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    world, (first, *_, last) = newsroom.world, newsroom.people(BATCH + 1)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    elsewhere = replace(world.services.newsletter_sender, send_logs=tmp_path)

    found: list[dict[str, int]] = []

    def the_database_restarts() -> None:
        lose_claims(world.services.database)
        recover(elsewhere, world.now)
        found.append(newsroom.counts(issue_id))

    world.smtp.meanwhile(lambda: world.skip_to(world.now + PATIENCE), at="dot", to=first)
    world.smtp.meanwhile(the_database_restarts, at="dot", to=last)
    tick(world.services, queue=Queue.LONG)
    assert found == [{"sent": BATCH, "sending": 1}]
    assert newsroom.counts(issue_id) == {"sent": BATCH + 1}
