"""The numbers of what led to subscriptions count starts and their payments, and agree with the ledger."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from billing.reports.article_starts import ArticleStarts, of_articles, sold_since
from billing.reports.numbers import days, origins
from billing.reports.numbers.shape import NumbersPeriod, NumbersQuestion, Section
from tests.support.erasures import ask_for
from tests.support.newsroom import Newsroom
from tests.support.plans import add_many, plan_of
from tests.support.starting_points import fast_forward
from tests.support.world import World, local

WATER, BRIDGE = "the-water-nobody-counted", "the-bridge-that-waited"
MARCH = NumbersPeriod(date(2027, 3, 1), date(2027, 3, 31))
APRIL = NumbersPeriod(date(2027, 4, 1), date(2027, 5, 1))
"""As long as March, so March is the period before it."""
LEDGER = """
    SELECT sum(e.amount) AS cents FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
    WHERE t.kind IN ('payment', 'refund') AND e.account = 'gateway'"""


def counted(world: World, period: NumbersPeriod = MARCH) -> Section:
    with world.services.database.transaction() as session:
        return origins.origins(NumbersQuestion(session, world.services.site, period, world.now))


def figures(section: Section) -> dict[str, tuple[int | None, int | None]]:
    return {figure.key.removeprefix("origin-"): (figure.value, figure.before) for figure in section.figures}


def rows(section: Section, by: str) -> list[tuple[object, ...]]:
    table = next(table for table in section.tables if table.key == f"origins-by-{by}")
    assert all(len(row) == len(table.columns) for row in table.rows)
    return list(table.rows)


def the_season(world: World) -> str:
    """The season, lived once; the issue's id."""
    return world.once("a season of origins", lambda: live(world))


def evening_of_the_second_charge(world: World) -> None:
    """The season, and on to the evening of the months' second charge, 16 April."""
    the_season(world)
    (charged,) = world.rows(
        "SELECT period_end_on AS day FROM subscription WHERE plan_id = 'monthly' AND period_number = 1 LIMIT 1"
    )
    day = charged["day"]
    fast_forward(world, local(day.year, day.month, day.day, 20))


def live(world: World) -> str:
    """Four starts: two from the water article, of which one pays and one cancels; one from a newsletter's article; one from nowhere.
    The issue's id."""
    newsroom = Newsroom(world)
    newsroom.people(1)
    issue = newsroom.send()
    world.settle()
    world.start_trial("thandi@example.com", "pm_card_visa__1", article=WATER)
    left = world.start_trial("pieter@example.com", "pm_card_visa__2", article=WATER)
    world.start_trial("sipho@example.com", "pm_card_visa__3", article=BRIDGE, issue=issue, plan="yearly")
    world.start_trial("nobody@example.com", "pm_card_visa__4")
    world.api.post(f"/v1/subscriptions/{left['subscription']['id']}/cancel").raise_for_status()
    world.advance_to(local(2027, 4, 1, 9))
    return issue


def test_starts_are_counted_by_article_section_and_newsletter(world: World) -> None:
    issue = the_season(world)
    found = counted(world)
    assert figures(found) == {
        "trials": (3, 0),
        "paid-starts": (0, 0),
        "paying": (2, 0),
        "conversion": (6667, None),
        "paid": (7500 + 75000, 0),
    }
    section = {row["id"]: row["section"] for row in world.rows("SELECT id, section FROM article")}
    water, bridge = rows(found, "article")
    assert water[1:] == (WATER, section[WATER], 2, 0, 1, 7500)
    assert bridge[1:] == (BRIDGE, section[BRIDGE], 1, 0, 1, 75000)
    assert {row[0] for row in rows(found, "section")} == {section[WATER], section[BRIDGE]}
    ((_, newsletter, by, *counts),) = rows(found, "newsletter")
    assert (newsletter, by, counts) == ("First Light", issue, [1, 0, 1, 75000])
    april = counted(world, APRIL)
    assert figures(april)["trials"] == (0, 3)
    of_march = {key: now for key, (now, _) in figures(found).items()}
    assert {key: before for key, (_, before) in figures(april).items()} == of_march
    assert rows(april, "article") == []


