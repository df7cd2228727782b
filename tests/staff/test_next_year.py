"""What is next for a reader, side by side, equals what then happens."""

import re
from datetime import date

import pytest

from billing.platform.actors import Command
from billing.staff.next_year import Prospect, prospects
from tests.support.browser import Browser
from tests.support.plans import whole_tables_read
from tests.support.starting_points import Subscriber
from tests.support.world import World

SLUGS = ("", "cancel?when=now", "pause", "extend")


def ways(world: World, reader_id: str, *, months: int = 1, days: int = 14) -> dict[str, Prospect]:
    """The four ways, by the page of their act."""
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        found = prospects(ctx, reader_id, months=months, days=days)
    return dict(zip(SLUGS, found, strict=True))


def days_of(way: Prospect) -> list[tuple[date, int]]:
    return [(charge.on, charge.amount.amount) for charge in way.charges]


def cancelling(world: World) -> dict[str, str]:
    """The fields of a cancellation that counts from now, and ends reading now."""
    at = world.now.astimezone(world.services.site.zone)
    return {"asked": f"{at:%Y-%m-%dT%H:%M:%S}", "when": "now"}


def do(support: Browser, address: str, **fields: str) -> None:
    """Look at the act, then do it."""
    page = support.get(address)
    shown = support.post(page.path, step="preview", **fields) if fields else page
    assert shown.status == 200, shown.words
    support.post(page.path, reason="asked", step="confirm", **fields)
    assert support.page.path.count("/") == 3, support.page.words


def test_four_ways_stand_side_by_side(world: World, paid: Subscriber, support: Browser) -> None:
    page = support.get(f"/staff/readers/{paid.reader_id}/next")
    titles = re.findall(r'<h2 id="way-\d">([^<]+)</h2>', page.text)
    assert titles == ["As it is", "Cancelled now", "Paused for one month", "14 days more"]
    assert page.text.count("R75.00") >= 12
    assert "Nothing is charged." in page.words
    assert f'href="/staff/readers/{paid.reader_id}/cancel?when=now"' in page.text
    assert (
        f'href="/staff/readers/{paid.reader_id}/next"' in support.get(f"/staff/readers/{paid.reader_id}").text
    )
    before = world.rows("SELECT * FROM subscription"), world.rows("SELECT * FROM subscription_change")
    support.get(f"/staff/readers/{paid.reader_id}/next?months=3&days=31")
    assert "Paused for 3 months" in support.page.words
    assert f'href="/staff/readers/{paid.reader_id}/pause?months=3"' in support.page.text, (
        "as it was looked at"
    )
    assert 'value="31"' in support.get(f"/staff/readers/{paid.reader_id}/extend?days=31").text
    support.get(f"/staff/readers/{paid.reader_id}/next?months=3&days=31")
    assert (
        world.rows("SELECT * FROM subscription"),
        world.rows("SELECT * FROM subscription_change"),
    ) == before
    assert support.get(f"/staff/readers/{paid.reader_id}/next?days=soon").status == 422
    assert 'value="soon"' in support.page.text
    assert support.get(f"/staff/readers/{paid.reader_id}/next?months=99").status == 422


@pytest.mark.parametrize("slug", ["cancel?when=now", "pause", "extend"])
def test_what_is_foreseen_is_what_the_act_leads_to(
    slug: str, world: World, paid: Subscriber, support: Browser
) -> None:
    expected = days_of(ways(world, paid.reader_id)[slug])
    as_it_was = days_of(ways(world, paid.reader_id)[""])
    fields = {"pause": {"months": "1"}, "extend": {"days": "14"}}.get(slug, cancelling(world))
    do(support, f"/staff/readers/{paid.reader_id}/{slug}", **fields)
    now = days_of(ways(world, paid.reader_id)[""])
    assert now == expected
    assert now != as_it_was


def test_the_extension_of_a_trial_is_foreseen(world: World, in_trial: Subscriber, support: Browser) -> None:
    found = ways(world, in_trial.reader_id)
    assert found["pause"].refusal is not None
    do(support, f"/staff/readers/{in_trial.reader_id}/extend", days="14")
    assert days_of(ways(world, in_trial.reader_id)[""]) == days_of(found["extend"])


def test_what_comes_next_is_what_was_foreseen(world: World, paid: Subscriber) -> None:
    """For a reader who does nothing: each charge on its day, at its amount."""
    expected = days_of(ways(world, paid.reader_id)[""])[:2]
    zone = world.services.site.zone
    world.advance(days=62)
    made = world.rows("SELECT amount, paid_at FROM payment ORDER BY paid_at OFFSET 1")
    assert [(row["paid_at"].astimezone(zone).date(), row["amount"]) for row in made] == expected


def test_what_goes_back_at_once_is_said(world: World, paid: Subscriber, support: Browser) -> None:
    """The act's own words stand there, and why one can't be done."""
    owing = ways(world, paid.reader_id)["cancel?when=now"]
    assert "Reading ends now. A mail confirms it." in owing.words
    do(support, f"/staff/readers/{paid.reader_id}/cancel?when=now", **cancelling(world))
    page = support.get(f"/staff/readers/{paid.reader_id}/next")
    assert page.words.count("Can’t be done now:") >= 2


def test_a_reader_without_a_subscription_has_nothing_next(world: World, support: Browser) -> None:
    world.browser().sign_in("registered@example.com")
    reader = world.rows("SELECT id FROM reader WHERE email = 'registered@example.com'")[0]["id"]
    page = support.get(f"/staff/readers/{reader}/next")
    assert page.status == 200
    assert "Nothing is charged." in page.words
    assert support.get("/staff/readers/rdr_none/next").status == 404


def test_an_index_serves_it(world: World, paid: Subscriber, support: Browser) -> None:
    page = f"/staff/readers/{paid.reader_id}/next"
    assert whole_tables_read(world.services.database, lambda: support.get(page)) == []
