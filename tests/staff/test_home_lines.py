"""Each line of the members' first pages: its words and numbers, where it leads, and whether it is urgent."""

import re
from datetime import timedelta

import pytest

from billing.mail.models import STOPPED_ANSWER
from tests.support.browser import Browser
from tests.support.disputed_charge import charged
from tests.support.newsroom import SUBJECT, Newsroom
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

LINE = re.compile(r'<li( class="urgent")?>\s*<div class="home-what"><(?:a href="([^"]+)"|b)>([^<]+)<')
URGENT = True
CALM = False


def lines(browser: Browser) -> dict[str, tuple[str, bool]]:
    """Each line by its first words: where it leads, and whether it is urgent."""
    found = LINE.findall(browser.get("/staff").text)
    return {what: (link, bool(urgent)) for urgent, link, what in found}


def open_case(world: World, kind: str, *, subject: str = "x", **age: float) -> None:
    world.execute(
        "INSERT INTO staff_case (id, kind, subject, what, currency, facts, opened_at)"
        " VALUES (:id, :kind, :subject, 'It differs.', 'ZAR', '{}', :at)",
        id=f"cas_{kind}_{subject}",
        kind=kind,
        subject=subject,
        at=world.now - timedelta(**age),
    )


def give_back(world: World, email: str, cents: int) -> None:
    (payment,) = world.rows(
        "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = :email", email=email
    )
    body = {"amount": cents, "reason": "late paper"}
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
    world.settle()


@pytest.fixture
def busy_finance(world: World) -> World:
    """22 March, 14:00: a refund has bounced, one waits for balance, one is pending, and a charge that nothing explains is owed."""

    def live() -> None:
        for name, card in (("owed", "refundFail"), ("short", "visa__1"), ("sent", "visa__2")):
            world.start_trial(f"{name}@example.com", f"pm_card_{card}")
        world.advance_to(local(2027, 3, 20, 12))
        give_back(world, "owed@example.com", 7500)
        world.advance_to(local(2027, 3, 22, 12))
        world.sandbox.banks("refunds", **{"as": "no_balance"})
        give_back(world, "short@example.com", 2000)
        world.sandbox.banks("refunds", **{"as": "pending"})
        give_back(world, "sent@example.com", 1500)
        world.advance(hours=2)

    world.once("a busy morning of finance", live)
    world.execute(
        "INSERT INTO unexplained_charge (charge_ref, acquirer, intent_ref, subscription_ref, period_number, amount, taken_at, found_at,"
        " next_poll_at, poll_count, given_up_at) VALUES ('ch_x', 'stripe', 'pi_x', 'sub_x', 1, 9900, :at, :at, :at, 0, :at)",
        at=world.now - timedelta(days=4),
    )
    open_case(world, "refund_failed", subject="ch_x", days=4)
    return world


def test_finance_sees_what_is_owed_and_what_is_on_the_way(busy_finance: World, staff: SignIn) -> None:
    finance = staff("finance")
    words = finance.get("/staff").words
    for said in (
        "2 refunds are owed to readers by bank transfer the oldest for 4 days R174.00 incl. VAT",
        "1 refund waits for balance at the acquirer the oldest for 2 hours R20.00 incl. VAT",
        "1 refund is on the way to readers’ cards the oldest for 2 hours R15.00 incl. VAT",
    ):
        assert said in words, said
    found = lines(finance)
    assert found["2 refunds are owed to readers by bank transfer"] == ("/staff/owed", URGENT)
    assert found["1 refund waits for balance at the acquirer"] == ("/staff/owed", URGENT)
    on_the_way = found["1 refund is on the way to readers’ cards"]
    assert on_the_way == ("/staff/refunds?state=under_way", CALM)
    assert not any("other case" in what for what in found), "the lines above count these cases"
    admin = lines(staff("admin"))
    assert "2 refunds are owed to readers by bank transfer" in admin
    assert "1 refund is on the way to readers’ cards" not in admin, "nobody else waits for it"


