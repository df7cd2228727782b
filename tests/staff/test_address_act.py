"""Staff and programs begin a change of address; the reader confirms it, and history keeps who it was."""

from tests.support.actors import BY
from tests.support.another_address import NEW, addresses, change, stop
from tests.support.erasures import ask_for
from tests.support.programs import program
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World


def test_support_begins_it_and_the_reader_confirms_in_any_browser(
    world: World, staff: SignIn, paid: Subscriber
) -> None:
    support = staff("support")
    path = f"/staff/readers/{paid.reader_id}/address"
    assert path in support.get(f"/staff/readers/{paid.reader_id}").text
    assert 'name="email" type="text" maxlength="254"' in support.get(path).text, "the longest address"
    page = support.post(path, email=NEW)
    assert f"{NEW} gets a link" in page.words
    page = support.post(
        path, email=NEW, reason="Rang us from her number; knows her last invoice", step="confirm"
    )
    assert page.path == f"/staff/readers/{paid.reader_id}", page.words
    assert "asked for" in support.get(f"/staff/readers/{paid.reader_id}?only=addresses").words
    world.settle()
    assert "We were asked to change" in world.letter(paid.email, "Another address was given").text
    world.advance(days=2)
    anywhere = world.browser()
    page = anywhere.get(world.mailed_link(NEW, "/account/address/link/"))
    assert paid.email not in page.text
    page = anywhere.post("/account/address/confirm")
    assert (page.path, addresses(world)) == ("/sign-in", [NEW])
    (line,) = world.rows(f"SELECT {BY}, reason FROM audit_line WHERE act = 'change_address'")
    assert line["by"] == "staff:support@paper.example"
    support = staff("support")
    page = support.get(f"/staff/readers/{paid.reader_id}?only=addresses")
    for words in (paid.email, NEW, "done", "staff:support@paper.example"):
        assert words in page.words
    support.get("/staff")
    assert support.get(f"/staff/find?q={paid.email}").path == f"/staff/readers/{paid.reader_id}"


def test_staff_learn_what_readers_dont(world: World, staff: SignIn, paid: Subscriber) -> None:
    world.start_trial(NEW, "pm_card_visa__2")
    support = staff("support")
    path = f"/staff/readers/{paid.reader_id}/address"
    support.get(path)
    assert "has an account of its own" in support.post(path, email=NEW).words
    assert "already" in support.again(path).post(path, email=paid.email).words
    assert (
        "did the reader mean thandi@gmail.com"
        in support.again(path).post(path, email="thandi@gmail.con").words
    )
    assert world.rows("SELECT id FROM address_change") == []


def test_it_is_not_offered_for_an_account_that_closes(world: World, staff: SignIn, paid: Subscriber) -> None:
    ask_for(world, paid.reader_id)
    support, page = staff("support"), f"/staff/readers/{paid.reader_id}"
    shown = support.get(page).text
    assert f"{page}/note" in shown
    assert f"{page}/address" not in shown
    support.get(f"{page}/address")
    assert "is being closed" in support.post(f"{page}/address", email=NEW).words


def test_a_program_begins_it_once(world: World, paid: Subscriber) -> None:
    path, body = f"/v1/readers/{paid.reader_id}/address", {"email": NEW, "reason": "asked in the app"}
    answers = [world.api.post(path, json=body, headers={"Idempotency-Key": "a-1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["email"] == NEW
    world.settle()
    assert world.mail_kinds(paid.email).count("address_asked") == 1
    world.browser().get(world.mailed_link(NEW, "/account/address/link/"))
    for email, code in ((paid.email, "same_address"), ("thandi@", "bad_address")):
        answer = world.api.post(path, json={"email": email, "reason": "x"})
        assert answer.json()["code"] == code
    world.start_trial("other@example.com", "pm_card_visa__2")
    answer = world.api.post(path, json={"email": "other@example.com", "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")


def test_its_key_needs_all_of_readers(world: World, paid: Subscriber) -> None:
    path = f"/v1/readers/{paid.reader_id}/address"
    answer = program(world, "readers:support").post(path, json={"email": NEW, "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_the_old_address_stops_what_staff_began(world: World, paid: Subscriber) -> None:
    path = f"/v1/readers/{paid.reader_id}/address"
    world.api.post(path, json={"email": NEW, "reason": "asked"}).raise_for_status()
    world.settle()
    page = stop(world, world.mailed_link(paid.email, "/address/stop/"))
    assert "The change is stopped" in page.words
    assert world.browser().get(world.mailed_link(NEW, "/account/address/link/")).status == 410


def test_a_stopped_change_stays_in_the_timeline(world: World, staff: SignIn, paid: Subscriber) -> None:
    change(world, paid.email)
    stop(world, world.mailed_link(paid.email, "/address/stop/"))
    page = staff("support").get(f"/staff/readers/{paid.reader_id}?only=addresses")
    assert "stopped, and the old address put back" in page.words
