"""Staff act on many readers: previewed for each, done for each by the same act as on the reader's page, once."""

import csv
import html
import io
import re
from collections.abc import Callable

import pytest

from tests.support import many
from tests.support.actors import BY
from tests.support.browser import Browser
from tests.support.ledger_checks import check
from tests.support.many import begin, prepare, states
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.world import World, local

REASON = "The site was away."


def lines(world: World) -> list[dict[str, object]]:
    return world.rows(
        "SELECT r.email, l.state, l.cents, l.days, l.words FROM bulk_line l JOIN reader r ON r.id = l.reader_id ORDER BY r.email"
    )


def test_days_for_a_pasted_list_are_previewed_then_given_once(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 3)
    admin = staff("admin")
    who = [readers[0], many.addresses(3)[1].upper(), many.addresses(3)[1], "nobody@example.com", "crm-7"]
    page = prepare(admin, "days", who, days="3")
    assert page.status == 422
    assert "These fit no reader nobody@example.com crm-7" in page.words
    assert who[1] in page.text, "what was typed stays"
    page = admin.post("/staff/many/new", who="\n".join(who), days="3", skip="yes")
    assert page.status == 200
    assert "Nothing is done yet." in page.words
    assert "Give days, for 2 readers: 3 days more of the trial or the paid period." in page.words
    assert "2 entries that fit no reader were left out" in page.words
    assert "moves from Friday 16 April 2027 to Monday 19 April 2027" in page.words
    world.settle()
    assert {line["state"] for line in lines(world)} == {"ready"}, "nothing happens before it is begun"

    page = admin.post(f"{admin.page.path}/start", reason="", agreed="yes")
    assert page.status == 422
    page = admin.post(f"{many.ROOM}/{many.only(world)['id']}/start", reason=REASON)
    assert page.status == 422
    assert "Tick the box" in page.words
    assert REASON in page.text
    page = admin.post(f"{many.ROOM}/{many.only(world)['id']}/start", reason=REASON, agreed="yes")
    assert "It is under way" in page.text
    world.settle()
    assert states(world, many.only(world)["id"]) == ("done", {"done": 2})
    moved = world.rows("SELECT period_end_on::text AS on FROM subscription ORDER BY id")
    assert sorted(row["on"] for row in moved) == ["2027-04-16", "2027-04-19", "2027-04-19"]
    audit = world.rows(
        f"SELECT {BY}, act, reason, days FROM audit_line WHERE act IN ('extend', 'many') ORDER BY id"
    )
    assert [(line["act"], line["days"]) for line in audit] == [("many", 0), ("extend", 3), ("extend", 3)]
    assert {(line["by"], line["reason"]) for line in audit} == {("staff:admin@paper.example", REASON)}
    page = admin.get(f"{many.ROOM}/{many.only(world)['id']}")
    assert "2 done: 6 days" in page.words
    assert many.send_again(admin, f"{page.path}/start", reason=REASON, agreed="yes") == 409, "once"
    rows = list(csv.DictReader(io.StringIO(admin.get(f"{page.path}/result.csv").text)))
    assert [(row["address"], row["result"], row["days"]) for row in rows] == [
        (email, "done", "3") for email in many.addresses(2)
    ]


def test_the_last_charge_goes_back_to_each_in_three_steps_and_the_books_agree(
    world: World, staff: SignIn
) -> None:
    many.payers(world, 3)
    world.start_trial("new@example.com", "pm_card_visa__9")
    finance = staff("finance")
    page = prepare(finance, "refund", [*many.addresses(3), "new@example.com"], amount="")
    assert "In all R225.00 incl. VAT goes back, at most R75.00 incl. VAT to one." in page.words
    assert "1 refused" in page.words
    assert "1: This reader has paid nothing that could go back." in page.words
    begin(finance)
    world.settle()
    assert sorted(refund["amount"] for refund in world.sandbox.refunds()) == [7500] * 3
    assert states(world, many.only(world)["id"]) == ("done", {"done": 3, "refused": 1})
    assert REASON in " ".join(world.letter(many.addresses(1)[0], "Credit note").text.split())
    causes = world.rows("SELECT cause FROM refund")
    assert {row["cause"].rpartition(":")[0] for row in causes} == {f"bulk:{many.only(world)['id']}"}
    check(world)


