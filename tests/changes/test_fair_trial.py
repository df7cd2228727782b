"""One trial for each person, even after their rows are deleted; staff may grant another with a reason."""

import psycopg

from tests.support.world import World

EMAIL = "Nandi.Dube+paper@gmail.com"


def test_the_claims_name_nobody_and_outlive_whom_they_are_about(world: World) -> None:
    begun = world.start_trial(EMAIL, "pm_card_visa__77")
    assert world.try_trial("nandidube@gmail.com", "pm_card_visa__78").json()["code"] == "trial_used"
    claims = world.rows("SELECT kind, digest FROM trial_claim ORDER BY kind")
    assert [claim["kind"] for claim in claims] == ["address", "card"]
    assert all("nandi" not in claim["digest"].lower() and "@" not in claim["digest"] for claim in claims)
    world.api.post(
        f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={"when": "now"}
    ).raise_for_status()
    with psycopg.connect(world.url_of_database) as connection:  # what an erasure leaves behind
        connection.execute("UPDATE reader SET email = id || '@erased.invalid', external_id = NULL")
        connection.execute("UPDATE card_setup SET email = ''")
    by_address = world.try_trial("nandidube@gmail.com", "pm_card_visa__79")
    by_card = world.try_trial("somebody.else@example.com", "pm_card_visa__77")
    assert (by_address.status_code, by_address.json()["code"]) == (409, "trial_used")
    assert (by_card.status_code, by_card.json()["code"]) == (409, "trial_used")


def test_staffs_leave_needs_a_reason_and_is_used_once(world: World) -> None:
    begun = world.start_trial(EMAIL, "pm_card_visa__77")
    world.api.post(
        f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={"when": "now"}
    ).raise_for_status()
    path = f"/v1/readers/{begun['reader']['id']}/trial-exceptions"
    assert world.api.post(path, json={"reason": ""}).status_code == 422
    assert world.api.post(path, json={"reason": "was in hospital"}).status_code == 201
    again = world.start_trial(EMAIL, "pm_card_visa__77")
    world.api.post(
        f"/v1/subscriptions/{again['subscription']['id']}/cancel", json={"when": "now"}
    ).raise_for_status()
    assert world.try_trial(EMAIL, "pm_card_visa__77").json()["code"] == "trial_used"
    leave = world.rows("SELECT reason, used_at IS NOT NULL AS used FROM trial_exception")
    assert leave == [{"reason": "was in hospital", "used": True}]
