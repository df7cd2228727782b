"""Members' first pages: what waits for each role, and that each line leads to where it is handled."""

import re
from datetime import timedelta

import pytest

from billing.platform import heartbeat
from billing.platform.actors import WORKER
from billing.platform.installation import is_home_in
from billing.staff.home.first_page import first_page
from billing.staff.home.lines import WaitingCount
from billing.staff.roles import Role
from tests.support.browser import Browser
from tests.support.newsroom import Newsroom
from tests.support.plans import plans_of
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

LINK = re.compile(r'<div class="home-what"><a href="([^"]+)">')
LARGE = (
    *(
        "refund",
        "payment",
        "reader",
        "reader_request",
        "dispute",
        "message",
        "signup_change",
        "bounce_record",
        "start_origin",
    ),
    *("staff_case", "issue", "ledger_transaction", "ledger_entry", "inbound_event"),
)
"""Tables that grow."""


def links(browser: Browser) -> list[str]:
    """Where the lines of the page lead."""
    return LINK.findall(browser.get("/staff").text)


def test_support_sees_requests_by_age_with_the_rand_at_risk(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    assert "No request is waiting." in support.get("/staff").words
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="cancel", email=in_trial.email, words="")
    world.advance(days=2)
    words = staff("support").get("/staff").words
    assert "1 request waits for an answer the oldest for 2 days" in words
    assert f"Asked to cancel {in_trial.email} 2 days, charged next on" in words
    assert "R75.00 incl. VAT" in words
    world.advance_to(local(2027, 3, 25, 9))
    reader = signed_in(world, in_trial.email)
    for kind in ("wrong_charge", "other"):
        reader.get("/contact")
        reader.post("/contact", kind=kind, words="Two lines on my statement.")
    words = staff("support").get("/staff").words
    assert "R75.00 incl. VAT charged since" in words
    assert (
        f"Says a charge is wrong {in_trial.email} less than a minute R75.00 incl. VAT complained of" in words
    )
    assert f"Asked something {in_trial.email} less than a minute" in words
    assert words.count("R75.00") == 2, "a question puts nothing at risk"
    read = world.rows("SELECT readers FROM bulk_read WHERE what = 'GET /staff' AND by LIKE 'staff:support%'")
    assert read, "what a page lists of readers is counted"
    editor = staff("editor").get("/staff").words
    assert in_trial.email not in editor


def test_finance_sees_disputes_by_deadline_and_the_month_of_the_ledger(
    world: World, disputed: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    words = finance.get("/staff").words
    assert f"A bank disputes a charge {disputed.email} answer by" in words
    assert "March 2027, to date" in words
    found = world.rows(
        """SELECT -sum(e.amount) FILTER (WHERE e.account = 'vat_output') AS vat,
                  -sum(e.amount) FILTER (WHERE e.account IN ('deferred_revenue', 'revenue', 'disputes')) AS net
           FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
           WHERE t.vat_basis_points IS NOT NULL"""
    )[0]
    assert f"VAT R{found['vat'] / 100:.2f} to pay over" in words
    assert f"Net R{found['net'] / 100:.2f} excl. VAT" in words
    paid = world.rows("SELECT sum(amount) AS cents FROM payment")[0]["cents"]
    assert f"Charged R{paid / 100:.2f} incl. VAT" in words
    (dispute,) = world.rows("SELECT id FROM dispute")
    assert links(finance)[0] == f"/staff/readers/{disputed.reader_id}/disputes/{dispute['id']}"
    admin = staff("admin").get("/staff").words
    assert "1 dispute wants an answer the first by" in admin, "others count what finance sees in full"


def test_an_editor_sees_todays_issues_signups_and_what_is_open(world: World, staff: SignIn) -> None:
    editor = staff("editor")
    words = editor.get("/staff").words
    assert "No issue goes out today." in words
    assert "Open to everyone" not in words
    newest = "Snow closes the pass, and opens a kitchen free for everyone: a rule of time opens it published"
    assert newest in words, "what the newest articles ask, and why"
    assert "Find a reader" not in words
    world.start_trial("sipho@example.com", "pm_card_visa__1", article="the-water-nobody-counted")
    sold = "The water nobody counted led to 1 trial in the last seven days"
    assert sold in editor.get("/staff").words
    newsroom = Newsroom(world)
    newsroom.add_reader("thandi@example.com")
    newsroom.join("thandi@example.com")
    issue = newsroom.draft()
    newsroom.schedule(issue, world.now + timedelta(hours=2))
    body = {
        "until": local(2027, 3, 2, 8).isoformat(),
        "reason": "The dam wall is being watched.",
        "site": True,
    }
    world.api.post("/v1/openings", json=body).raise_for_status()
    words = editor.get("/staff").words
    assert "First Light is scheduled for Mon 1 Mar 2027, 12:00" in words
    assert "1 signed up and 0 left in the last seven days" in words
    assert (
        "Open to everyone: the whole site The dam wall is being watched. until Tue 2 Mar 2027, 08:00" in words
    )
    world.advance(days=8)
    assert sold not in editor.get("/staff").words


def test_an_admin_sees_how_the_machinery_does(world: World, paid: Subscriber, staff: SignIn) -> None:
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    world.advance(days=1)
    admin = staff("admin")
    words = admin.get("/staff").words
    for said in (
        "A worker is at work",
        "Billing runs finish",
        "Every promise is kept",
        "No request is waiting.",
    ):
        assert said in words, words
    assert "The books are compared with the acquirer’s through" in words
    world.execute("UPDATE doctor_visit SET broken = 2, found = 3")
    assert "2 promises are broken" in admin.get("/staff").words


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (WaitingCount(1), "1 request waits"),
        (WaitingCount(12), "12 requests wait"),
        (WaitingCount(1000, is_cut=True), "1000 or more requests wait"),
        (WaitingCount(1432), "1432 requests wait"),
    ],
)
def test_a_count_that_ended_early_says_so(found: WaitingCount, said: str) -> None:
    assert found.words("request waits", "requests wait") == said


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_each_line_leads_to_a_page_that_the_member_may_open(
    world: World, disputed: Subscriber, staff: SignIn, role: str
) -> None:
    Newsroom(world)
    reader = signed_in(world, disputed.email)
    reader.get("/contact")
    reader.post("/contact", kind="other", words="Where is my paper?")
    member = staff(role)
    for link in links(member):
        assert member.get(link).status == 200, link
        assert member.page.path == link.partition("?")[0], link


@pytest.mark.parametrize("role", list(Role))
def test_no_question_of_a_first_page_reads_a_large_table(
    world: World, disputed: Subscriber, role: Role
) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        with plans_of(ctx.session) as plans:
            first_page(ctx, role)
    assert plans
    assert [plan for plan in plans if any(f"Seq Scan on {name} " in plan for name in LARGE)] == []