def test_what_was_paid_agrees_with_the_ledger_also_after_a_refund(world: World) -> None:
    the_season(world)
    (other,) = world.rows(
        "SELECT p.amount FROM payment p JOIN reader r ON r.id = p.reader_id WHERE email LIKE 'nobody%'"
    )
    (ledger,) = world.rows(LEDGER)
    assert figures(counted(world))["paid"][0] == ledger["cents"] - other["amount"]
    (paid,) = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE email LIKE 'sipho%'"
    )
    world.api.post(
        f"/v1/subscriptions/{paid['id']}/cancel", json={"when": "early", "refund": "auto"}
    ).raise_for_status()
    world.settle()
    world.advance(days=1)
    (after,) = world.rows(LEDGER)
    assert after["cents"] < ledger["cents"]
    assert figures(counted(world))["paid"][0] == after["cents"] - other["amount"]


def kept(world: World) -> dict[str, int | None]:
    """By the reader's name: what is kept as paid by the start."""
    found = world.rows(
        "SELECT split_part(r.email, '@', 1) AS name, o.paid_cents FROM start_origin o JOIN reader r ON r.id = o.reader_id"
    )
    return {row["name"]: row["paid_cents"] for row in found}


def test_what_starts_have_paid_is_kept_by_night_and_summed_anew_until_then(world: World) -> None:
    evening_of_the_second_charge(world)
    first = {"thandi": 7500, "pieter": None, "sipho": 75000}
    assert kept(world) == first
    assert figures(counted(world))["paid"] == (2 * 7500 + 75000, 0)
    world.advance(days=1)
    assert kept(world) == first | {"thandi": 2 * 7500}
    as_kept = counted(world)
    world.execute("DELETE FROM number_day")
    world.execute("DELETE FROM number_mark")
    world.execute("UPDATE start_origin SET paid_cents = NULL")
    assert counted(world) == as_kept


