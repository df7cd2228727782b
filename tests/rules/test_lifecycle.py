"""The table of transitions: every state with every event, and properties of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.lifecycle import TRANSITIONS, Event, NoSuchTransition, State, as_table, transition

LETTERS = {
    "T": State.TRIALING,
    "A": State.ACTIVE,
    "P": State.PAST_DUE,
    "Z": State.PAUSED,
    "E": State.ENDED,
}

# Where each event leads from trialing, active, past due, paused (Z) and ended; a dot where it cannot happen.
EXPECTED = {
    Event.TRIAL_EXTENDED: "T....",
    Event.EXTENDED: "TA...",
    Event.CANCEL_ASKED: "TAEE.",
    Event.CANCEL_UNDONE: "TA...",
    Event.CHARGED: "AAAA.",
    Event.DECLINED: "PPP..",
    Event.RAN_OUT: "EE...",
    Event.GAVE_UP: "..E..",
    Event.STOP_ORDERED: "EEEE.",
    Event.DISPUTED: "TAEE.",
    Event.ENDED_NOW: "EEEE.",
    Event.CHARGE_MOVED: "TAPZ.",
    Event.CARD_CHANGED: "TAPZ.",
    Event.SWITCH_ASKED: "TA...",
    Event.SWITCH_UNDONE: "TA...",
    Event.TERM_ANNOUNCED: ".A...",
    Event.TERM_EXTENDED: ".A...",
    Event.PRICE_ANNOUNCED: ".A...",
    Event.PRICE_KEPT: ".A...",
    Event.TERMS_CHANGED: "TA...",
    Event.PAUSE_ASKED: ".A...",
    Event.PAUSE_UNDONE: ".A...",
    Event.PAUSED: ".Z...",
    Event.PAUSE_EXTENDED: "...Z.",
    Event.PAUSE_ENDED: "...A.",
    Event.CHARGE_DAY_CHOSEN: ".A...",
    Event.CHARGE_DAY_UNDONE: ".A...",
    Event.UNREACHABLE: "EE.E.",
    Event.FIRST_CHARGE_REFUSED: ".E...",
}
PAIRS = [
    (state, event, leads_to)
    for event, row in EXPECTED.items()
    for state, leads_to in zip(State, row, strict=True)
]


def test_the_expectation_is_complete() -> None:
    assert set(EXPECTED) == set(Event)
    assert list(LETTERS.values()) == list(State)


@pytest.mark.parametrize(("state", "event", "leads_to"), PAIRS)
def test_each_transition(state: State, event: Event, leads_to: str) -> None:
    if leads_to == ".":
        with pytest.raises(NoSuchTransition) as refused:
            transition(state, event)
        assert (refused.value.state, refused.value.event) == (state, event)
        assert str(refused.value) == f"{event.value} cannot happen to a subscription that is {state.value}"
    else:
        assert transition(state, event) is LETTERS[leads_to]


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_no_story_leaves_the_end_or_pays_without_a_charge(story: list[Event]) -> None:
    state, charged = State.TRIALING, False
    for event in story:
        try:
            following = transition(state, event)
        except NoSuchTransition:
            continue
        assert state is not State.ENDED, "nothing happens after the end"
        charged = charged or event is Event.CHARGED
        state = following
        assert charged or state is not State.ACTIVE, "only a charge makes a trial active"


def test_every_living_state_can_end_at_once_and_by_stop_order() -> None:
    for state in (State.TRIALING, State.ACTIVE, State.PAST_DUE, State.PAUSED):
        assert transition(state, Event.ENDED_NOW) is State.ENDED
        assert transition(state, Event.STOP_ORDERED) is State.ENDED


def test_a_happening_is_its_value_and_says_what_it_means() -> None:
    for event in Event:
        assert event == event.value == str(event) == event.name.lower()
        assert Event(event.value) is event
        assert event.__doc__
        assert event.__doc__.endswith(".")
    assert len({event.__doc__ for event in Event}) == len(Event)


def test_the_rendered_table_holds_every_transition() -> None:
    head, rule, *rows = as_table().splitlines()
    states = [State(cell.split("`")[1]) for cell in head.split("|")[2:-2]]
    assert State.ENDED not in states
    assert rule.count("|") == head.count("|")
    read: dict[tuple[State, Event], State] = {}
    for row in rows:
        name, *cells, meaning = [cell.strip() for cell in row.strip("|").split("|")]
        event = Event(name.strip("`"))
        assert meaning == event.__doc__
        for state, cell in zip(states, cells, strict=True):
            if cell != "–":
                read[state, event] = State(cell.strip("`"))
    assert read == TRANSITIONS
