"""`/v1/readers/{id}/forecast` predicts the charges that are then made."""

from datetime import datetime
from typing import Any

from tests.support.starting_points import MONTH_END, Subscriber, subscriber
from tests.support.world import ZONE, World, local


def forecast_of(world: World, reader_id: str, **query: int) -> list[tuple[str, int, str]]:
    """Days in Johannesburg, cents, plans."""
    answer = world.api.get(f"/v1/readers/{reader_id}/forecast", params=query)
    body: dict[str, Any] = answer.raise_for_status().json()
    assert body["total"]["amount"] == sum(row["amount"]["amount"] for row in body["charges"])
    return [
        (
            f"{datetime.fromisoformat(row['at']).astimezone(ZONE):%Y-%m-%d %H:%M}",
            row["amount"]["amount"],
            row["plan"],
        )
        for row in body["charges"]
    ]


def test_what_is_foretold_comes_to_the_minute(world: World) -> None:
    reader = subscriber(world, "in_trial", MONTH_END).reader_id
    ahead = forecast_of(world, reader, months=4)
    assert [day for day, _, _ in ahead] == [
        "2027-01-31 09:00",
        "2027-02-28 09:00",
        "2027-03-31 09:00",
        "2027-04-30 09:00",
    ]
    world.advance_to(local(2027, 3, 1))
    assert forecast_of(world, reader, months=2) == ahead[2:]
    world.advance_to(local(2027, 5, 1))
    assert world.charged_at(of=reader) == [day for day, _, _ in ahead]


def test_a_year_is_followed_by_months_and_whoever_cancels_pays_no_more(world: World) -> None:
    year = world.start_trial("sipho@example.com", "pm_card_visa__2", plan="yearly")
    month = world.start_trial("lerato@example.com", "pm_card_visa__3")
    assert forecast_of(world, year["reader"]["id"], months=15) == [
        ("2027-03-16 09:00", 75000, "yearly"),
        ("2028-03-16 09:00", 7500, "monthly"),
        ("2028-04-16 09:00", 7500, "monthly"),
        ("2028-05-16 09:00", 7500, "monthly"),
    ]
    world.api.post(f"/v1/subscriptions/{month['subscription']['id']}/cancel").raise_for_status()
    assert forecast_of(world, month["reader"]["id"]) == []
    assert world.api.get("/v1/readers/rdr_none/forecast").json()["code"] == "unknown_reader"
    too_far = world.api.get(f"/v1/readers/{year['reader']['id']}/forecast", params={"months": 61})
    assert too_far.status_code == 422
    assert too_far.headers["content-type"] == "application/problem+json"


def test_a_card_that_was_declined_is_tried_again_and_the_period_keeps_its_days(
    world: World, owing: Subscriber
) -> None:
    retry, *later = forecast_of(world, owing.reader_id, months=2)
    assert "2027-04-16" < retry[0] < "2027-04-25"
    assert [day for day, _, _ in later] == ["2027-05-16 09:00", "2027-06-16 09:00"]
