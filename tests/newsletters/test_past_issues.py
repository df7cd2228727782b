"""Past issues: their counts stay for good, and their recipients leave by the month, never uncounted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from billing.mail.bounces import envelope_sender
from billing.newsletters import issues
from billing.newsletters.bounces import ReportOutcome
from billing.newsletters.claim import DeliveryResult, claim, record_results
from billing.newsletters.count_past import TOO_OLD, count_past
from billing.newsletters.models import DeliveryState, Issue, IssueState
from billing.newsletters.progress import FINAL_AFTER
from billing.newsletters.start import start_due
from billing.platform import partitions, retention
from billing.platform.actors import WORKER
from billing.platform.partitions import DELIVERIES
from tests.support.bounce_reports import arf, dsn
from tests.support.browser import Browser
from tests.support.newsroom import BY, EDITOR, Newsroom
from tests.support.staff_members import add, sign_in
from tests.support.world import World

MARCH = datetime(2027, 3, 1, tzinfo=UTC)
GONE = 987
"""A worker that is dead."""
FINAL = "These are the final counts."
DROPPED = MARCH + DELIVERIES.keep
WHERE = "SELECT DISTINCT tableoid::regclass::text AS name FROM delivery ORDER BY 1"


@pytest.fixture
def own_newsroom(own_world: World) -> Newsroom:
    """In a database of its own: which partition a row is in depends on what ran before."""
    return Newsroom(own_world)


def work_at(newsroom: Newsroom, at: datetime) -> None:
    """Nobody works until then."""
    newsroom.world.skip_to(at)
    newsroom.world.settle()


def final_day(newsroom: Newsroom) -> datetime:
    return newsroom.world.now + FINAL_AFTER


def count_now(newsroom: Newsroom) -> int:
    services = newsroom.world.services
    return count_past(services.database, services.site, newsroom.world.now)


def started(newsroom: Newsroom, people: int = 3) -> str:
    """An issue whose recipients are frozen, in the default partition, and which nobody sends."""
    newsroom.people(people)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    start_due(newsroom.world.services.newsletter_sender, newsroom.world.now)
    return issue_id


def partitions_of_deliveries(newsroom: Newsroom) -> list[str]:
    return [row["name"] for row in newsroom.world.rows(WHERE)]


def shown(editor: Browser, issue_id: str) -> str:
    return editor.get(f"/staff/newsletters/{issue_id}").words


def numbers(words: str) -> str:
    """What the page says of recipients, without whether it is final."""
    return words.partition("Recipients How many")[2].partition("All of them")[0]


def test_its_counts_stay_on_the_page_when_its_recipients_are_dropped(own_newsroom: Newsroom) -> None:
    newsroom, world = own_newsroom, own_newsroom.world
    people = newsroom.people(5)
    world.smtp.refuse(550, "5.1.1 no such user", to=people[0])
    world.smtp.drop("after-dot", times=1)
    issue_id = newsroom.send()
    counted = {"sent": 3, "uncertain": 1, "bounced": 1}
    assert newsroom.counts(issue_id) == counted
    assert partitions_of_deliveries(newsroom) == ["delivery_2027_03"]
    add(world, "editor", EDITOR)
    first = shown(sign_in(world, EDITOR), issue_id)
    assert FINAL not in first
    assert "Send to these 1" in first

    work_at(newsroom, final_day(newsroom) - timedelta(seconds=1))
    assert not newsroom.progress(issue_id).is_final
    work_at(newsroom, world.now + timedelta(seconds=1))
    assert newsroom.progress(issue_id).is_final
    kept = shown(sign_in(world, EDITOR), issue_id)
    assert FINAL in kept
    assert "too old to be sent again" in kept
    assert "Send to these" not in kept

    work_at(newsroom, DROPPED - timedelta(seconds=1))
    assert partitions_of_deliveries(newsroom) == ["delivery_2027_03"]
    work_at(newsroom, DROPPED)
    assert world.rows("SELECT 1 FROM delivery") == []
    assert world.rows("SELECT to_regclass('delivery_2027_03') AS name") == [{"name": None}]
    assert newsroom.counts(issue_id) == counted
    last = shown(sign_in(world, EDITOR), issue_id)
    assert numbers(last) == numbers(kept) == numbers(first) != ""
    assert "1 held" in last
    assert FINAL in last


def test_an_uncounted_issue_is_never_dropped(own_newsroom: Newsroom) -> None:
    newsroom, database = own_newsroom, own_newsroom.world.services.database
    partitions.keep_up(database, newsroom.world.now)
    newsroom.people(3)
    waits = newsroom.send()
    newsroom.world.execute(
        "UPDATE issue SET counts = :counts WHERE id = :id",
        counts='{"states": {"sent": 3}, "skipped": {}, "variants": {"reader": 3}}',
        id=newsroom.send(),
    )
    before = newsroom.world.rows("SELECT * FROM delivery WHERE issue_id = :id ORDER BY number", id=waits)
    newsroom.world.skip_to(DROPPED + timedelta(days=1))
    assert partitions.keep_up(database, newsroom.world.now)
    assert newsroom.world.rows("SELECT * FROM delivery ORDER BY number") == before, "all of it, and no other"
    assert partitions_of_deliveries(newsroom) == [DELIVERIES.default]
    retention.delete_expired(database, newsroom.world.now)
    assert newsroom.counts(waits) == {"sent": 3}
    assert count_now(newsroom) == 1
    retention.delete_expired(database, newsroom.world.now)
    assert newsroom.world.rows("SELECT 1 FROM delivery") == []
    assert newsroom.counts(waits) == {"sent": 3}


def test_what_has_no_month_is_deleted_at_its_age(own_newsroom: Newsroom) -> None:
    newsroom = own_newsroom
    issue_id = started(newsroom)
    begun_at = newsroom.world.now
    work_at(newsroom, begun_at)
    assert newsroom.counts(issue_id) == {"sent": 3}
    assert partitions_of_deliveries(newsroom) == [DELIVERIES.default], "no partition is made beside its rows"
    work_at(newsroom, begun_at + DELIVERIES.keep)
    assert partitions_of_deliveries(newsroom) == [DELIVERIES.default]
    work_at(newsroom, begun_at + DELIVERIES.keep + timedelta(days=1))
    assert partitions_of_deliveries(newsroom) == []
    assert newsroom.counts(issue_id) == {"sent": 3}


def test_a_worker_away_for_months_sends_no_old_news(newsroom: Newsroom, editor: Browser) -> None:
    issue_id = started(newsroom)
    work_at(newsroom, newsroom.world.now + timedelta(days=120))
    assert newsroom.arrived() == []
    assert newsroom.world.rows("SELECT 1 FROM delivery") == []
    found = newsroom.issue(issue_id)
    assert (found.state, found.held_reason) == (IssueState.STOPPED, TOO_OLD)
    assert newsroom.counts(issue_id) == {"skipped": 3}
    assert newsroom.progress(issue_id).skipped == {"stopped": 3}
    page = shown(sign_in(newsroom.world, EDITOR), issue_id)
    assert TOO_OLD in page
    assert "3 it was stopped before their turn" in page
    assert FINAL in page


def test_what_a_lost_worker_has_claimed_counts_as_uncertain(newsroom: Newsroom) -> None:
    services = newsroom.world.services
    newsroom.people(2)
    issue_id = started(newsroom, 4)
    issue = newsroom.issue(issue_id)
    assert issue.started_at is not None
    newsroom.world.execute("UPDATE delivery SET next_attempt_at = :far WHERE number % 2 = 0", far=DROPPED)
    with services.database.begin(services.site, newsroom.world.now, WORKER) as ctx:
        taken, _ = claim(ctx, issue, GONE)
    newsroom.world.skip_to(final_day(newsroom))
    assert count_now(newsroom) == 1
    final = {"uncertain": 2, "skipped": 2}
    assert newsroom.counts(issue_id) == final
    sent = [
        DeliveryResult(to.number, DeliveryState.SENT, 1, newsroom.world.now, "250 OK", newsroom.world.now)
        for to in taken
    ]
    with services.database.begin(services.site, newsroom.world.now, WORKER) as ctx:
        record_results(ctx, GONE, issue.started_at, sent)
    rows = newsroom.world.rows("SELECT state, count(*) AS n FROM delivery GROUP BY 1")
    assert {row["state"]: row["n"] for row in rows} == final, "rows and counts agree"
    for act in (issues.send_held, issues.resume, issues.stop):
        with (
            pytest.raises(issues.NotNow),
            services.database.begin(services.site, newsroom.world.now, BY) as ctx,
        ):
            act(ctx, issue_id)


def test_a_held_delivery_of_a_sent_issue_stays_held(newsroom: Newsroom) -> None:
    newsroom.people(2)
    newsroom.world.smtp.drop("after-dot", times=1)
    issue_id = newsroom.send()
    newsroom.world.skip_to(final_day(newsroom))
    assert count_now(newsroom) == 1
    assert newsroom.issue(issue_id).state is IssueState.SENT
    assert newsroom.counts(issue_id) == {"sent": 1, "uncertain": 1}
    services = newsroom.world.services
    with pytest.raises(issues.NotNow), services.database.begin(services.site, newsroom.world.now, BY) as ctx:
        issues.send_held(ctx, issue_id)


def test_a_report_in_time_is_among_the_final_counts(newsroom: Newsroom) -> None:
    mail, _other = newsroom.send_to(2)
    (issue_id,) = (row["id"] for row in newsroom.world.rows("SELECT id FROM issue"))
    work_at(newsroom, final_day(newsroom) - timedelta(days=1, seconds=1))
    assert newsroom.take(dsn(mail.sender)) is ReportOutcome.NEW
    work_at(newsroom, newsroom.world.now + timedelta(days=1, seconds=1))
    assert newsroom.progress(issue_id).is_final
    assert newsroom.counts(issue_id) == {"sent": 1, "bounced": 1}


def test_a_late_report_stops_newsletters_and_changes_no_number(newsroom: Newsroom) -> None:
    bounced, complained = newsroom.send_to(2)
    (issue_id,) = (row["id"] for row in newsroom.world.rows("SELECT id FROM issue"))
    # a day before it is counted, so that no clock that is late brings both together
    newsroom.world.skip_to(final_day(newsroom) - timedelta(days=1))
    assert newsroom.take(dsn(bounced.sender)) is ReportOutcome.LATE
    assert newsroom.take(dsn(bounced.sender)) is ReportOutcome.KNOWN
    assert newsroom.counts(issue_id) == {"sent": 2}
    work_at(newsroom, newsroom.world.now + timedelta(days=1))
    assert newsroom.take(arf(complained.raw)) is ReportOutcome.LATE
    assert newsroom.suppressions() == [("newsletters", "complaint"), ("newsletters", "hard_bounce")]
    assert {
        row["state"]
        for row in newsroom.world.rows(
            "SELECT state FROM signup WHERE address_key = :address", address=complained.recipients[0]
        )
    } == {"left"}
    assert newsroom.counts(issue_id) == {"sent": 2}
    assert newsroom.world.rows("SELECT DISTINCT state FROM delivery") == [{"state": "sent"}]
    newsroom.send()
    assert len(newsroom.arrived()) == 2


def test_a_report_about_a_dropped_delivery_is_said_to_be_too_late(newsroom: Newsroom) -> None:
    mail, _other = newsroom.send_to(2)
    (issue_id,) = (row["id"] for row in newsroom.world.rows("SELECT id FROM issue"))
    work_at(newsroom, newsroom.world.now + timedelta(days=120))
    assert newsroom.world.rows("SELECT 1 FROM delivery") == []
    assert newsroom.take(dsn(mail.sender)) is ReportOutcome.GONE
    assert newsroom.take(arf(mail.raw)) is ReportOutcome.GONE
    never = envelope_sender(newsroom.world.services.site.tokens, 2**40, "b.example")
    assert newsroom.take(dsn(never)) is ReportOutcome.UNKNOWN
    assert newsroom.suppressions() == []
    assert newsroom.world.rows("SELECT 1 FROM bounce_record") == []
    assert newsroom.counts(issue_id) == {"sent": 2}


def test_no_program_deletes_what_is_not_counted_nor_changes_what_is(newsroom: Newsroom) -> None:
    newsroom.people(2)
    counted, open_ = newsroom.send(), newsroom.send()
    newsroom.world.execute("UPDATE issue SET counts = '{}' WHERE id = :id", id=counted)
    for statement in (
        "UPDATE issue SET counts = NULL WHERE id = :id",
        "UPDATE issue SET counts = '{\"states\": {}}' WHERE id = :id",
        "UPDATE issue SET state = 'stopped' WHERE id = :id",
        "DELETE FROM delivery WHERE issue_id <> :id",
    ):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            newsroom.world.execute(statement, id=counted)
    newsroom.world.execute("DELETE FROM delivery WHERE issue_id = :id", id=counted)
    assert newsroom.counts(open_) == {"sent": 2}


def test_two_workers_count_each_issue_once(newsroom: Newsroom) -> None:
    newsroom.people(3)
    for _ in range(6):
        newsroom.send()
    newsroom.world.skip_to(final_day(newsroom))
    with ThreadPoolExecutor(2) as workers:
        done = sum(workers.map(count_now, [newsroom] * 2))
    assert done == 6
    assert newsroom.world.rows("SELECT DISTINCT counts -> 'states' AS states FROM issue") == [
        {"states": {"sent": 3}}
    ]
    assert count_now(newsroom) == 0


def test_no_worker_waits_for_an_issue_that_another_has_locked(newsroom: Newsroom) -> None:
    newsroom.people(1)
    newsroom.send()
    newsroom.world.skip_to(final_day(newsroom))
    with newsroom.world.services.database.transaction() as session:
        session.exec(select(Issue).with_for_update()).one()
        assert count_now(newsroom) == 0
    assert count_now(newsroom) == 1


def test_sending_looks_into_one_partition(own_newsroom: Newsroom) -> None:
    newsroom, services = own_newsroom, own_newsroom.world.services
    partitions.keep_up(services.database, newsroom.world.now)
    issue_id = started(newsroom)
    issue = newsroom.issue(issue_id)
    assert issue.started_at is not None
    locked = sa.text(
        "SELECT DISTINCT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid()"
        " AND relation::regclass::text ~ '^delivery_([0-9]{4}_[0-9]{2}|default)$'"
    )
    with services.database.begin(services.site, newsroom.world.now, WORKER) as ctx:
        taken, _ = claim(ctx, issue, GONE)
        assert len(taken) == 3
        record_results(
            ctx,
            GONE,
            issue.started_at,
            [DeliveryResult(to.number, DeliveryState.SENT, 1, ctx.at, "250 OK", ctx.at) for to in taken],
        )
        assert ctx.session.scalars(locked).all() == ["delivery_2027_03"]
    assert newsroom.counts(issue_id) == {"sent": 3}