def test_a_line_whose_sum_has_changed_since_the_preview_is_not_done(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    finance = staff("finance")
    prepare(finance, "refund", readers, amount="")
    where = finance.page.path
    (payment,) = world.rows("SELECT id FROM payment WHERE reader_id = :id", id=readers[0])
    form = f"/staff/readers/{readers[0]}/refund"
    finance.get(f"{form}?payment={payment['id']}")
    finance.post(form, amount="20", step="preview")
    finance.post(form, amount="20", step="confirm", reason="asked first")
    finance.get(where)
    begin(finance)
    world.settle()
    assert [line["state"] for line in lines(world)] == ["refused", "done"]
    assert "Something has happened since you looked" in str(lines(world)[0]["words"])
    world.advance(minutes=1)  # a member's own refund can be undone for so long
    assert sorted(refund["amount"] for refund in world.sandbox.refunds()) == [2000, 7500]


def test_the_preview_says_who_has_changed_since_it_was_made(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 3)
    finance = staff("finance")
    page = prepare(finance, "refund", readers, amount="")
    assert "Nothing is done yet." in page.words
    assert "changed since" not in page.words
    where = finance.page.path
    for reader_id, minutes in zip(readers[:2], (3, 2), strict=True):
        world.advance(minutes=minutes)
        (payment,) = world.rows("SELECT id FROM payment WHERE reader_id = :id", id=reader_id)
        body = {"amount": 2000, "reason": "asked first"}
        world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
        said = finance.get(where).words
        assert "Each is checked again before anything is done. Nothing is done yet." in said
    assert "2 of these readers have changed since this was made, last Tue 16 Mar 2027, 12:05." in said
    begin(finance)
    world.settle()
    assert [line["state"] for line in lines(world)] == ["refused", "refused", "done"]
    assert "changed since" not in finance.get(where).words, "it is begun"


def test_many_are_cancelled_and_the_refused_say_why(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    world.api.post(
        f"/v1/subscriptions/{world.rows('SELECT id FROM subscription WHERE reader_id = :id', id=readers[0])[0]['id']}/cancel",
        json={"when": "now"},
    ).raise_for_status()
    finance = staff("finance")
    page = prepare(finance, "cancel", readers, when="period_end")
    assert "Refused" not in page.words.partition("Readers")[0]
    begin(finance)
    world.settle()
    assert sorted(str(line["state"]) for line in lines(world)) == ["done", "refused"]
    cancelled = world.rows("SELECT 1 FROM subscription WHERE cancel_asked_at IS NOT NULL")
    assert len(cancelled) == 2


def test_a_mail_goes_to_each_once_and_changes_nothing_else(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    finance = staff("finance")
    page = prepare(
        finance, "mail", readers, subject="The paper is back", text="We are sorry.\n\nEverything reads again."
    )
    assert "The mail “The paper is back” goes to reader-0@example.com." in page.words
    assert "Everything reads again." in page.words
    begin(finance)
    world.settle()
    for email in many.addresses(2):
        letter = world.letter(email, "The paper is back")
        assert "Everything reads again." in letter.text
    assert {line["act"] for line in world.rows("SELECT act FROM audit_line WHERE reader_id IS NOT NULL")} == {
        "mail"
    }


def test_the_plan_changes_from_the_next_charge_on(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    admin = staff("admin")
    page = prepare(admin, "plan", readers, plan="yearly")
    assert "From Friday 16 April 2027 on the plan is" in page.words
    begin(admin)
    world.settle()
    ahead = world.rows("SELECT next_terms_because FROM subscription")
    assert {row["next_terms_because"] for row in ahead} == {"switch"}


def test_it_can_be_stopped_and_goes_on(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 3)
    admin = staff("admin")
    prepare(admin, "days", readers, days="2")
    begin(admin)
    page = admin.post(f"{admin.page.path}/stop")
    assert "Stopped. What was done stays done." in page.text
    world.settle()
    action = many.only(world)["id"]
    assert states(world, action) == ("stopped", {"ready": 3})
    admin.post(f"{admin.page.path}/resume")
    world.settle()
    assert states(world, action) == ("done", {"done": 3})
    acts = [
        line["act"]
        for line in world.rows("SELECT act FROM audit_line WHERE subject = :id ORDER BY id", id=action)
    ]
    assert acts == ["many", "stop_many", "resume_many"]


def test_it_can_be_given_up_before_and_after_it_begins(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 2)
    admin = staff("admin")
    for starts in (False, True):
        prepare(admin, "days", readers, days="2")
        if starts:
            begin(admin)
            admin.post(f"{admin.page.path}/stop")
        admin.post(f"{admin.page.path}/give-up")
        assert "given up" in admin.page.words
        where = admin.page.path
        assert many.send_again(admin, f"{where}/start", reason=REASON, agreed="yes") == 409
        assert "2 left undone" in admin.get(where).words
    world.settle()
    assert world.rows("SELECT 1 FROM audit_line WHERE act = 'extend'") == []


def test_a_role_gives_to_many_what_it_may_give_to_one(world: World, staff: SignIn) -> None:
    readers = many.payers(world, 1)
    finance, support = staff("finance"), staff("support")
    assert support.get(many.ROOM).status == 403
    page = finance.get(many.ROOM)
    assert "Give money back" in page.words
    assert "Give days" not in page.words
    assert finance.get(f"{many.ROOM}/new?kind=days").status == 403
    finance.get(f"{many.ROOM}/new?kind=refund")
    assert finance.post(f"{many.ROOM}/new", kind="days", who=readers[0], days="3").status == 403
    assert world.rows("SELECT 1 FROM bulk_action") == []


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("days", {"days": "0"}, "Days are a whole number"),
        ("days", {"days": "3", "who": "  "}, "Choose at least one reader"),
        ("refund", {"amount": "much"}, "An amount is rand and cents"),
        ("mail", {"subject": " ", "text": "Hello"}, "A mail has a subject"),
        ("mail", {"subject": "Hello\x07", "text": "Hello"}, "A mail has a subject"),
        ("plan", {"plan": ""}, "Choose a plan"),
    ],
)
def test_what_cannot_be_read_is_refused_and_stays_typed(
    world: World, staff: SignIn, kind: str, fields: dict[str, str], said: str
) -> None:
    admin = staff("admin")
    admin.get(f"{many.ROOM}/new?kind={kind}")
    page = admin.post(f"{many.ROOM}/new", **{"who": "somebody@example.com"} | fields)
    assert page.status == 422
    assert said in page.words
    assert ("somebody@example.com" in page.text) or "who" in fields
    assert world.rows("SELECT 1 FROM bulk_action") == []


def follow(browser: Browser, begins: str) -> None:
    """Follow the only link of the page whose address begins so, as the page has it."""
    (address,) = re.findall(rf'href="({re.escape(begins)}[^"]*)"', browser.page.text)
    browser.get(html.unescape(address))


def test_all_who_fit_a_filter_of_a_list_are_chosen(world: World, staff: SignIn) -> None:
    many.payers(world, 2)
    world.start_trial("new@example.com", "pm_card_visa__9")
    admin = staff("admin")
    for of, query in (("readers", "state=trial"), ("subscriptions", "state=trial")):
        admin.get(f"/staff/{of}?{query}")
        follow(admin, "/staff/many?of=")
        assert "all who are in the list you came from" in admin.page.words
        follow(admin, "/staff/many/new?kind=days&amp;")
        assert f"all in the list of {of}, state: " in admin.page.words
        page = admin.post(f"{many.ROOM}/new", days="2")
        assert f"All in the list of {of}, state: " in page.words
        assert [line["email"] for line in lines(world)] == ["new@example.com"]
        world.execute("DELETE FROM bulk_line")
    refused = admin.get(f"{many.ROOM}/new?kind=days&of=readers&query=state%3Dnonsense")
    assert "Go back to the list, and choose again" in refused.words


# two members


OTHER = "naledi@paper.example"


@pytest.mark.parametrize(
    "limits",
    [{"second_person_readers": 1}, {"second_person_day_limit": 14999}, {"second_person_limit": 7499}],
)
def test_more_than_one_member_decides_about_waits_for_another(
    make_world: Callable[..., World], limits: dict[str, int]
) -> None:
    world = make_world(**limits)
    add(world, "finance")
    add(world, "finance", OTHER)
    readers = many.payers(world, 2)
    finance = sign_in(world, "finance@paper.example")
    page = prepare(finance, "refund", readers, amount="")
    assert "Two members decide about this much" in page.words
    page = begin(finance)
    assert "waits for a second member" in page.text
    world.settle()
    assert "Give money back, for 2 readers" in " ".join(
        world.letter(OTHER, "waits for your approval").text.split()
    )
    assert world.sandbox.refunds() == []
    (approval,) = world.rows("SELECT id FROM approval")
    second = sign_in(world, OTHER)
    assert "Give money back, for 2 readers" in second.get("/staff/approvals").words
    assert "Approved, and done" in second.post(f"/staff/approvals/{approval['id']}/approve").text
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500, 7500]
    assert states(world, many.only(world)["id"]) == ("done", {"done": 2})


def test_declined_or_too_late_it_can_be_asked_for_again(make_world: Callable[..., World]) -> None:
    world = make_world(second_person_readers=0)
    add(world, "finance")
    add(world, "finance", OTHER)
    readers = many.payers(world, 1)
    finance = sign_in(world, "finance@paper.example")
    prepare(finance, "refund", readers, amount="10")
    begin(finance)
    (approval,) = world.rows("SELECT id FROM approval")
    second = sign_in(world, OTHER)
    second.get("/staff/approvals")
    second.post(f"/staff/approvals/{approval['id']}/decline")
    where = f"{many.ROOM}/{many.only(world)['id']}"
    assert "waits for your decision" in finance.get(where).words
    begin(finance)
    world.advance_to(local(2027, 3, 24, 12))
    finance = sign_in(world, "finance@paper.example")
    assert "waits for your decision" in finance.get(many.ROOM).words
    assert "waits for your decision" in finance.get(where).words
    begin(finance, "Asked a third time.")
    assert world.rows("SELECT state FROM bulk_action") == [{"state": "asked"}]
    world.settle()
    assert world.sandbox.refunds() == []
