"""A member of staff, or an impostor, tries to decide alone what needs two members (SEC-6)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from billing.platform.actors import StaffActor
from billing.staff import approvals
from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.cli import run_on
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber, subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World

FINANCE, OTHER, ADMIN, BOSS = (f"{name}@paper.example" for name in ("finance", "naledi", "admin", "boss"))
ROOM = "/staff/approvals"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One member alone decides about R300 a reader and a day, and R500 in all."""
    return make_world(second_person_limit=30000, second_person_day_limit=50000)


def ask(world: World, browser: Browser, reader_id: str, amount: str, reason: str = "Billed twice.") -> Answer:
    """The pages of giving money back, to the end."""
    (payment,) = world.rows("SELECT id FROM payment WHERE reader_id = :id", id=reader_id)
    path = f"/staff/readers/{reader_id}/refund"
    browser.get(f"{path}?payment={payment['id']}")
    browser.post(path, amount=amount, step="preview")
    return browser.post(path, amount=amount, reason=reason, step="confirm")


def refunds(world: World) -> list[int]:
    """What went back, in cents."""
    return [row["amount"] for row in world.rows("SELECT amount FROM refund ORDER BY id")]


def waiting(world: World) -> list[str]:
    """What waits, by id."""
    return [row["id"] for row in world.rows("SELECT id FROM approval WHERE state = 'waiting' ORDER BY id")]


def send(browser: Browser, action: str, **fields: str) -> Answer:
    """A form that the page may not have."""
    token = browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    headers = {"sec-fetch-site": "same-origin"}
    return Answer(browser.http.post(action, data={"csrf": token, **fields}, headers=headers))


