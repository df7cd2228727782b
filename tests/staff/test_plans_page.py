"""The staff page Plans: an admin adds a plan, prices and offers it, and changes the price of everyone, once asked."""

import re
from collections.abc import Callable

import pytest

from billing.dev import seed
from billing.rules.card_numbers import MASK
from tests.support.browser import Answer, Browser
from tests.support.cli import run_on
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

ROOM = "/staff/plans"
WHY = "the costs of paper"
QUARTERLY: dict[str, str | list[str]] = {
    "plan": "quarterly",
    "name": "Full access",
    "months": "3",
    "period": "quarter",
    "days": "21",
    "then": "",
    "opens": ["comment", "listen"],
    "reason": WHY,
}
DEARER = {"rand": "R 85,50", "first_day": "2027-07-01", "seen": "1", "reason": WHY}
Save = Callable[..., Answer]


@pytest.fixture
def admin(staff: SignIn) -> Browser:
    browser = staff("admin")
    browser.get(ROOM)
    return browser


def audited(world: World, act: str) -> list[dict[str, object]]:
    return world.rows(
        f"SELECT subject, reason, before, after FROM audit_line WHERE act = '{act}' ORDER BY id"
    )


def prices(world: World) -> list[tuple[object, ...]]:
    rows = world.rows("SELECT plan_id, amount, valid_from::text FROM price ORDER BY plan_id, valid_from")
    return [tuple(row.values()) for row in rows]


FIRST = [("monthly", 7500, "2020-01-01"), ("yearly", 75000, "2020-01-01")]


def test_the_page_says_what_is_sold(paid: Subscriber, admin: Browser) -> None:
    words = admin.get(ROOM).words
    assert (
        "monthly · 1 month paid at once · 14 days free first · opens reading, listening to articles · 1 live subscription"
        in words
    )
    assert "yearly · 12 months paid at once, then Full access" in words
    assert "R75.00 incl. VAT since 1 Jan 2020." in words


def test_a_plan_is_added_priced_and_offered(world: World, admin: Browser) -> None:
    assert "Saved." in admin.post(ROOM, **QUARTERLY).text
    assert "No price yet, so it can’t be offered." in admin.page.words
    early = admin.post(f"{ROOM}/quarterly/offer", to="everyone", place="3", reason=WHY)
    assert early.status == 409
    assert "This plan has no price yet" in early.words
    assert "every quarter" not in world.browser().get("/").words

    first = {"rand": "200", "first_day": "2027-03-01", "seen": "0"}
    assert "Saved." in admin.post(f"{ROOM}/quarterly/price", whom="new", **DEARER | first).text
    assert "Saved." in admin.post(f"{ROOM}/quarterly/offer", to="everyone", place="3", reason=WHY).text
    assert "R200.00 incl. VAT" in world.browser().get("/").words
    assert [line["subject"] for line in audited(world, "plan")] == ["quarterly"] * 2
    assert [line["after"] for line in audited(world, "price")] == [
        {"cents": 20000, "from": "2027-03-01", "for": "new readers"}
    ]


def test_a_plan_opens_other_features_at_once(world: World, admin: Browser) -> None:
    assert "Saved." in admin.post(f"{ROOM}/monthly/features", opens="comment", reason=WHY).text
    assert "opens reading, commenting on articles ·" in admin.page.words
    (line,) = audited(world, "plan")
    assert (line["before"], line["after"]) == ({"opens": ["listen"]}, {"opens": ["comment"]})


def ticked(page: Answer, action: str) -> list[str]:
    """The features that are ticked in a form."""
    form = page.text.partition(f'action="{action}"')[2].partition("</form>")[0]
    return re.findall(r'name="opens" value="([^"]+)" checked', form)


