"""A reader replaces a refusing address while a worker holds a mail to it: the mail goes to the new address."""

from datetime import timedelta

import pytest

from billing.changes import extend
from billing.platform.actors import StaffActor
from billing.timetable import Queue, tick
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World, local

OLD = "thandi@example.com"
NEW = "thandi@elsewhere.example"


@pytest.fixture
def browser(world: World) -> Browser:
    """A reader whose address refuses our mail, about to confirm another. A mail about more days waits."""
    browser = in_trial_by_pages(world)

    def live() -> None:
        world.smtp.refuse(550, "no such mailbox", to=OLD)
        world.advance_to(local(2027, 3, 13))

    world.once("the address refuses mail until 13 March", live)
    world.smtp.mend()
    world.smtp.refuse(550, "no such mailbox", to=OLD)
    browser.get("/account/address")
    browser.post("/account/address", email=NEW)
    world.settle()
    browser.get(world.mailed_link(NEW, "/account/address/link/"))
    services = world.services
    (row,) = world.rows("SELECT id FROM subscription")
    world.skip_to(world.now + timedelta(seconds=1))
    with services.database.begin(services.site, world.now, StaffActor("a")) as ctx:
        extend.extend(ctx, row["id"], 3, reason="asked")
    return browser


def _more_days(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT recipient, state FROM message WHERE kind = 'more_days'")
    return [(row["recipient"], row["state"]) for row in rows]


def _arrived(world: World, address: str) -> int:
    """How many mails about more days came there."""
    return sum("You have more days" in letter.subject for letter in world.smtp.to(address))


def _send(world: World) -> None:
    tick(world.services, queue=Queue.MAIL)


def test_what_the_old_one_refuses_meanwhile_goes_to_the_new_one(world: World, browser: Browser) -> None:
    world.smtp.meanwhile(lambda: browser.post("/account/address/confirm"), at="rcpt", to=OLD)
    _send(world)
    assert _more_days(world) == [(NEW, "accepted")]
    assert _arrived(world, NEW) == 1
    assert "do not reach you" not in browser.get("/account").words


def test_what_the_old_one_takes_meanwhile_goes_to_the_new_one_too(world: World, browser: Browser) -> None:
    world.smtp.mend()
    world.smtp.meanwhile(lambda: browser.post("/account/address/confirm"), at="dot", to=OLD)
    _send(world)
    assert (_arrived(world, OLD), _arrived(world, NEW)) == (1, 1), "the old mailbox may have no reader"
    assert _more_days(world) == [(NEW, "accepted")]


def test_what_waits_behind_others_goes_to_the_new_one_alone(world: World, browser: Browser) -> None:
    world.smtp.mend()
    world.start_trial("other@example.com", "pm_card_visa__2")
    world.execute(
        "UPDATE message SET next_attempt_at = next_attempt_at - interval '1 second' WHERE recipient = 'other@example.com'"
    )
    world.smtp.meanwhile(lambda: browser.post("/account/address/confirm"), at="dot", to="other@example.com")
    _send(world)
    assert (_arrived(world, OLD), _arrived(world, NEW)) == (0, 1)
