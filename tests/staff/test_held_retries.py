"""A retry that a stranger's form postpones is still made, on a day within the grace, if it could be made at all."""

from datetime import date

from billing.reports import doctor
from tests.support.requests_to_cancel import ask
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def noon(world: World, on: date) -> None:
    world.advance_to(local(on.year, on.month, on.day, 12))


def row(world: World) -> dict[str, object]:
    return world.rows("SELECT state, retry_on, first_failed_on, held_until, ended_reason FROM subscription")[
        0
    ]


def held_on_the_last_rung(world: World, owing: Subscriber) -> int:
    """Noon on the day of the last retry, which a form asked that morning to hold. The number of tries until then.
    Call it right after `owing`."""

    def live() -> int:
        while True:
            found = world.rows("SELECT retry_on, first_failed_on FROM subscription")[0]
            if (found["retry_on"] - found["first_failed_on"]).days >= 12:
                break
            noon(world, found["retry_on"])
        world.advance_to(local(found["retry_on"].year, found["retry_on"].month, found["retry_on"].day, 8))
        ask(world.browser(), email=owing.email)
        tries = len(world.sandbox.charges())
        noon(world, found["retry_on"])
        return tries

    return world.once("a form holds the last retry", live)


def test_the_last_retry_is_put_off_to_a_day_on_which_it_is_made(world: World, owing: Subscriber) -> None:
    tries = held_on_the_last_rung(world, owing)
    held = row(world)
    assert (held["state"], len(world.sandbox.charges())) == ("past_due", tries)
    until = date.fromisoformat(str(held["retry_on"]))
    assert (until - date.fromisoformat(str(held["first_failed_on"]))).days == 20, "the last day of the grace"
    assert f"{until.day} {until:%B %Y}" in world.letters(owing.email)[-1].subject
    noon(world, until)
    assert len(world.sandbox.charges()) == tries + 1, "tried on the day that was told"


def test_a_retry_on_the_last_day_of_the_grace_breaks_no_promise(world: World, owing: Subscriber) -> None:
    """It follows the request sooner than any other charge, since the subscription would end the next day."""
    held_on_the_last_rung(world, owing)
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], None)
    noon(world, date.fromisoformat(str(row(world)["retry_on"])))
    assert row(world)["state"] == "active"
    findings = doctor.examine(world.services.database, world.services.site, world.now)
    assert "no-charge-while-asked-to-cancel" not in [one.promise.name for one in findings if one.count]


def test_a_reader_who_keeps_it_after_the_hold_is_charged_on_the_day_that_was_told(
    world: World, owing: Subscriber
) -> None:
    held_on_the_last_rung(world, owing)
    browser = signed_in(world, owing.email)
    browser.get("/account")
    browser.post("/account/keep")
    tries = len(world.sandbox.charges())
    noon(world, date.fromisoformat(str(row(world)["retry_on"])))
    assert len(world.sandbox.charges()) == tries + 1