def test_features_are_ticked_by_their_words_and_stay_so_where_they_are_refused(
    world: World, admin: Browser
) -> None:
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    form = f"{ROOM}/monthly/features"
    page = admin.get(ROOM)
    assert ticked(page, form) == ["listen"]
    [inside] = world.rows("SELECT id, name FROM newsletter WHERE audience = 'subscribers'")
    [outside, *_] = world.rows("SELECT id FROM newsletter WHERE audience = 'everyone'")
    assert f"Listening to articles Commenting on articles The newsletter {inside['name']} Why?" in page.words
    assert f"newsletter:{outside['id']}" not in page.text, "everyone may have it"
    both = ["listen", f"newsletter:{inside['id']}"]
    refused = admin.post(form, opens=both, reason="")
    assert (refused.status, ticked(refused, form)) == (422, both)
    assert ticked(refused, ROOM) == [], "the form that adds a plan is as before"
    saved = admin.post(form, opens=both, reason=WHY)
    assert ticked(saved, form) == both
    none = admin.post(form, reason=WHY)
    assert ticked(none, form) == []
    assert audited(world, "plan")[-1]["after"] == {"opens": []}
    unmade = admin.post(ROOM, **QUARTERLY | {"reason": ""})
    assert sorted(ticked(unmade, ROOM)) == QUARTERLY["opens"]


def test_free_days_change_for_who_starts_from_now_on(world: World, admin: Browser) -> None:
    running = world.start_trial("thandi@example.com")["subscription"]["id"]
    before = world.subscription(running)
    assert "Saved." in admin.post(f"{ROOM}/monthly/trial", days="30", reason=WHY).text
    assert "30 days free first" in admin.page.words
    assert "30 days" in world.browser().get("/").words
    assert world.subscription(running) == before


def test_a_plan_that_is_offered_no_more_stays_with_its_reader(
    world: World, paid: Subscriber, admin: Browser
) -> None:
    assert "Saved." in admin.post(f"{ROOM}/monthly/offer", to="nobody", place="1", reason=WHY).text
    assert "offered to nobody" in admin.page.words
    assert world.rows("SELECT plan_id FROM subscription") == [{"plan_id": "monthly"}]


def test_the_price_of_new_readers_leaves_the_others_alone(world: World, admin: Browser) -> None:
    assert "Saved." in admin.post(f"{ROOM}/monthly/price", whom="new", **DEARER).text
    assert prices(world) == [FIRST[0], ("monthly", 8550, "2027-07-01"), FIRST[1]]
    assert "R85.50 incl. VAT from 1 Jul 2027, for new readers." in admin.page.words
    assert world.rows("SELECT id FROM price_change") == []


def test_the_price_of_everyone_is_asked_once_more(world: World, paid: Subscriber, admin: Browser) -> None:
    asked = admin.post(f"{ROOM}/monthly/price", whom="everyone", **DEARER)
    assert "R85.50 incl. VAT for everyone?" in asked.words
    assert "One subscription has this plan now" in asked.words
    assert "on Thursday 1 July 2027 or later" in asked.words
    assert prices(world) == FIRST, "nothing is done yet"
    assert audited(world, "price") == []

    sure = admin.post(f"{ROOM}/monthly/price", whom="everyone", sure="yes", **DEARER)
    assert "R85.50 incl. VAT from 1 Jul 2027, for everyone after their notice." in sure.words
    assert [line["after"] for line in audited(world, "price")] == [
        {"cents": 8550, "from": "2027-07-01", "for": "everyone"}
    ]
    assert len(world.rows("SELECT id FROM price_change WHERE actor_kind = 'staff'")) == 1