def test_finance_sees_approvals_differences_and_other_cases(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    world.execute(
        "INSERT INTO approval (id, kind, state, asked_by, asked_at, expires_at, reason, cents, act, words, version)"
        " SELECT 'apv_' || cents, 'refund', 'waiting', m.id, CAST(:at AS timestamptz) - hours * interval '1 hour',"
        " CAST(:at AS timestamptz) + expires * interval '1 hour', 'kind', cents, '{}', '[]', ''"
        " FROM staff_member m, (VALUES (20000, 5, 9), (2500, 3, 9), (70000, 170, -2)) v (cents, hours, expires)",
        at=world.now,
    )
    for kind, days in (("missing_charge", 3), ("payout_sum", 1)):
        open_case(world, kind, days=days)
    for kind, hours in (("lost_start", 50), ("fraud_warning", 2), ("unreachable", 1)):
        open_case(world, kind, hours=hours)
    words = finance.get("/staff").words
    for said in (
        "2 approvals wait for a second member the oldest for 5 hours R225.00 incl. VAT",
        "2 unexplained differences with the acquirer’s books the oldest for 3 days",
        "3 other cases are open the oldest for 2 days",
    ):
        assert said in words, said
    assert lines(finance)["2 approvals wait for a second member"] == ("/staff/approvals", CALM)
    assert lines(finance)["3 other cases are open"] == ("/staff/cases", CALM)
    world.execute(
        "UPDATE staff_case SET closed_at = :at, closed_by_kind = 'staff', closed_by_id = 'x', reason = 'y'",
        at=world.now,
    )
    world.execute("UPDATE approval SET cents = 0 WHERE id = 'apv_20000'")
    world.execute(
        "UPDATE approval SET state = 'declined', decided_at = :at WHERE id = 'apv_2500'", at=world.now
    )
    words = finance.get("/staff").words
    assert "1 approval waits for a second member the oldest for 5 hours" in words
    assert "R225.00" not in words
    assert "difference" not in words.partition("No dispute")[0]
    assert "other case" not in words


NOW, AGO = "CAST(:at AS timestamptz)", "CAST(:at AS timestamptz) - interval '20 minutes'"
ALIVE = f"INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, {NOW}, {NOW})"
SILENT = f"INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, {AGO}, {AGO})"
VISIT = f"INSERT INTO doctor_visit (at, broken, found, next_at) VALUES ({NOW} - interval '40 hours', %s, 0, {NOW} - interval '16 hours')"
COMPARED = (
    "INSERT INTO reconciliation (through, since, next_at, tries, problem, done_at, movements, differences)"
    f" VALUES ('2027-03-%s', '2027-03-%s', {NOW}, 0, %s, %s, 0, 0)"
)
WAITS = f"""UPDATE message SET state = 'queued', accepted_at = NULL, created_at = {AGO}, next_attempt_at = {NOW}, expires_at = {NOW}
    + interval '1 day', kind = '%s' WHERE id IN (SELECT id FROM message WHERE state = 'accepted' ORDER BY id LIMIT %s)"""
EVENT = f"""UPDATE inbound_event SET settled_at = NULL, outcome = NULL, received_at = {AGO}, next_attempt_at = {NOW}, %s
    WHERE id IN (SELECT id FROM inbound_event ORDER BY id LIMIT %s)"""
IN_DOUBT = f"""INSERT INTO attempt SELECT (jsonb_populate_record(a, jsonb_build_object('id', 'att_x', 'ordinal', 9, 'idempotency_key', 'k',
    'state', 'open', 'settled_at', NULL, 'intent_ref', NULL, 'doubt', 'a timeout', 'intended_at', {AGO}))).* FROM attempt a"""
TRY_RELAY = "the checks of the settings try the mail server the oldest for 20 minutes"


@pytest.mark.parametrize(
    ("statements", "said", "line"),
    [
        ([], "No worker has ever run start one: billing worker", ("", URGENT)),
        ([SILENT], "No worker is at work start one: billing worker last heard of Tue 16 Mar 2027, 11:40", ("", URGENT)),
        ([ALIVE], "A worker is at work last heard of Tue 16 Mar 2027, 12:00", ("", CALM)),
        ([], "No billing run has finished yet", ("", CALM)),
        ([ALIVE], "Billing runs finish the last Tue 16 Mar 2027, 12:00", ("", CALM)),
        (["DELETE FROM doctor_visit"], "The doctor hasn’t checked our promises yet", ("", CALM)),
        (
            ["DELETE FROM doctor_visit", ALIVE, VISIT % 0],
            "Every promise is kept the doctor is late checked Sun 14 Mar 2027, 20:00",
            ("/staff/cases", URGENT),
        ),
        (
            ["DELETE FROM doctor_visit", VISIT % 1],
            "1 promise is broken checked Sun 14 Mar 2027, 20:00",
            ("/staff/cases", URGENT),
        ),
        ([], "The books haven’t been compared with the acquirer’s yet", ("/staff/cases", CALM)),
        (
            [COMPARED % (14, 14, "NULL", NOW)],
            "The books are compared with the acquirer’s through 14 March 2027 done Tue 16 Mar 2027, 12:00",
            ("/staff/cases", CALM),
        ),
        (
            [COMPARED % (14, 14, "NULL", NOW), COMPARED % (15, 15, "'Unavailable'", "NULL")],
            "The books are compared with the acquirer’s through 14 March 2027 comparing them fails, and is tried again done",
            ("/staff/cases", CALM),
        ),
        ([WAITS % ("receipt", 2)], f"2 mails wait to be sent {TRY_RELAY}", ("/staff/settings", URGENT)),
        ([WAITS % ("sign_in_link", 1)], f"1 sign-in link waits to be sent {TRY_RELAY}", ("/staff/settings", URGENT)),
        (
            [EVENT % ("set_aside_at = NULL", 2)],
            "2 events of the acquirer wait the oldest for 20 minutes",
            ("/staff/webhooks", URGENT),
        ),
        (
            [EVENT % (f"set_aside_at = {AGO}", 1)],
            "1 event couldn’t be settled the oldest for 20 minutes",
            ("/staff/webhooks", URGENT),
        ),
        (
            [IN_DOUBT],
            "1 charge is in doubt the acquirer is asked until it knows the oldest for 20 minutes",
            ("", URGENT),
        ),
    ],
)  # fmt: skip
def test_an_admin_sees_each_machine(
    world: World, paid: Subscriber, staff: SignIn, statements: list[str], said: str, line: tuple[str, bool]
) -> None:
    assert paid.email
    admin = staff("admin")
    for statement in statements:
        world.execute(statement, **({"at": world.now} if ":at" in statement else {}))
    words = admin.get("/staff").words
    assert said in words, words
    (found,) = (found for what, found in lines(admin).items() if said.startswith(what))
    assert found == line
    editor = staff("editor").get("/staff").words
    assert "Machinery" not in editor


def test_an_admin_sees_all_mail_that_bounced_in_a_day(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    news = Newsroom(world)
    news.join(in_trial.email)
    world.smtp.refuse(550, "5.1.1 no such mailbox", to=in_trial.email)
    news.send()
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=in_trial.email)
    world.settle()
    open_case(world, "unreachable", days=2)
    admin = staff("admin")
    words = admin.get("/staff").words
    assert "2 mails bounced in 24 hours" in words, "a newsletter, and a link to sign in with"
    assert "1 reader’s address refuses notices the oldest for 2 days" in words
    found = lines(admin)
    assert found["2 mails bounced in 24 hours"] == ("/staff/readers?bounced=yes", CALM)
    assert found["1 reader’s address refuses notices"] == ("/staff/cases", URGENT)
    assert in_trial.email in admin.get("/staff/readers?bounced=yes").words
    world.execute("UPDATE message SET last_answer = :answer WHERE state = 'refused'", answer=STOPPED_ANSWER)
    assert "1 mail bounced in 24 hours" in admin.get("/staff").words, "staff stopped the other one"
    world.smtp.mend()
    world.advance(hours=25)
    assert "bounced" not in staff("admin").get("/staff").words


def test_support_sees_who_has_replied(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    reader, support = signed_in(world, in_trial.email), staff("support")
    for words in ("Where is my paper?", "Did I pay twice?"):
        reader.get("/contact")
        reader.post("/contact", kind="other", words=words)
    assert "replied" not in support.get("/staff").words
    (request, _) = world.rows("SELECT id FROM reader_request ORDER BY id")
    support.get(f"/staff/requests/{request['id']}")
    support.post(f"/staff/requests/{request['id']}/answer", words="On its way.")
    world.advance(minutes=5)
    reader.get(f"/account/requests/{request['id']}")
    reader.post(f"/account/requests/{request['id']}", words="Since Monday?")
    words = support.get("/staff").words
    assert "2 requests wait for an answer 1 has replied the oldest for 5 minutes" in words
    assert f"Asked something {in_trial.email}, has replied less than a minute" in words
    assert f"Asked something {in_trial.email} 5 minutes" in words
    assert "2 requests wait for an answer 1 has replied" in staff("finance").get("/staff").words


def test_an_editor_sees_how_an_issue_stands_and_gifts_that_were_opened(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    editor, news = staff("editor"), Newsroom(world)
    news.people(3)
    issue = news.send()
    began = "3 recipients since Mon 1 Mar 2027, 10:00"
    for state, said, urgent in (
        ("sent", f"First Light was sent, {began}", CALM),
        ("sending", f"First Light is being sent, {began}", CALM),
        ("stopped", f"First Light was stopped, {began}", CALM),
        ("paused", f"First Light is paused, {began}", URGENT),
    ):
        held = "The relay refuses it." if urgent else None
        world.execute(
            "UPDATE issue SET state = :state, counts = NULL, held_reason = :held", state=state, held=held
        )
        assert f"{SUBJECT} {said}" in editor.get("/staff").words, state
        assert lines(editor)[SUBJECT] == (f"/staff/newsletters/{issue}", urgent)
    (newest,) = world.rows("SELECT id, title FROM article ORDER BY published_at DESC, id DESC LIMIT 1")
    world.execute(
        "INSERT INTO gift (id, reader_id, article_id, given_at, until, most, opened)"
        " SELECT 'gft_' || n, :reader, :article, :at, :at, 5, n FROM generate_series(1, 2) n",
        reader=in_trial.reader_id,
        article=newest["id"],
        at=world.now,
    )
    words = editor.get("/staff").words
    assert f"{newest['title']}" in words
    assert "; gifts of it were opened 3 times published" in words
    assert words.count("gifts of it were opened") == 1


def test_disputes_are_urgent_when_their_day_is_near(world: World, staff: SignIn) -> None:
    charged(world, "pm_card_createDispute")
    (row,) = world.rows("SELECT answer_by FROM dispute")
    finance, admin = staff("finance"), staff("admin")
    assert lines(finance)["A bank disputes a charge"][1] is CALM
    assert lines(admin)["1 dispute wants an answer"] == ("/staff/cases", CALM)
    world.execute("UPDATE dispute SET answer_by = :at", at=world.now + timedelta(days=2))
    assert row["answer_by"] > world.now + timedelta(days=3)
    assert lines(finance)["A bank disputes a charge"][1] is URGENT
    assert lines(admin)["1 dispute wants an answer"] == ("/staff/cases", URGENT)
    world.execute("UPDATE dispute SET inquiry = true, answer_by = NULL")
    words = finance.get("/staff").words
    assert "A bank asks about a charge thandi@example.com R75.00 incl. VAT" in words
