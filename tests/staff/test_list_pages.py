"""Lists by pages, and the filters that members save for each other."""

import html
import re

import pytest
import sqlalchemy as sa
from sqlmodel import col

from billing.platform.actors import WORKER
from billing.staff.lists import subscriber_rows
from billing.staff.lists.listing import page, stream
from billing.staff.lists.readers import ReaderFilter
from billing.staff.lists.subscriptions import NEXT_CHARGE, SubscriptionStanding, standing_of, stands
from billing.subscriptions.models import GOES_ON, Subscription
from billing.subscriptions.schedule import next_charge
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

MANY = 1203


@pytest.fixture
def crowd(world: World) -> World:
    """1 203 readers; those of a hundred came in the same instant."""
    world.execute(
        "INSERT INTO reader (id, email, created_at) SELECT 'rdr_' || lpad(n::text, 6, '0'), n || '@example.com',"
        " CAST(:at AS timestamptz) - (n / 100) * interval '1 hour' FROM generate_series(1, 1203) n",
        at=world.now,
    )
    return world


def shown(browser: Browser) -> list[str]:
    return re.findall(r"(\d+)@example\.com</a>", browser.page.text)


def link(browser: Browser, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', browser.page.text)
    return found[1].replace("&amp;", "&") if found else None


@pytest.mark.parametrize("query", ["", "since_from=2027-02-01"])
def test_pages_hold_every_row_once_and_lead_both_ways(query: str, crowd: World, staff: SignIn) -> None:
    support = staff("support")
    support.get(f"/staff/readers?{query}")
    assert "more than 1 000" in support.page.words.replace("\u00a0", " ")
    assert link(support, "prev") is None
    pages = [shown(support)]
    while (following := link(support, "next")) is not None:
        support.get(following)
        pages.append(shown(support))
    assert sorted(map(int, (one for each in pages for one in each))) == list(range(1, MANY + 1))
    assert {len(each) for each in pages[:-1]} == {50}
    for earlier in reversed(pages[:-1]):
        before = link(support, "prev")
        assert before is not None
        support.get(before)
        assert shown(support) == earlier
    assert link(support, "prev") is None


@pytest.mark.parametrize("key", ["x", "~", "2027~x", "9999-12-31T00:00:00+00:00~rdr_1", "2027-03-01T00:00~r"])
def test_a_key_that_names_no_place_shows_the_first_page(key: str, crowd: World, staff: SignIn) -> None:
    support = staff("support")
    first = shown_at(support, "since_from=2027-02-01")
    assert shown_at(support, f"since_from=2027-02-01&behind={key}") == first
    assert staff("finance").get(f"/staff/invoices?kind=credit_notes&behind={key}").status == 200


def shown_at(browser: Browser, query: str) -> list[str]:
    assert browser.get(f"/staff/readers?{query}").status == 200
    return shown(browser)


def test_readers_who_never_subscribed_are_counted_on_a_last_page_alone(crowd: World, staff: SignIn) -> None:
    support = staff("support")
    assert "more than 50" in support.get("/staff/readers?state=free").words
    assert "more than" not in support.get("/staff/readers?state=free&since_through=2027-02-27").words


def test_a_file_is_read_bit_by_bit(crowd: World) -> None:
    services = crowd.services
    with services.database.begin(services.site, crowd.now, WORKER) as ctx:
        listing = subscriber_rows.of_readers(ctx, ReaderFilter())
        rows = stream(ctx.session, listing)
        first = next(rows)
        assert first.email == "1203@example.com"
        assert sum(1 for _ in rows) == MANY - 1
        shown_first = page(ctx.session, listing)
        assert (shown_first.count, shown_first.least) == (None, 1000)


@pytest.mark.usefixtures("owing")
def test_the_next_charge_and_the_state_are_the_same_in_sql(world: World) -> None:
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        rows = ctx.session.execute(
            sa.select(Subscription, NEXT_CHARGE).where(sa.literal_column(GOES_ON, sa.Boolean()))
        ).all()
        assert rows
        for subscription, on in rows:
            charge = next_charge(subscription, ctx.zone)
            assert on == (charge.on if charge else None)
        for subscription in ctx.session.execute(sa.select(Subscription)).scalars():
            fits = {
                standing
                for standing in SubscriptionStanding
                if ctx.session.execute(
                    sa.select(col(Subscription.id)).where(
                        col(Subscription.id) == subscription.id, stands(standing)
                    )
                ).all()
            }
            assert fits == {standing_of(subscription)}


def test_a_filter_is_saved_for_colleagues_changed_and_deleted(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    support, finance = staff("support"), staff("finance")
    support.get("/staff/subscriptions?state=trial&due_through=2027-03-31")
    page = support.post("/staff/lists/subscriptions/save", name=" Trials  of March ")
    assert "Saved." in page.text
    assert "state=trial" in str(page.response.url)
    address = re.search(r'href="([^"]+)"[^>]*>Trials of March</a>', finance.get("/staff/subscriptions").text)
    assert address is not None
    page = finance.get(address[1].replace("&amp;", "&"))
    assert (in_trial.email in page.text, "state: in the free trial" in page.words) == (True, True)
    changed = page.response.url.raw_path.decode().replace("state=trial", "state=paid")
    finance.get(changed)
    finance.post("/staff/lists/subscriptions/save", name="Paid in March")
    (row,) = world.rows("SELECT * FROM saved_filter")
    assert (row["name"], row["query"]) == (
        "Paid in March",
        {"state": "paid", "due_through": "2027-03-31"},
    )
    page = finance.post("/staff/lists/subscriptions/delete")
    assert "The saved filter is deleted" in page.text
    assert world.rows("SELECT * FROM saved_filter") == []
    acts = world.rows("SELECT act FROM audit_line WHERE act LIKE '%filter' ORDER BY id")
    assert [line["act"] for line in acts] == ["save_filter", "change_filter", "delete_filter"]


def test_a_name_that_does_not_do_loses_nothing(world: World, staff: SignIn) -> None:
    support = staff("support")
    asked = "/staff/subscriptions?state=trial"
    support.get(asked)
    support.post("/staff/lists/subscriptions/save", name="Trials")
    for name, status, sentence in (
        ("trials", 409, "A filter of this list has that name already."),
        ("pieter@example.com", 422, "without a mail address"),
        ("  ", 422, "Give the filter a name"),
    ):
        support.get(asked)
        page = support.post("/staff/lists/subscriptions/save", name=name)
        assert (page.status, sentence in page.words) == (status, True), name
        assert f'value="{name}"' in page.text
        assert "state: in the free trial" in page.words
    assert len(world.rows("SELECT * FROM saved_filter")) == 1


def test_a_filter_that_a_colleague_deleted_is_saved_as_another(world: World, staff: SignIn) -> None:
    support = staff("support")
    support.get("/staff/readers?bounced=yes")
    page = support.post("/staff/lists/readers/save", name="Bounces")
    world.execute("DELETE FROM saved_filter")
    page = support.post("/staff/lists/readers/save", name="Bounces")
    assert (page.status, "A colleague may have deleted it" in page.words) == (404, True)
    support.post("/staff/lists/readers/save", name="Bounces")
    assert len(world.rows("SELECT * FROM saved_filter")) == 1


def test_the_ready_filters_are_one_click(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    world.advance(days=14)
    finance = staff("finance")
    found = {}
    for of in ("readers", "subscriptions", "payments", "refunds", "invoices"):
        ready = finance.get(f"/staff/{of}").text.partition("Ready filters")[2].partition("</ul>")[0]
        for address, name in re.findall(r'href="([^"]+)"[^>]*>([^<]+)</a>', ready):
            page = finance.get(html.unescape(address))
            assert (page.status, 'aria-current="true"' in page.text) == (200, True), name
            found[f"{of}: {name}"] = in_trial.email in page.text
    assert [name for name, fits in found.items() if fits] == ["subscriptions: Trials ending this week"]
