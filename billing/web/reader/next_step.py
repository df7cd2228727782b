"""One true sentence about how the reader stands, and one button: for walls, the front page, the offer and what refuses a start."""

from datetime import date

from billing.changes.situation import Situation
from billing.rules.reader_state import PROMISED_TRIAL, ReaderState
from billing.subscriptions.find import AnyPlan, AnyPrice
from billing.web.views.frame import NextStep, ReadOn

START = "/subscribe"
_AGAIN = {
    ReaderState.TRIAL_USED: ("You have had your free trial.", "Subscribe"),
    ReaderState.ENDED: ("You have had your free trial.", "Start again"),
    ReaderState.WITHDRAWN: ("You withdrew from it, and the free trial was used before.", "Start again"),
}


def next_step(
    situation: Situation, plan: AnyPlan, price: AnyPrice, read_on: ReadOn | None = None
) -> NextStep:
    """What this reader can do next. `plan` and `price` are what a start costs today; `read_on`: the article they came from."""
    state, amount = situation.state, price.money.with_vat_words()
    if state in PROMISED_TRIAL:
        days = plan.trial_days
        sentence = f"{days} days free, then {amount} a {plan.period_label}. Cancel within {days} days and you are not billed."
        return NextStep(state=state, sentence=sentence, button="Start my free trial", address=START)
    if state in _AGAIN:
        why, button = _AGAIN[state]
        before = situation.sentence if state is not ReaderState.TRIAL_USED else ""
        sentence = f"{before} {why} A subscription is {amount} a {plan.period_label}.".strip()
        return NextStep(state=state, sentence=sentence, button=button, address=START)
    return _of_running(situation, read_on)


def _of_running(situation: Situation, read_on: ReadOn | None) -> NextStep:
    state, until = situation.state, situation.paused_until
    if state is ReaderState.DISPUTED:
        sentence = "Your bank has asked for a payment back. Until that is decided nothing is charged, and nothing can start."
        return NextStep(state=state, sentence=sentence, button="Go to my account", address="/account")
    if situation.price is not None:
        costs = situation.price.with_vat_words()
        if until is not None:
            return NextStep(
                state=state,
                sentence=f"Your subscription is paused until {_day(until)}.",
                button=f"End the pause now, {costs}",
                address="/account/pause/undo",
            )
        return NextStep(
            state=state,
            sentence=situation.sentence,
            button=f"Pay {costs} now",
            address="/account/pay",
            is_form=True,
        )
    if read_on is not None:
        button, address = f"Read on: {read_on.title}", read_on.url
    else:
        button, address = "Go to my account", "/account"
    return NextStep(state=state, sentence=situation.sentence, button=button, address=address)


def _day(on: date) -> str:
    return f"{on:%A %-d %B %Y}"
