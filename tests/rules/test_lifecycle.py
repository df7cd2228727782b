"""The table of moves: every pair of a state and a happening, and what follows from the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.lifecycle import MOVES, Happening, MoveRefused, State, as_table, move

LETTERS = {
    "T": State.TRIALING,
    "A": State.ACTIVE,
    "P": State.PAST_DUE,
    "Z": State.PAUSED,
    "E": State.ENDED,
}

# Where each happening leads from trialing, active, past due, paused (Z) and ended; a dot where it cannot happen.
EXPECTED = {
    Happening.TRIAL_EXTENDED: "T....",
    Happening.EXTENDED: "TA...",
    Happening.CANCEL_ASKED: "TAEE.",
    Happening.CANCEL_UNDONE: "TA...",
    Happening.CHARGED: "AAAA.",
    Happening.DECLINED: "PPP..",
    Happening.RAN_OUT: "EE...",
    Happening.GAVE_UP: "..E..",
    Happening.STOP_ORDERED: "EEEE.",
    Happening.DISPUTED: "TAEE.",
    Happening.ENDED_NOW: "EEEE.",
    Happening.CARD_CHANGED: "TAPZ.",
    Happening.SWITCH_ASKED: ".A...",
    Happening.SWITCH_UNDONE: ".A...",
    Happening.TERM_ANNOUNCED: ".A...",
    Happening.TERM_EXTENDED: ".A...",
    Happening.PRICE_ANNOUNCED: ".A...",
    Happening.PRICE_KEPT: ".A...",
    Happening.TERMS_CHANGED: ".A...",
    Happening.PAUSE_ASKED: ".A...",
    Happening.PAUSE_UNDONE: ".A...",
    Happening.PAUSED: ".Z...",
    Happening.PAUSE_EXTENDED: "...Z.",
    Happening.PAUSE_ENDED: "...A.",
    Happening.UNREACHABLE: "EE.E.",
    Happening.FIRST_CHARGE_REFUSED: ".E...",
}
PAIRS = [
    (state, happening, leads_to)
    for happening, row in EXPECTED.items()
    for state, leads_to in zip(State, row, strict=True)
]


def test_the_expectation_is_complete() -> None:
    assert set(EXPECTED) == set(Happening)
    assert list(LETTERS.values()) == list(State)


@pytest.mark.parametrize(("state", "happening", "leads_to"), PAIRS)
def test_each_move(state: State, happening: Happening, leads_to: str) -> None:
    if leads_to == ".":
        with pytest.raises(MoveRefused) as refused:
            move(state, happening)
        assert (refused.value.state, refused.value.happening) == (state, happening)
        assert (
            str(refused.value) == f"{happening.value} cannot happen to a subscription that is {state.value}"
        )
    else:
        assert move(state, happening) is LETTERS[leads_to]


@given(st.lists(st.sampled_from(Happening), max_size=30))
def test_no_story_leaves_the_end_or_pays_without_a_charge(story: list[Happening]) -> None:
    state, charged = State.TRIALING, False
    for happening in story:
        try:
            following = move(state, happening)
        except MoveRefused:
            continue
        assert state is not State.ENDED, "nothing happens after the end"
        charged = charged or happening is Happening.CHARGED
        state = following
        assert charged or state is not State.ACTIVE, "only a charge makes a trial active"


def test_every_living_state_can_end_at_once_and_by_stop_order() -> None:
    for state in (State.TRIALING, State.ACTIVE, State.PAST_DUE, State.PAUSED):
        assert move(state, Happening.ENDED_NOW) is State.ENDED
        assert move(state, Happening.STOP_ORDERED) is State.ENDED


def test_a_happening_is_its_value_and_says_what_it_means() -> None:
    for happening in Happening:
        assert happening == happening.value == str(happening) == happening.name.lower()
        assert Happening(happening.value) is happening
        assert happening.__doc__
        assert happening.__doc__.endswith(".")
    assert len({happening.__doc__ for happening in Happening}) == len(Happening)


def test_the_rendered_table_holds_every_move() -> None:
    head, rule, *rows = as_table().splitlines()
    states = [State(cell.split("`")[1]) for cell in head.split("|")[2:-2]]
    assert State.ENDED not in states
    assert rule.count("|") == head.count("|")
    read: dict[tuple[State, Happening], State] = {}
    for row in rows:
        name, *cells, meaning = [cell.strip() for cell in row.strip("|").split("|")]
        happening = Happening(name.strip("`"))
        assert meaning == happening.__doc__
        for state, cell in zip(states, cells, strict=True):
            if cell != "–":
                read[state, happening] = State(cell.strip("`"))
    assert read == MOVES