def test_a_large_refund_waits_for_another_member_and_is_done_once(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    add(world, "finance", OTHER)
    add(world, "support")
    page = ask(world, finance, yearly.reader_id, "300.01")
    assert "waits for a second member" in page.text
    assert refunds(world) == []
    (approval,) = waiting(world)

    world.settle()
    letter = world.letter(OTHER, "waits for your approval")
    assert "R300.01 incl. VAT" in letter.text
    assert yearly.email not in letter.text
    assert {one.recipient for one in world.letters() if "approval" in one.subject} == {OTHER}

    room = finance.get(ROOM)
    assert f"{ROOM}/{approval}/approve" not in room.text
    assert send(finance, f"{ROOM}/{approval}/approve").status == 403
    assert refunds(world) == []

    second = sign_in(world, OTHER)
    room = second.get(ROOM)
    for said in ("R300.01 incl. VAT back to a reader", FINANCE, "Billed twice.", "ending in 4242"):
        assert said in room.words
    assert "Approved, and done" in second.post(f"{ROOM}/{approval}/approve").text
    assert refunds(world) == [30001]
    assert send(second, f"{ROOM}/{approval}/approve").status == 409, "once"
    assert refunds(world) == [30001]
    lines = world.rows(
        f"SELECT {BY}, act FROM audit_line WHERE act IN ('ask_approval', 'approve', 'refund') ORDER BY id"
    )
    assert [tuple(line.values()) for line in lines] == [
        (f"staff:{FINANCE}", "ask_approval"),
        (f"staff:{FINANCE}", "refund"),
        (f"staff:{OTHER}", "approve"),
    ]


def test_many_small_refunds_are_a_large_one(world: World, yearly: Subscriber, staff: SignIn) -> None:
    finance = staff("finance")
    for amount, so_far in (("150.00", [15000]), ("150.00", [15000] * 2), ("0.01", [15000] * 2)):
        ask(world, finance, yearly.reader_id, amount)
        assert refunds(world) == so_far
    assert len(waiting(world)) == 1
    other = sign_in(world, add(world, "finance", OTHER).email)
    ask(world, other, yearly.reader_id, "0.02")
    assert refunds(world) == [15000] * 2, "the sum is the reader's, whoever gives it"


def test_many_readers_are_no_way_round_it_either(world: World, yearly: Subscriber, staff: SignIn) -> None:
    finance = staff("finance")
    second = world.start_trial("pieter@example.org", "pm_card_visa__8", plan="yearly")["reader"]["id"]
    world.advance(days=16)
    finance = sign_in(world, FINANCE)
    ask(world, finance, yearly.reader_id, "300.00")
    ask(world, finance, second, "200.01")
    assert refunds(world) == [30000]
    ask(world, finance, second, "200.00")
    assert refunds(world) == [30000, 20000]


def test_two_at_once_from_one_member_are_counted_together(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    (payment,) = world.rows("SELECT id FROM payment")
    path = f"/staff/readers/{yearly.reader_id}/refund"
    forms = []
    for amount in ("200.00", "200.00"):
        finance.get(f"{path}?payment={payment['id']}")
        finance.post(path, amount=amount, step="preview")
        forms.append(finance.filled(path, amount=amount, reason="Both.", step="confirm"))
    with ThreadPoolExecutor(2) as both:
        list(both.map(finance.http.send, forms))
    assert refunds(world) == [20000]


@pytest.mark.parametrize("puppet", ["finance+2@paper.example", "FINANCE+x@paper.example"])
def test_a_second_membership_of_the_same_person_approves_nothing(
    world: World, yearly: Subscriber, staff: SignIn, puppet: str
) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    other = sign_in(world, add(world, "finance", puppet).email)
    assert send(other, f"{ROOM}/{approval}/approve").status == 403
    assert refunds(world) == []


def test_whom_an_admin_has_just_let_in_approves_nothing_of_theirs(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    admin = staff("admin")
    admin.get("/staff/members")
    admin.post("/staff/members", email=OTHER, role="finance")
    ask(world, admin, yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    other = sign_in(world, OTHER)
    assert send(other, f"{ROOM}/{approval}/approve").status == 403
    world.advance(days=6)
    assert send(sign_in(world, OTHER), f"{ROOM}/{approval}/approve").status == 403
    assert refunds(world) == []


def test_two_whom_one_admin_has_let_in_are_one_person(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    admin = staff("admin")
    for email in (FINANCE, OTHER):
        admin.get("/staff/members")
        admin.post("/staff/members", email=email, role="finance")
    ask(world, sign_in(world, FINANCE), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    other = sign_in(world, OTHER)
    assert "nor one who was let in by a member" in other.get(ROOM).words
    refused = send(other, f"{ROOM}/{approval}/approve")
    assert refused.status == 403
    assert "nor one who was let in by a member" in refused.words
    assert refunds(world) == []
    assert "Approved" in run_on(world, "staff", "approve", approval).stdout, "the way out"
    assert refunds(world) == [50000]


def test_who_was_given_an_authenticator_by_an_admin_approves_nothing_for_seven_days(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    admin, other = staff("admin"), add(world, "finance", OTHER)
    sign_in(world, OTHER)
    admin.get("/staff/members")
    admin.post(f"/staff/members/{other.id}/reset")
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    assert send(sign_in(world, OTHER), f"{ROOM}/{approval}/approve").status == 403
    assert refunds(world) == []
    world.advance(days=6, hours=23)
    assert send(sign_in(world, OTHER), f"{ROOM}/{approval}/approve").status == 403
    ask(world, sign_in(world, FINANCE), yearly.reader_id, "500.01")
    world.advance(hours=1)
    (_, second) = [row["id"] for row in world.rows("SELECT id FROM approval ORDER BY id")]
    assert send(sign_in(world, OTHER), f"{ROOM}/{second}/approve").status == 200
    assert refunds(world) == [50001]


@pytest.mark.parametrize("first_asks", [True, False])
def test_an_admin_whom_one_asked_for_and_another_approved_is_not_their_second(
    world: World, yearly: Subscriber, staff: SignIn, first_asks: bool
) -> None:
    admin = staff("admin")
    add(world, "admin", BOSS)
    admin.get("/staff/members")
    admin.post("/staff/members", email=OTHER, role="admin", reason="Runs the desk.")
    (approval,) = waiting(world)
    assert send(sign_in(world, BOSS), f"{ROOM}/{approval}/approve").status == 200
    new = sign_in(world, OTHER)
    asks, decides = (admin, new) if first_asks else (new, admin)
    ask(world, asks, yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    assert send(decides, f"{ROOM}/{approval}/approve").status == 403
    assert refunds(world) == []


@pytest.mark.parametrize("role", ["support", "editor"])
def test_other_roles_approve_nothing(world: World, yearly: Subscriber, staff: SignIn, role: str) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    other = staff(role)
    assert send(other, f"{ROOM}/{approval}/approve").status == 403
    assert other.get(ROOM).status == 403
    assert refunds(world) == []


def test_what_has_changed_meanwhile_is_not_done(world: World, yearly: Subscriber, staff: SignIn) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    admin = staff("admin")
    ask(world, admin, yearly.reader_id, "75.00")
    assert refunds(world) == [7500]
    admin.get(ROOM)
    page = admin.post(f"{ROOM}/{approval}/approve")
    assert "Something has changed" in page.text
    assert refunds(world) == [7500]
    assert waiting(world) == []


def test_after_seven_days_it_is_over(world: World, yearly: Subscriber, staff: SignIn) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    world.advance(days=7)
    admin = staff("admin")
    assert approval not in admin.get(ROOM).text
    assert send(admin, f"{ROOM}/{approval}/approve").status == 409
    assert refunds(world) == []


def test_what_is_declined_is_over_and_the_one_who_asked_may_take_it_back(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    ask(world, finance, yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    finance.get(ROOM)
    assert "Declined" in finance.post(f"{ROOM}/{approval}/decline").text
    assert send(staff("admin"), f"{ROOM}/{approval}/approve").status == 409
    assert refunds(world) == []


def test_a_member_who_was_sent_away_meanwhile_has_asked_for_nothing(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    (approval,) = waiting(world)
    world.execute(
        "UPDATE staff_member SET disabled_at = :at WHERE email = :email", at=world.now, email=FINANCE
    )
    admin = staff("admin")
    admin.get(ROOM)
    admin.post(f"{ROOM}/{approval}/approve")
    assert refunds(world) == []


def test_the_same_is_asked_for_once(world: World, yearly: Subscriber, staff: SignIn) -> None:
    finance = staff("finance")
    ask(world, finance, yearly.reader_id, "500.00")
    assert "waits for approval already" in ask(world, finance, yearly.reader_id, "500.00").words
    assert len(waiting(world)) == 1


def test_two_who_ask_for_the_same_at_once_ask_once(world: World) -> None:
    services = world.services

    @contextmanager
    def asking(email: str) -> Iterator[None]:
        member = StaffActor(email, add(world, "admin", email).id)
        with services.database.begin(services.site, world.now, member) as ctx:
            fail_instead_of_waiting(ctx.session)
            approvals.ask_for_admin(ctx, "new@paper.example", reason="Runs the desk.")
            yield

    with asking(ADMIN), pytest.raises(sa.exc.OperationalError), asking(BOSS):
        pytest.fail("the second waits for the first")
    with pytest.raises(approvals.AlreadyAsked), asking(FINANCE):
        pass
    assert len(waiting(world)) == 1


def test_a_new_admin_waits_for_another_admin(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    add(world, "admin", BOSS)
    for email in ("new@paper.example", add(world, "support").email):
        admin.get("/staff/members")
        assert admin.post("/staff/members", email=email, role="admin").status == 422, "it needs a reason"
        admin.post("/staff/members", email=email, role="admin", reason="Runs the desk.")
    assert world.rows("SELECT email FROM staff_member WHERE role = 'admin' ORDER BY 1") == [
        {"email": ADMIN},
        {"email": BOSS},
    ]
    finance = staff("finance")
    for approval in waiting(world):
        assert send(admin, f"{ROOM}/{approval}/approve").status == 403
        assert send(finance, f"{ROOM}/{approval}/approve").status == 403
    boss = sign_in(world, BOSS)
    boss.get(ROOM)
    for approval in waiting(world):
        assert "Approved" in boss.again(ROOM).post(f"{ROOM}/{approval}/approve").text
    assert len(world.rows("SELECT * FROM staff_member WHERE role = 'admin'")) == 4
    world.settle()
    notices = [one.text for one in world.letters(ADMIN) if "new admin" in one.subject]
    assert any("new@paper.example" in text for text in notices)


def test_the_database_knows_no_approval_by_oneself(world: World, yearly: Subscriber, staff: SignIn) -> None:
    ask(world, staff("finance"), yearly.reader_id, "500.00")
    with pytest.raises(sa.exc.IntegrityError, match="two_members_decide"):
        world.execute("UPDATE approval SET state = 'done', decided_by = asked_by, decided_at = asked_at")


def test_one_admin_alone_is_not_locked_out(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    admin.get("/staff/members")
    admin.post("/staff/members", email=BOSS, role="admin", reason="My deputy.")
    (approval,) = waiting(world)
    assert f"billing staff approve {approval}" in admin.get(ROOM).words
    assert approval in run_on(world, "staff", "waiting").stdout
    assert "Approved" in run_on(world, "staff", "approve", approval).stdout
    assert world.rows("SELECT role FROM staff_member WHERE email = :email", email=BOSS) == [{"role": "admin"}]
    assert run_on(world, "staff", "approve", approval).exit_code != 0


def test_of_an_admin_whom_the_command_adds_the_others_hear(world: World, staff: SignIn) -> None:
    staff("admin")
    run_on(world, "staff", "add", BOSS, "--role", "admin")
    world.settle()
    assert BOSS in world.letter(ADMIN, "new admin").text


def test_what_two_have_decided_leaves_each_their_own(world: World, make_world: Callable[..., World]) -> None:
    world = make_world(second_person_limit=30000, second_person_day_limit=30000)
    reader = subscriber(world, "yearly")
    finance = sign_in(world, add(world, "finance").email)
    ask(world, finance, reader.reader_id, "400.00")
    other = sign_in(world, add(world, "finance", OTHER).email)
    other.get(ROOM)
    other.post(f"{ROOM}/{waiting(world)[0]}/approve")
    ask(world, finance, reader.reader_id, "75.00")
    assert sorted(refunds(world)) == [7500, 40000]
