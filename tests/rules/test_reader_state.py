"""How a reader stands: what runs comes first, then what refuses a start, then what is promised."""

import pytest

from billing.rules.lifecycle import State
from billing.rules.reader_state import PROMISED_TRIAL, ReaderFacts, ReaderState, reader_state

S = ReaderState


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (ReaderFacts(False), S.STRANGER),
        (ReaderFacts(True), S.REGISTERED),
        (ReaderFacts(True, trial_open=False), S.TRIAL_USED),
        (ReaderFacts(True, State.TRIALING, trial_open=False), S.IN_TRIAL),
        (ReaderFacts(True, State.ACTIVE, trial_open=False), S.SUBSCRIBED),
        (ReaderFacts(True, State.PAUSED, trial_open=False), S.PAUSED),
        (ReaderFacts(True, State.PAST_DUE, trial_open=False), S.PAYMENT_OPEN),
        (ReaderFacts(True, State.ENDED, trial_open=False), S.ENDED),
        (ReaderFacts(True, State.TRIALING, is_over=True, trial_open=False), S.ENDED),
        (ReaderFacts(True, State.ENDED, trial_open=False, withdrew=True), S.WITHDRAWN),
        (ReaderFacts(True, State.ENDED, trial_open=True, withdrew=True), S.REGISTERED),
        (ReaderFacts(True, State.ENDED, trial_open=True, disputed=True), S.DISPUTED),
        (ReaderFacts(True, State.ACTIVE, disputed=True), S.SUBSCRIBED),
    ],
)
def test_how_a_reader_stands(facts: ReaderFacts, state: ReaderState) -> None:
    assert reader_state(facts) is state


@pytest.mark.parametrize("latest", [None, *State])
@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("withdrew", [False, True])
@pytest.mark.parametrize("disputed", [False, True])
def test_no_signed_in_reader_is_promised_a_trial_that_is_used(
    latest: State | None, is_over: bool, withdrew: bool, disputed: bool
) -> None:
    facts = ReaderFacts(True, latest, is_over, trial_open=False, withdrew=withdrew, disputed=disputed)
    assert reader_state(facts) not in PROMISED_TRIAL
