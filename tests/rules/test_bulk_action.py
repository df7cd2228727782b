"""The states of an act on many: every event in every state, and no way around the preview."""

from hypothesis import given
from hypothesis import strategies as st

from billing.rules.bulk_action import (
    ENDED,
    TRANSITIONS,
    WORKED_ON,
    BulkEvent,
    BulkState,
    after,
    needs_second_member,
)

S, E = BulkState, BulkEvent


@given(st.lists(st.sampled_from(BulkEvent), max_size=40))
def test_whatever_happens_nothing_is_done_without_a_preview_and_a_decision(events: list[BulkEvent]) -> None:
    state, seen = S.CHOOSING, [S.CHOOSING]
    for event in events:
        state = after(state, event) or state
        seen.append(state)
    if S.RUNNING in seen:
        begun = seen.index(S.RUNNING)
        assert S.PREVIEWED in seen[:begun]
        assert seen[begun - 1] in (S.PREVIEWED, S.ASKED)
        assert not {S.PREVIEWED, S.ASKED, S.CHECKING, S.CHOOSING} & set(seen[begun:]), (
            "what began isn't previewed again"
        )
    ends = [at for at, each in enumerate(seen) if each in ENDED]
    assert len(set(seen[ends[0] :])) == 1 if ends else True, "what has ended stays so"


def test_every_state_is_reached_and_only_an_end_has_no_way_on() -> None:
    assert set(TRANSITIONS.values()) | {S.CHOOSING} == set(BulkState)
    assert set(BulkState) - {state for state, _ in TRANSITIONS} == ENDED
    assert {state for state in BulkState if after(state, E.GIVE_UP)} == {
        S.CHOOSING,
        S.CHECKING,
        S.PREVIEWED,
        S.STOPPED,
    }
    assert WORKED_ON.isdisjoint(ENDED)


def test_the_number_of_readers_alone_may_need_two() -> None:
    assert [needs_second_member(readers, most_readers=200) for readers in (0, 200, 201)] == [
        False,
        False,
        True,
    ]
