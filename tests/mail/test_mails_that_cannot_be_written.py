"""One kind of mail can't be rendered: the others are sent, it waits, staff get a case, and nothing is lost."""

from typing import Any

import pytest

from billing.mail import unreachable
from billing.platform import heartbeat
from billing.platform.installation import is_home_in
from billing.reports import doctor, watch
from tests.support.broken_templates import broken_template
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READERS = [f"reader{number}@example.com" for number in range(6)]
SYNTAX, UNDEFINED, FILTER = "{% if %}", "{{ nothing.of_that_name }}", "{{ house|no_such_filter }}"


def six_to_be_charged(world: World) -> None:
    """It is 8:00 on the day of the first charge of six readers. A seventh is charged on the next day."""

    def live() -> None:
        for number, email in enumerate(READERS):
            world.start_trial(email, f"pm_card_visa__{number}")
        world.advance_to(local(2027, 3, 2, 10))
        world.start_trial("a-day-later@example.com", "pm_card_visa__6")
        world.advance_to(local(2027, 3, 16, 8))

    world.once("six to be charged", live)


def mails(world: World, kind: str) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM message WHERE kind = :kind ORDER BY id", kind=kind)


def states(world: World, kind: str) -> set[str]:
    return {row["state"] for row in mails(world, kind)}


def looked(world: World) -> None:
    """The watch's minute: a worker is there."""
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    watch.check_others(world.services.database, world.services.site, world.now)


def cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM staff_case WHERE kind = 'mail_not_written' ORDER BY id")


@pytest.mark.parametrize("source", [SYNTAX, UNDEFINED, FILTER])
def test_the_others_go_out_and_it_goes_out_once_the_template_is_mended(world: World, source: str) -> None:
    six_to_be_charged(world)
    with broken_template("receipt", source):
        world.advance_to(local(2027, 3, 16, 12))
        assert len(world.charges()) == 6
        assert states(world, "receipt") == {"queued"}
        browser = world.browser()
        browser.get("/sign-in")
        browser.post("/sign-in", email=READERS[0])
        world.settle()
        assert world.mail_kinds(READERS[0])[-1] == "sign_in_link"
        looked(world)
        (case,) = cases(world)
        assert "6 wait" in case["what"]
        assert "kind receipt" in case["what"]
        names = {
            one.promise.name
            for one in doctor.examine(world.services.database, world.services.site, world.now)
            if one.count
        }
        assert names == {"mail-can-be-written"}
        looked(world)
        assert len(cases(world)) == 1
    world.advance(hours=2)
    assert states(world, "receipt") == {"accepted"}
    for email in READERS:
        assert len([letter for letter in world.letters(email) if "Tax invoice" in letter.subject]) == 1
    looked(world)
    assert cases(world)[0]["closed_at"] is not None
    with broken_template("receipt", source):
        world.advance_to(local(2027, 3, 17, 12))
        looked(world)
        assert len(cases(world)) == 2, "another time is another case"


def test_one_whose_facts_make_no_sense_holds_up_no_other(world: World) -> None:
    six_to_be_charged(world)
    with broken_template("receipt", SYNTAX):
        world.advance_to(local(2027, 3, 16, 12))
    world.execute(
        'UPDATE message SET fields = fields || \'{"paid_on": "no day", "never": 1}\' WHERE id = :id',
        id=mails(world, "receipt")[0]["id"],
    )
    world.advance(hours=2)
    assert [row["state"] for row in mails(world, "receipt")] == ["queued"] + 5 * ["accepted"]
    assert "WrongFields" in mails(world, "receipt")[0]["last_answer"]


def test_an_address_is_not_taken_for_one_that_refuses_mail_because_we_could_not_write(world: World) -> None:
    six_to_be_charged(world)
    (reader, *_) = world.rows("SELECT id, email FROM reader ORDER BY email")
    browser = world.browser()
    with broken_template("sign_in_link", SYNTAX):
        browser.get("/sign-in")
        browser.post("/sign-in", email=reader["email"])
        world.advance(hours=2)
    assert states(world, "sign_in_link") == {"expired"}
    with world.services.database.transaction() as session:
        assert not unreachable.refuses(session, reader["id"], reader["email"])


def test_a_notice_that_cannot_be_written_moves_the_charge(world: World, in_trial: Subscriber) -> None:
    with broken_template("trial_notice", UNDEFINED):
        world.advance_to(local(2027, 3, 9, 10))  # the notice of 8 March is too late by then
    world.advance_to(local(2027, 3, 16, 12))
    assert world.charges() == []
    assert world.rows("SELECT ended_at FROM subscription") == [{"ended_at": None}]
    world.advance(days=5)
    assert len(world.charges()) == 1
