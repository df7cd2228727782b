"""The ways to an erasure: the reader's page, staff, a program, a command; what refuses it, and taking it back."""

from billing.changes import cancel
from billing.dev import seed
from billing.platform.actors import Command
from billing.subscriptions.find import latest_of
from tests.support.cli import run_on
from tests.support.erasures import ask_for, left_over, mentions
from tests.support.signed_in import prove_again, signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World


def is_erased(world: World, reader_id: str) -> bool:
    (row,) = world.rows("SELECT email FROM reader WHERE id = :id", id=reader_id)
    return str(row["email"]).endswith("@erased.invalid") and left_over(world, reader_id) == []


def test_a_reader_closes_the_account_after_a_fresh_sign_in(world: World, in_trial: Subscriber) -> None:
    browser = signed_in(world, in_trial.email)
    assert "Close my account" in browser.get("/account").words
    world.advance(hours=1)
    browser.get("/account/erase")
    prove_again(world, browser)
    assert browser.page.path == "/account/erase"
    assert "Your subscription ends now" in browser.page.words
    assert "R0 goes back to you" in browser.page.words
    assert "What stays, and why" in browser.page.words
    assert "one trial a person" in browser.page.words
    browser.post("/account/erase")
    assert browser.page.path == "/account/closed"
    assert browser.get("/account").path == "/sign-in", "signed out"
    world.settle()
    assert (
        world.subjects(in_trial.email)[-1]
        == "Your account at The Swartberg Post is closed and will be erased"
    )
    world.advance(days=2)
    assert is_erased(world, in_trial.reader_id)


def test_until_then_it_can_be_taken_back(world: World, in_trial: Subscriber) -> None:
    ask_for(world, in_trial.reader_id)
    world.settle()
    assert world.subscription(in_trial.subscription_id)["status"] == "ended"
    browser = signed_in(world, in_trial.email)
    assert "Your account will be erased" in browser.get("/account").words
    browser.get("/account/erase")
    browser.post("/account/erase/keep")
    assert "You keep your account" in browser.page.text
    world.advance(days=40)
    assert not is_erased(world, in_trial.reader_id)


def test_a_reader_who_subscribes_again_keeps_the_account(world: World, paid: Subscriber) -> None:
    world.advance(days=20)
    ask_for(world, paid.reader_id)
    world.settle()
    world.api.post(f"/v1/readers/{paid.reader_id}/trial-exceptions", json={"reason": "came back"})
    world.start_trial(paid.email)
    world.advance(days=2)
    assert not is_erased(world, paid.reader_id)


def test_staff_preview_it_and_say_why(world: World, paid: Subscriber, staff: SignIn) -> None:
    support, finance = staff("support"), staff("finance")
    where = f"/staff/readers/{paid.reader_id}"
    assert finance.get(f"{where}/erase").status == 403
    assert "Close and erase" in support.get(where).words
    page = support.get(f"{where}/erase")
    assert "The subscription ends now, and R75.00 incl. VAT goes back." in page.words
    assert "What stays: Invoices" in page.words
    support.post(f"{where}/erase", step="confirm", reason="asked by letter")
    assert support.page.path == where
    assert "Close and erase" not in support.page.words
    world.advance(days=2)
    assert is_erased(world, paid.reader_id)
    shown = staff("admin").get(where)
    assert (shown.status, "Write a note" in shown.words) == (200, False)
    note = world.api.post(f"/v1/readers/{paid.reader_id}/notes", json={"words": "Thandi rang"})
    assert note.json()["code"] == "already_erased"
    (line,) = world.rows("SELECT act, reason FROM audit_line WHERE act = 'erase' AND outcome = 'done'")
    assert line["reason"] == "asked by letter"


def test_a_program_asks_for_it_once(world: World, in_trial: Subscriber) -> None:
    path = f"/v1/readers/{in_trial.reader_id}/erase"
    key = {"Idempotency-Key": "erase-1"}
    first, again = (world.api.post(path, json={"reason": "asked in the app"}, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (202, again.json())
    assert world.api.post(path, json={"reason": "asked"}).json()["code"] == "erasure_asked"
    world.advance(days=2)
    assert is_erased(world, in_trial.reader_id)
    assert world.api.post(path, json={"reason": "asked"}).json()["code"] == "already_erased"


def test_the_command_says_what_it_does(world: World, in_trial: Subscriber) -> None:
    words = ("readers", "erase", in_trial.email, "--reason", "asked by phone")
    shown = run_on(world, *words, "--preview")
    assert "The subscription ends now, and R0.00 incl. VAT goes back." in shown.output.replace("\xa0", " ")
    assert world.rows("SELECT id FROM erasure") == []
    done = run_on(world, *words)
    assert done.exit_code == 0, done.output
    assert f"{in_trial.reader_id} is closed" in done.output
    world.advance(days=2)
    assert is_erased(world, in_trial.reader_id)


def test_a_disputed_payment_keeps_its_evidence(world: World, disputed: Subscriber) -> None:
    path = f"/v1/readers/{disputed.reader_id}/erase"
    assert world.api.post(path, json={"reason": "asked"}).json()["code"] == "dispute_open"
    browser = signed_in(world, disputed.email)
    assert "Until that is decided we keep what proves the payment" in browser.get("/account/erase").words


def test_a_year_gives_back_what_leaving_it_would(world: World, yearly: Subscriber) -> None:
    world.advance(days=60)
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        subscription = latest_of(ctx.session, yearly.reader_id)
        assert subscription is not None
        left = cancel.leaving(ctx, subscription, ctx.at)
    assert left is not None
    ask_for(world, yearly.reader_id)
    world.advance(days=2)
    (row,) = world.rows("SELECT sum(amount) AS cents FROM refund WHERE reader_id = :id", id=yearly.reader_id)
    assert row["cents"] == left.cents
    assert is_erased(world, yearly.reader_id)


def test_the_same_card_and_the_same_address_get_no_second_trial(world: World, in_trial: Subscriber) -> None:
    ask_for(world, in_trial.reader_id)
    world.advance(days=2)
    assert is_erased(world, in_trial.reader_id)
    assert world.try_trial(in_trial.email, "pm_card_mastercard").json()["code"] == "trial_used"
    assert world.try_trial("new@example.com", "pm_card_visa").json()["code"] == "trial_used"


def test_an_address_without_an_account_is_erased_too(world: World) -> None:
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    browser = world.browser()
    browser.get("/newsletters")
    browser.post("/newsletters", email="only@example.com", newsletter=["first-light"])
    world.settle()
    browser.get(world.mailed_link("only@example.com", "/newsletters/confirm/"))
    browser.post("/newsletters/confirm")
    assert mentions(world, "only@example.com") != []
    unknown = run_on(world, "readers", "erase", "nobody@example.com", "--reason", "asked")
    assert "There is no such reader" in f"{unknown.exception}"
    assert run_on(world, "readers", "erase", "only@example.com", "--reason", "asked").exit_code == 0
    world.advance(days=3)
    assert mentions(world, "only@example.com") == []
