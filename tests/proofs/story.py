"""The base of random stories: the world, what its readers know, and the invariants after each step."""

from datetime import date
from typing import Any, ClassVar

import httpx
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from tests.support import ledger_checks, starting_points
from tests.support.independent_calendar import (
    ReaderKnowledge,
    assert_calendar_kept,
    assert_promises_kept,
    nothing_is_missed,
)
from tests.support.power_cut import Power, PowerCut
from tests.support.world import World

REFUSALS = {400, 402, 404, 409, 422, 429}
AWAY = {500, 503}


def email_of(who: int) -> str:
    """The address of one of the two readers."""
    return f"reader-{who}@example.com"


class Story(RuleBasedStateMachine):
    """One story; subclasses add its steps."""

    ground: ClassVar[World]
    """The world of all stories, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World = self.ground
        self.power = Power()
        self.known: dict[str, ReaderKnowledge] = {}
        self.cards = iter(range(10, 1_000_000))
        self.stormy = self.ended_well = False
        self.touched = True

    @initialize(starting_point=st.sampled_from(sorted(starting_points.STARTING_POINTS)))
    def once_upon_a_time(self, starting_point: str) -> None:
        starting_points.go_to(self.world, starting_point, starting_points.MONTH_END)
        self._learn()
        for knowledge in self.known.values():
            knowledge.trial_on = date(2027, 1, 16)

    def newest(self, who: int) -> str | None:
        """The id of the reader's last subscription."""
        found = self.world.rows(
            "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = :email"
            " ORDER BY s.started_at DESC, s.id DESC LIMIT 1",
            email=email_of(who),
        )
        return str(found[0]["id"]) if found else None

    def _learn(self) -> None:
        """Read from the database how an interrupted act ended, and which subscriptions began by a page."""
        for row in self.world.rows("SELECT id, cancel_asked_at FROM subscription"):
            knowledge = self.known.setdefault(row["id"], ReaderKnowledge())
            knowledge.cancelled_at = row["cancel_asked_at"]

    def call(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response | None:
        """Call the API; None if the power was cut or Stripe was away."""
        self.touched = True
        answer = self.world.api.post(path, json=body, headers=headers)
        if self.power.died_at is None and not (self.stormy and answer.status_code == 503):
            assert answer.status_code < 300 or answer.status_code in REFUSALS, answer.text
            return answer
        assert answer.status_code < 300 or answer.status_code in REFUSALS | AWAY, answer.text
        return None

    def of_the_newest(self, who: int, act: str, **body: Any) -> httpx.Response | None:
        """Call the API about the reader's last subscription."""
        subscription = self.newest(who)
        if subscription is None:
            return None
        return self.call(f"/v1/subscriptions/{subscription}/{act}", body)

    def _attempt(self, act: Any) -> bool:
        """Run an act that a power cut or a refusal may interrupt; return whether it completed."""
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
        """After a power cut, restore the power and let a new worker do the rest."""
        died_at = self.power.back()
        if died_at is not None:
            note(f"# dead where {died_at}")
            self.world.settle()

    @invariant()
    def all_is_well(self) -> None:
        """No due work is left and no promise is broken. Checked only after a step that did something."""
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
        assert_promises_kept(self.world)
        assert_calendar_kept(self.world, self.known)
        self.ended_well = True

    def _learn_new(self) -> None:
        """Read which subscriptions were ended by a bank, a stop order, or the end of the retries."""
        for row in self.world.rows("SELECT id, cancel_asked_at, ended_at FROM subscription"):
            knowledge = self.known.setdefault(row["id"], ReaderKnowledge())
            stopped_at = row["cancel_asked_at"] or row["ended_at"]
            if knowledge.cancelled_at is None and stopped_at is not None:
                knowledge.cancelled_at = stopped_at

    def teardown(self) -> None:
        self.power.never()
        if not self.ended_well:
            return
        self.world.sandbox.faults()
        self.world.sandbox.trouble()
        self.world.advance(hours=27)
        assert_promises_kept(self.world)
        assert_calendar_kept(self.world, self.known)
        nothing_is_missed(self.world)
        ledger_checks.check(self.world)