def test_a_night_between_two_statements_makes_nothing_count_twice(world: World) -> None:
    evening_of_the_second_charge(world)
    services = world.services
    nights: list[int] = []

    def night(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM number_mark" in statement and not nights:
            nights.append(0)  # the night asks for the mark too
            nights.append(days.keep_due(services.database, services.site, world.now + timedelta(days=1)))

    sa.event.listen(services.database.engine, "after_cursor_execute", night)
    try:
        found = figures(counted(world))["paid"]
    finally:
        sa.event.remove(services.database.engine, "after_cursor_execute", night)
    assert nights == [0, 1]
    assert kept(world)["thandi"] == 2 * 7500
    assert found == (2 * 7500 + 75000, 0)


def test_a_refund_that_bounces_late_counts_at_once_and_is_kept(world: World) -> None:
    the_season(world)
    world.advance(days=1)
    (payment,) = world.rows("SELECT id, reader_id FROM payment WHERE amount = 75000")
    world.api.post(
        f"/v1/payments/{payment['id']}/refunds", json={"amount": 2500, "reason": "A day was missing"}
    ).raise_for_status()
    assert figures(counted(world))["paid"] == (7500 + 72500, 0)
    world.settle()
    world.advance(days=2)
    assert kept(world)["sipho"] == 72500
    world.execute("UPDATE refund SET state = 'failed', credit_note_number = NULL, settled_at = NULL")
    assert figures(counted(world))["paid"] == (7500 + 75000, 0)
    world.advance(days=1)
    assert kept(world)["sipho"] == 75000


def test_days_computed_anew_mend_what_is_kept_of_starts(world: World) -> None:
    evening_of_the_second_charge(world)
    world.advance(days=1)
    world.execute("UPDATE start_origin SET paid_cents = 1 WHERE paid_cents = 75000")
    wrong = figures(counted(world))["paid"][0]
    services = world.services
    days.keep_again(services.database, services.site, MARCH)
    right = figures(counted(world))["paid"][0]
    assert (wrong, right) == (1 + 2 * 7500, 75000 + 2 * 7500)


def test_an_erased_reader_stays_in_the_count_of_a_whole_month(world: World) -> None:
    the_season(world)
    (gone,) = world.rows("SELECT id FROM reader WHERE email LIKE 'pieter%'")
    ask_for(world, gone["id"])
    world.advance(days=2)
    assert world.rows("SELECT count(*) AS n FROM start_origin") == [{"n": 2}]
    assert figures(counted(world))["trials"] == (3, 0)
    assert figures(counted(world, APRIL))["trials"] == (0, 3)
    assert figures(counted(world, NumbersPeriod(date(2027, 3, 1), date(2027, 3, 30))))["trials"][0] == 2
    assert figures(counted(world, NumbersPeriod(date(2027, 3, 31), date(2027, 4, 29))))["trials"] == (0, 2)


def test_months_of_erased_readers_are_those_of_the_publishers_zone(world: World) -> None:
    world.advance_to(local(2027, 4, 1, 1))
    assert world.now == datetime(2027, 3, 31, 23, tzinfo=UTC)
    reader = world.start_trial("thandi@example.com", article=WATER)["reader"]["id"]
    before = figures(counted(world, APRIL))
    assert before["trials"] == (1, 0)
    ask_for(world, reader)
    world.advance(days=2)
    assert world.rows("SELECT month, trials FROM erased_origin") == [{"month": date(2027, 4, 1), "trials": 1}]
    assert figures(counted(world, APRIL)) == before


def test_an_articles_own_count_is_that_of_the_numbers_also_after_an_erasure(world: World) -> None:
    the_season(world)
    for erased in (False, True):
        if erased:
            (gone,) = world.rows("SELECT id FROM reader WHERE email LIKE 'pieter%'")
            ask_for(world, gone["id"])
            world.advance(days=2)
        with world.services.database.transaction() as session:
            found = of_articles(session, [WATER, BRIDGE, "nowhere"])
            latest = sold_since(session, local(2027, 3, 1, 0), 1)
        by_article = {row[1]: row[3:5] for row in rows(counted(world), "article")}
        assert {name: (led.trials, led.paid) for name, led in found.items()} == by_article
        assert [row.starts for row in latest] == [ArticleStarts(trials=1 if erased else 2)]


def test_more_articles_than_a_table_has_rows_are_summed_up(world: World) -> None:
    the_season(world)
    world.execute(
        "INSERT INTO erased_origin SELECT '2027-03-01', 'a-' || n, 'Town', '', 1, 0, 0 FROM generate_series(1, :n) n",
        n=origins.MOST_ROWS,
    )
    by_article = rows(counted(world), "article")
    assert len(by_article) == origins.MOST_ROWS + 1
    assert by_article[-1] == (origins.OTHERS, None, None, 2, 0, 0, 0)
    assert sum(int(str(row[3])) for row in by_article) == figures(counted(world))["trials"][0]


MANY_STARTS = {
    "start_origin": """INSERT INTO start_origin (subscription_id, reader_id, article_id, section, is_trial, at)
       SELECT 'sub_' || n, 'rdr_' || n, 'a-' || n, 'Town', true, :at + n * interval '1 hour' FROM generate_series(-10000, 10000) n""",
}
"""The starts of two years, one an hour."""


def test_indexes_serve_the_query(own_world: World) -> None:
    services, now = own_world.services, own_world.now
    with services.database.transaction() as session:
        add_many(session, MANY_STARTS, at=now)
        given = origins.asked(NumbersQuestion(session, services.site, MARCH, now))
        plan = plan_of(session, origins.STARTS, given)
    assert "Seq Scan" not in plan
    assert "ix_start_origin_at" in plan
