"""Alerts: members concerned are mailed once when a deadline nears, a case opens or a reader has waited a day."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.platform.actors import WORKER
from billing.rules.staff_alerts import BEFORE_DEADLINE, REQUEST_AGE
from billing.staff import alerts
from tests.support.plans import plans_of
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn, add
from tests.support.starting_points import Subscriber
from tests.support.world import World

SUPPORT, FINANCE, ADMIN = (f"{role}@paper.example" for role in ("support", "finance", "admin"))
WAITED = "A reader has waited a day for an answer"
NEARS = "A bank waits for our answer"
OPENED = "A case is open"


def everybody(world: World) -> None:
    """A member of each role."""
    for role in ("support", "finance", "editor", "admin"):
        add(world, role)


def found(world: World, subject: str) -> list[str]:
    """Who was mailed so, by address."""
    return [to for to in (ADMIN, FINANCE, SUPPORT) for found in world.subjects(to) if found == subject]


def open_one(world: World, subject: str, kind: CaseKind = CaseKind.PAYOUT_SUM) -> None:
    """A case that a machine opens now."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        assert open_case(ctx, kind, subject, "A payout isn't the sum of what it pays out.")


def test_a_request_of_a_day_is_mailed_about_once_and_a_reply_anew(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    everybody(world)
    reader = signed_in(world, in_trial.email)
    reader.get("/contact")
    reader.post("/contact", kind="other", words="Where is my paper?")
    world.advance(hours=23)
    assert found(world, WAITED) == []
    world.advance(hours=2)
    assert found(world, WAITED) == [SUPPORT]
    (letter,) = (each for each in world.letters(SUPPORT) if each.subject == WAITED)
    assert "Asked something" in letter.text
    assert in_trial.email not in letter.text
    assert "/staff/requests" in letter.text
    world.advance(days=3)
    assert found(world, WAITED) == [SUPPORT], "once"
    (request,) = world.rows("SELECT id FROM reader_request")
    support = staff("support", SUPPORT)
    support.get(f"/staff/requests/{request['id']}")
    support.post(f"/staff/requests/{request['id']}/answer", words="In the post.")
    thread = f"/account/requests/{request['id']}"
    reader.get(thread)
    reader.post(thread, words="It is not.")
    world.advance(hours=25)
    assert found(world, WAITED) == [SUPPORT, SUPPORT], "the reader waits anew"


def test_a_case_is_mailed_about_once_and_one_closed_at_once_never(world: World) -> None:
    everybody(world)
    open_one(world, "po_1")
    open_one(world, "po_2")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        close_about(ctx, CaseKind.PAYOUT_SUM, "po_2", reason="It is.")
    world.settle()
    assert found(world, OPENED) == [ADMIN, FINANCE]
    world.advance(days=1)
    assert found(world, OPENED) == [ADMIN, FINANCE]
    for number in range(7):
        open_one(world, f"po_{10 + number}")
    world.settle()
    assert found(world, "7 cases are open") == [ADMIN, FINANCE], "one mail for what opens together"
    (letter,) = (each for each in world.letters(FINANCE) if each.subject == "7 cases are open")
    assert "And 2 more." in letter.text


def test_a_deadline_that_nears_is_mailed_about_three_days_before(world: World, disputed: Subscriber) -> None:
    everybody(world)
    (dispute,) = world.rows("SELECT answer_by FROM dispute")
    world.advance_to(dispute["answer_by"] - BEFORE_DEADLINE - REQUEST_AGE)
    assert found(world, NEARS) == []
    world.advance(days=1, hours=1)
    assert found(world, NEARS) == [ADMIN, FINANCE]
    (letter,) = (each for each in world.letters(FINANCE) if each.subject == NEARS)
    assert disputed.email not in letter.text


def test_a_member_switches_kinds_off_and_on(world: World, staff: SignIn) -> None:
    finance, support, admin = staff("finance"), staff("support"), staff("admin")
    words = finance.get("/staff/alerts").words
    assert "a case opens" in words
    assert finance.page.text.count(" checked") == 2
    finance.post("/staff/alerts", kinds=["dispute_nears"])
    assert finance.page.text.count(" checked") == 1
    support.get("/staff/alerts")
    support.post("/staff/alerts", kinds=["request_waits", "case_opened", "love"])
    assert "a case opens" not in support.page.words, "it concerns others"
    admin.get("/staff/alerts")
    assert "No alert concerns your role." in staff("editor").get("/staff/alerts").words
    open_one(world, "po_1")
    world.settle()
    assert found(world, OPENED) == [ADMIN]
    finance.post("/staff/alerts", kinds=["dispute_nears", "case_opened"])
    open_one(world, "po_2")
    world.settle()
    assert found(world, OPENED) == [ADMIN, ADMIN, FINANCE]
    lines = world.rows("SELECT before, after FROM audit_line WHERE act = 'choose_alerts' ORDER BY id")
    assert [row["after"] for row in lines] == [{"case_opened": False}, {"case_opened": True}]


def test_a_member_who_is_disabled_gets_none(world: World) -> None:
    everybody(world)
    world.execute("UPDATE staff_member SET disabled_at = created_at WHERE role = 'finance'")
    open_one(world, "po_1")
    world.settle()
    assert found(world, OPENED) == [ADMIN]


def test_two_workers_at_once_mail_once(world: World) -> None:
    everybody(world)
    for number in range(20):
        open_one(world, f"po_{number}")
    services, at = world.services, world.now
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: alerts.alert_due(services.database, services.site, at), range(2)))
    assert sum(done) == 20
    world.settle()
    rows = world.rows("SELECT count(*) AS n FROM staff_alert")
    assert rows[0]["n"] == 20
    assert alerts.alert_due(services.database, services.site, at) == 0


@pytest.mark.parametrize("query", [alerts.NEXT_DUE])
def test_what_is_due_is_found_among_what_is_open(world: World, disputed: Subscriber, query: str) -> None:
    with world.services.database.transaction() as session, plans_of(session) as plans:
        session.connection().exec_driver_sql(query)
    assert [plan for plan in plans if "Seq Scan" in plan] == []