def test_a_price_given_meanwhile_is_looked_at_first(world: World, admin: Browser) -> None:
    admin.post(f"{ROOM}/monthly/price", whom="everyone", **DEARER)
    done = run_on(world, "prices", "add", "--cents", "8000", "--from", "2027-06-01", "--reason", "in between")
    assert done.exit_code == 0, done.output
    late = admin.post(f"{ROOM}/monthly/price", whom="everyone", sure="yes", **DEARER)
    assert late.status == 409
    assert "Somebody else has given the plan a price meanwhile" in late.words
    assert 'value="R 85,50"' in late.text
    assert prices(world) == [FIRST[0], ("monthly", 8000, "2027-06-01"), FIRST[1]]


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("", QUARTERLY | {"plan": "Quarter!"}, "lower-case letters, digits and hyphens"),
        ("", QUARTERLY | {"plan": "monthly"}, "There is a plan with this name already."),
        ("", QUARTERLY | {"months": "25"}, "Give a whole number from 1 to 24."),
        ("", QUARTERLY | {"days": "0"}, "Give a whole number from 1 to 90."),
        ("", QUARTERLY | {"then": "weekly"}, "There is no such plan."),
        ("", QUARTERLY | {"opens": "fly"}, "'fly' is no feature"),
        ("", QUARTERLY | {"name": " "}, "A plan has a name"),
        ("", QUARTERLY | {"reason": " "}, "Say why; the reason is kept"),
        ("/monthly/price", DEARER | {"rand": "lots"}, "rand and cents, as in 75.00"),
        ("/monthly/price", DEARER | {"rand": "0"}, "A price is from R0.01"),
        ("/monthly/price", DEARER | {"rand": "1000000"}, "A price is from R0.01"),
        ("/monthly/price", DEARER | {"first_day": "soon"}, "A day is written as"),
        ("/monthly/price", DEARER | {"first_day": "2027-02-28"}, "A price can begin today or later"),
        ("/monthly/price", DEARER | {"reason": ""}, "Say why; the reason is kept"),
        ("/yearly/price", DEARER | {"whom": "everyone"}, "A year keeps its price until it is over"),
        ("/monthly/offer", {"to": "friends", "place": "1", "reason": WHY}, "Choose whom it is offered to."),
        ("/monthly/offer", {"to": "staff", "place": "-1", "reason": WHY}, "from 0 to 1000"),
        ("/monthly/trial", {"days": "91", "reason": WHY}, "Give a whole number from 1 to 90."),
        ("/monthly/trial", {"days": "14", "reason": WHY}, "The plan has that many free days already."),
        ("/monthly/features", {"opens": "everything", "reason": WHY}, "'everything' is no feature"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost_or_changed(
    world: World, admin: Browser, path: str, fields: dict[str, str | list[str]], sentence: str
) -> None:
    page = admin.post(ROOM + path, **fields)
    assert page.status in (404, 409, 422)
    assert sentence in page.words
    typed = [
        value
        for name, value in fields.items()
        if name not in ("seen", "to", "then", "whom", "opens") and str(value).strip()
    ]
    assert all(f'value="{value}"' in page.text.replace("&#39;", "'") for value in typed)
    assert prices(world) == FIRST
    assert audited(world, "plan") == audited(world, "price") == []


def test_a_rate_of_vat_is_added_and_withdrawn(world: World, admin: Browser) -> None:
    assert "1 Apr 2018 15% today’s" in admin.page.words
    added = admin.post("/staff/vat", percent="15,5", first_day="2027-04-01", reason=WHY)
    assert "1 Apr 2027 15.5% to come" in added.words
    assert "Say why" in admin.post("/staff/vat/2027-04-01/withdraw", reason=" ").words
    withdrawn = admin.post("/staff/vat/2027-04-01/withdraw", reason="put off")
    assert "15.5%" not in withdrawn.words
    lines = audited(world, "add_vat_rate") + audited(world, "withdraw_vat_rate")
    assert [(line["subject"], line["reason"]) for line in lines] == [
        ("2027-04-01", WHY),
        ("2027-04-01", "put off"),
    ]


@pytest.mark.parametrize(
    ("percent", "first_day", "sentence"),
    [
        ("lots", "2027-04-01", "A rate is a percentage like 15 or 15.5"),
        ("15.5", "soon", "A day is written as"),
        ("15.5", "2027-03-01", "begins tomorrow or later"),
        ("15", "2027-04-01", "nothing would change"),
    ],
)
def test_a_wrong_rate_is_said_and_kept_in_its_form(
    admin: Browser, percent: str, first_day: str, sentence: str
) -> None:
    page = admin.post("/staff/vat", percent=percent, first_day=first_day, reason=WHY)
    assert page.status in (409, 422)
    assert sentence in page.words
    assert all(f'value="{typed}"' in page.text for typed in (percent, first_day, WHY))


def test_a_plan_that_is_not_there_is_not_found(admin: Browser) -> None:
    token = admin.page.text.partition('name="csrf" value="')[2].partition('"')[0]
    sent = {"csrf": token, "opens": "listen", "reason": WHY}
    answer = admin.http.post(f"{ROOM}/weekly/features", data=sent, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 404


def test_the_reason_of_a_command_is_kept_without_card_numbers(world: World) -> None:
    done = run_on(world, "plans", "open", "comment", "--reason", "as 4242 4242 4242 4242 asked")
    assert done.output == "monthly opens read, comment.\n"
    assert [line["reason"] for line in audited(world, "plan")] == [f"as {MASK} asked"]
    assert run_on(world, "plans", "retire", "monthly").exit_code == 0
    assert [line["reason"] for line in audited(world, "plan")][1:] == ["by a command"]
