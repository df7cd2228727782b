"""Five kinds of missing events raise an alarm, each where somebody sees it."""

from datetime import timedelta

import httpx

from billing.platform import heartbeat
from billing.platform.installation import is_home_in
from billing.timetable import Queue, tick
from tests.reports.operator import broken, command, execute
from tests.support.metrics import alarms, open_cases
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def worker(world: World) -> dict[str, object]:
    """What `/readyz` says of it."""
    said: dict[str, object] = httpx.get(f"{world.url}/readyz", trust_env=False).json()["worker"]
    return said


def test_a_notice_that_nobody_accepts_is_a_case_by_the_next_morning(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, local(2027, 3, 7))
    world.smtp.refuse(550, "no such mailbox", to=in_trial.email)
    world.advance_to(local(2027, 3, 8, 12))
    assert broken(world)["notices-are-accepted"] == [in_trial.reader_id]
    world.advance_to(local(2027, 3, 9, 4))
    [case] = world.rows("SELECT subject, what FROM staff_case WHERE closed_at IS NULL")
    assert case["subject"] == f"notices-are-accepted:{in_trial.reader_id}"
    assert "550 no such mailbox" in case["what"]
    assert open_cases(world) == {"promise_broken": 1}


def test_a_notice_that_the_mail_server_puts_off_all_day_is_told_too(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, local(2027, 3, 7))
    world.smtp.refuse(451, "later", to=in_trial.email)
    world.advance_to(local(2027, 3, 8, 20))
    assert "notices-are-accepted" not in broken(world), "it may still come"
    world.advance_to(local(2027, 3, 8, 21, 30))
    assert broken(world) == {"notices-are-accepted": [in_trial.reader_id]}
    world.smtp.mend()
    world.advance(hours=2)
    assert broken(world) == {}


def test_a_worker_that_is_gone_is_missed_by_all_others(world: World, staff: SignIn) -> None:
    assert worker(world) == {"state": "never_seen"}
    assert command(world, "doctor")[0] == 0, "a fresh installation has done nothing wrong"
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    assert (worker(world)["state"], alarms(world)) == ("seen", set())
    assert "No worker is at work" not in staff("support").get("/staff").words
    world.advance(days=3)
    assert worker(world)["state"] == "seen", "a held clock that leaps is nobody's silence"
    execute(world, "UPDATE worker_heartbeat SET at = at - interval '5 minutes 1 second'")
    world.advance(days=1)
    assert worker(world)["state"] == "silent"
    assert alarms(world) == {"workers_silent"}
    assert "No worker is at work. The last one was heard of" in staff("support").get("/staff").words
    code, said, _ = command(world, "doctor")
    assert (code, "1 broken  ticks-are-seen" in said) == (1, True), said
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    assert command(world, "doctor")[0] == 0


def doctor(world: World) -> dict[str, object]:
    """What `/readyz` says of the nightly examination."""
    said: dict[str, object] = httpx.get(f"{world.url}/readyz", trust_env=False).json()["doctor"]
    return said


def test_a_doctor_who_does_not_come_is_missed_within_two_hours(world: World, in_trial: Subscriber) -> None:
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    world.advance(days=2)
    [visit] = world.rows("SELECT next_at FROM doctor_visit ORDER BY at DESC LIMIT 1")
    world.skip_to(visit["next_at"] + timedelta(hours=2))
    tick(world.services, queue=Queue.WATCH)
    assert (doctor(world), alarms(world), open_cases(world)) == ({"state": "in_time"}, set(), {})
    world.skip_to(world.now + timedelta(minutes=1))
    tick(world.services, queue=Queue.WATCH)
    assert (doctor(world)["state"], alarms(world)) == ("late", {"doctor_late"})
    assert open_cases(world) == {"doctor_late": 1}
    tick(world.services, queue=Queue.DOCTOR)
    world.skip_to(world.now + timedelta(minutes=1))
    tick(world.services, queue=Queue.WATCH)
    assert (alarms(world), open_cases(world)) == (set(), {})
