"""A reader has died: the subscription ends quietly, and nothing is sent to them any more."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.mail import suppressions
from billing.mail.models import STOPPED
from billing.mail.suppression_models import SuppressionReason
from billing.personal_data import register
from billing.platform.actors import Command
from billing.readers import deceased
from billing.readers.register import lock_reader
from tests.support import ledger_checks
from tests.support.another_address import NEW, confirmed
from tests.support.browser import Answer, Browser
from tests.support.erasures import ask_for, mentions
from tests.support.merging import SECOND, do_merge, healthy
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

READER = "thandi@example.com"
EXECUTOR = "executor@attorneys.example"
FORM = {"name": "A. van Wyk", "email": EXECUTOR}


def page_of(reader: Subscriber) -> str:
    return f"/staff/readers/{reader.reader_id}"


def record(member: Browser, reader: Subscriber, **typed: str) -> Answer:
    """A member records the death: the form, the preview, the button."""
    where = f"{page_of(reader)}/deceased"
    member.get(where)
    member.post(where, **FORM | typed, step="preview")
    return member.post(where, **FORM | typed, step="confirm", reason="her daughter called")


def take_back(member: Browser, reader: Subscriber) -> Answer:
    where = f"{page_of(reader)}/undo-deceased"
    member.get(where)
    return member.post(where, step="confirm", reason="another reader of that name")


def ask_for_link(world: World, email: str = READER) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=email)
    world.settle()


def state(world: World) -> str:
    """Of the only subscription."""
    (row,) = world.rows("SELECT state FROM subscription")
    return str(row["state"])


def received(world: World, email: str = READER) -> int:
    return len(world.letters(email))


def test_it_ends_quietly_and_only_the_correspondent_is_written_to(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    reader = world.browser()
    reader.sign_in(READER)
    before = received(world)
    support = staff("support")
    page = support.get(page_of(paid))
    assert f"{page_of(paid)}/deceased" in page.text
    support.get(f"{page_of(paid)}/deceased")
    page = support.post(f"{page_of(paid)}/deceased", **FORM, chosen="last", step="preview")
    assert "R75.00 incl. VAT goes back" in page.words
    assert f"Nothing is sent to {READER} any more" in page.words
    assert "Nothing is done yet." in page.words
    page = record(support, paid, chosen="last")
    assert page.path == page_of(paid), page.words
    assert "The reader has died." in page.words
    assert EXECUTOR in page.words
    world.advance(minutes=1)

    assert state(world) == "ended"
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]
    letter = world.letter(EXECUTOR, "has ended, as its reader has died")
    words = " ".join(letter.text.split())
    assert "R75.00 incl. VAT goes back to the card that paid" in words
    assert "CN-000001" in words
    assert "The subscription ended with its reader’s death" in words
    assert "daughter" not in words
    assert reader.get("/account").path == "/sign-in", "signed out"

    charges = len(world.charges())
    ask_for_link(world)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="other", email=READER, words="Where is my paper?")
    world.advance(days=40)
    assert received(world) == before
    assert len(world.charges()) == charges
    assert received(world, EXECUTOR) == 1
    answers = {row["last_answer"] for row in world.rows(
        "SELECT last_answer FROM message WHERE recipient = :it AND state = 'refused'", it=READER)}  # fmt: skip
    assert answers == {f"0 {STOPPED}"}
    world.start_trial("thandiwe@example.com", "pm_card_visa__2")
    world.settle()
    assert staff("support").get("/staff/find?q=thandi").text.count("has died</span>") == 1
    (line,) = world.rows("SELECT reason, cents FROM audit_line WHERE act = 'deceased'")
    assert (line["reason"], line["cents"]) == ("her daughter called", 7500)
    ledger_checks.check(world)


def test_a_later_refund_goes_to_the_correspondent(world: World, paid: Subscriber, staff: SignIn) -> None:
    before = received(world)
    support = staff("support")
    record(support, paid)
    world.settle()
    assert world.sandbox.refunds() == [], "nothing was charged since"
    (payment,) = world.rows("SELECT id FROM payment")
    where = f"{page_of(paid)}/refund"
    support.get(f"{where}?payment={payment['id']}")
    support.post(where, amount="20", step="preview")
    support.post(where, amount="20", step="confirm", reason="goodwill")
    world.advance(minutes=5)
    assert world.mail_kinds(EXECUTOR) == ["death_recorded", "refunded"]
    assert received(world) == before


def test_a_mail_that_waits_when_it_is_recorded_does_not_go_out(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    before = received(world)
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="other", email=READER, words="Where is my paper?")
    record(staff("support"), paid)
    world.settle()
    assert received(world) == before


def test_it_is_taken_back_with_a_reason(world: World, paid: Subscriber, staff: SignIn) -> None:
    support = staff("support")
    record(support, paid)
    ask_for_link(world)
    before = received(world)
    page = take_back(support, paid)
    assert "The reader has died." not in page.words
    world.advance(minutes=11)
    ask_for_link(world)
    assert received(world) == before + 1
    assert state(world) == "ended"
    reasons = [
        row["reason"]
        for row in world.rows("SELECT reason FROM audit_line WHERE act = 'deceased' ORDER BY id")
    ]
    assert reasons == ["her daughter called", "another reader of that name"]
    assert take_back(support, paid).status == 422
    assert record(support, paid).path == page_of(paid), "recorded again"


def test_what_staff_stopped_besides_stays_stopped(world: World, paid: Subscriber, staff: SignIn) -> None:
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        suppressions.suppress(
            ctx, READER, scope=suppressions.ALL, reason=SuppressionReason.STAFF, source="a letter"
        )
    support = staff("support")
    record(support, paid)
    take_back(support, paid)
    before = received(world)
    ask_for_link(world)
    assert received(world) == before


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"email": READER.upper()}, "other than the reader’s"),
        ({"email": "executor@"}, "look like an email address"),
        ({"name": " "}, "Give the name"),
        ({"asked": "2030-01-01T10:00"}, "still to come"),
        ({"asked": "yesterday"}, "Give the day and the time"),
    ],
)
def test_bad_input_does_nothing(
    world: World, paid: Subscriber, staff: SignIn, typed: dict[str, str], says: str
) -> None:
    page = record(staff("support"), paid, **typed)
    assert says in page.words
    assert page.status in (409, 422)
    assert world.rows("SELECT 1 FROM deceased_reader") == []
    assert state(world) == "active"


def test_two_members_at_once_record_it_once(world: World, paid: Subscriber, staff: SignIn) -> None:
    members = [staff("support", f"{name}@paper.example") for name in ("sipho", "nandi")]
    where = f"{page_of(paid)}/deceased"
    for member in members:
        member.get(where)
        member.post(where, **FORM, chosen="last", step="preview")
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(
                lambda one: one.post(where, **FORM, chosen="last", step="confirm", reason="called").status,
                members,
            )
        )
    assert sorted(found) == [200, 409]
    world.advance(minutes=1)
    assert len(world.sandbox.refunds()) == 1
    assert len(world.rows("SELECT 1 FROM deceased_reader")) == 1
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]


def test_without_a_subscription_it_stops_mail_too(world: World, staff: SignIn) -> None:
    browser = world.browser()
    browser.sign_in(READER)
    (row,) = world.rows("SELECT id FROM reader WHERE email = :it", it=READER)
    before = received(world)
    page = record(staff("support"), Subscriber(READER, row["id"], ""))
    assert "The reader has died." in page.words
    ask_for_link(world)
    assert received(world) == before
    assert "gets no more mail, as its reader has died" in world.subjects(EXECUTOR)[0]


def test_the_stop_follows_the_reader_to_an_account_merged_with_theirs(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    record(staff("support"), paid)
    browser = world.browser()
    browser.sign_in(SECOND)
    (other,) = world.rows("SELECT id FROM reader WHERE email = :it", it=SECOND)
    before = received(world, SECOND)
    do_merge(world, other["id"], paid.reader_id)
    healthy(world)
    world.advance(minutes=11)
    ask_for_link(world, SECOND)
    assert received(world, SECOND) == before
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        found = deceased.of(ctx.session, other["id"])
        assert found is not None
        deceased.take_back(ctx, lock_reader(ctx.session, other["id"]))
    world.advance(minutes=11)
    ask_for_link(world, SECOND)
    assert received(world, SECOND) > before


def test_the_stop_follows_the_reader_to_another_address(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    record(support, paid)
    confirmed(world, paid.reader_id)
    world.settle()
    before = received(world, NEW)
    ask_for_link(world, NEW)
    assert received(world, NEW) == before
    take_back(support, paid)
    world.advance(minutes=11)
    ask_for_link(world, NEW)
    assert received(world, NEW) == before + 1
    assert world.rows("SELECT 1 FROM suppression WHERE lifted_at IS NULL") == []


def test_what_waits_for_the_correspondent_stays_theirs_at_another_address(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    record(staff("support"), paid)
    confirmed(world, paid.reader_id)
    world.settle()
    assert world.mail_kinds(EXECUTOR) == ["death_recorded"]


def test_the_record_is_exported_and_erased_with_the_account(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    record(staff("support"), paid)
    (entry,) = [one for one in register.TABLES if one.table == "deceased_reader"]
    (kept,) = world.rows(entry.select, reader_id=paid.reader_id, address=READER)
    assert kept["correspondent_email"] == EXECUTOR
    ask_for(world, paid.reader_id)
    world.advance(days=40)
    assert mentions(world, EXECUTOR, "van Wyk") == []
