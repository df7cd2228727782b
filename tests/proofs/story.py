"""What every story has: the world it happens in, what its readers know, and what must hold after each step."""

from datetime import date
from typing import Any, ClassVar

import httpx
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from tests.support import ledger_checks, starting_points
from tests.support.independent_calendar import Told, keep_calendar, keep_promises, nothing_is_missed
from tests.support.power_cut import Power, PowerCut
from tests.support.world import World

REFUSALS = {400, 402, 404, 409, 422, 429}
AWAY = {500, 503}


def email_of(who: int) -> str:
    """An address of one of the two."""
    return f"reader-{who}@example.com"


class Story(RuleBasedStateMachine):
    """One story, without its steps."""

    ground: ClassVar[World]
    """Where all of them happen, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World = self.ground
        self.power = Power()
        self.told: dict[str, Told] = {}
        self.cards = iter(range(10, 1_000_000))
        self.stormy = self.ended_well = False
        self.touched = True

    @initialize(starting_point=st.sampled_from(sorted(starting_points.STARTING_POINTS)))
    def once_upon_a_time(self, starting_point: str) -> None:
        starting_points.go_to(self.world, starting_point, starting_points.MONTH_END)
        self._learn()
        for told in self.told.values():
            told.trial_on = date(2027, 1, 16)

    def newest(self, who: int) -> str | None:
        """The reader's last subscription."""
        found = self.world.rows(
            "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = :email"
            " ORDER BY s.started_at DESC, s.id DESC LIMIT 1",
            email=email_of(who),
        )
        return str(found[0]["id"]) if found else None

    def _learn(self) -> None:
        """What became of an act that was cut short, from the only one who knows. Subscriptions that began by a page too."""
        for row in self.world.rows("SELECT id, cancel_asked_at FROM subscription"):
            told = self.told.setdefault(row["id"], Told())
            told.asked_at = row["cancel_asked_at"]

    def call(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response | None:
        """A program's call; None when we died of it, or Stripe was away."""
        self.touched = True
        answer = self.world.api.post(path, json=body, headers=headers)
        if self.power.died_at is None and not (self.stormy and answer.status_code == 503):
            assert answer.status_code < 300 or answer.status_code in REFUSALS, answer.text
            return answer
        assert answer.status_code < 300 or answer.status_code in REFUSALS | AWAY, answer.text
        return None

    def of_the_newest(self, who: int, act: str, **body: Any) -> httpx.Response | None:
        """A call about the reader's last subscription."""
        subscription = self.newest(who)
        if subscription is None:
            return None
        return self.call(f"/v1/subscriptions/{subscription}/{act}", body)

    def _attempt(self, act: Any) -> bool:
        """Do something that may be cut short, or meet Stripe's silence."""
        self.touched = True
        try:
            act()
        except PowerCut:
            return False
        except Exception as problem:
            if getattr(problem, "code", None) is None:
                raise
            return False
        return True

    def _choose(self, choice: Any) -> bool:
        def act() -> None:
            with self.world.services.database.transaction() as session:
                choice(session)

        return self._attempt(act)

    def _restart(self) -> None:
        """Where the power was cut, it is back, and a new worker does what was left."""
        died_at = self.power.back()
        if died_at is not None:
            note(f"# dead where {died_at}")
            self.world.settle()

    @invariant()
    def all_is_well(self) -> None:
        """Nothing is left undone at this moment, and no promise is broken; asked where anything was done at all."""
        if not self.touched:
            return
        self.touched = self.ended_well = False
        if self.power.died_at is None:
            self._attempt(self.world.settle)
        if self.power.died_at is not None:
            self._restart()
            self._learn()
        self.touched = False
        self._learn_new()
        keep_promises(self.world)
        keep_calendar(self.world, self.told)
        self.ended_well = True

    def _learn_new(self) -> None:
        """What stops a subscription without its reader's word: a bank, a stop order, the end of a ladder."""
        for row in self.world.rows("SELECT id, cancel_asked_at, ended_at FROM subscription"):
            told = self.told.setdefault(row["id"], Told())
            stopped = row["cancel_asked_at"] or row["ended_at"]
            if told.asked_at is None and stopped is not None:
                told.asked_at = stopped

    def teardown(self) -> None:
        self.power.never()
        if not self.ended_well:
            return
        self.world.sandbox.faults()
        self.world.sandbox.trouble()
        self.world.advance(hours=27)
        keep_promises(self.world)
        keep_calendar(self.world, self.told)
        nothing_is_missed(self.world)
        ledger_checks.check(self.world)
