"""One true sentence about how the reader stands, and one button: for walls, the front page, the offer and what refuses a start."""

from billing.changes.situation import Situation
from billing.rules.reader_state import PROMISED_TRIAL, ReaderState
from billing.subscriptions.find import AnyPlan, AnyPrice
from billing.web.views.frame import NextStep, ReadOn
from emails.languages import named, say

START = "/subscribe"
_AGAIN = {
    ReaderState.TRIAL_USED: (say("You have had your free trial."), say("Subscribe")),
    ReaderState.ENDED: (say("You have had your free trial."), say("Start again")),
    ReaderState.WITHDRAWN: (
        say("You withdrew from it, and the free trial was used before."),
        say("Start again"),
    ),
}
TO_THE_ACCOUNT = say("Go to my account")


def next_step(
    situation: Situation, plan: AnyPlan, price: AnyPrice, read_on: ReadOn | None = None
) -> NextStep:
    """What this reader can do next. `plan` and `price` are what a start costs today; `read_on`: the article they came from."""
    state, period = situation.state, named("period", plan.period_label)
    if state in PROMISED_TRIAL:
        sentence = say(
            "%(days)s days free, then %(amount)s incl. VAT a %(period)s. Cancel within %(days)s days and you are not billed.",
            days=plan.trial_days,
            amount=price.money,
            period=period,
        )
        return NextStep(state=state, sentence=sentence, button=say("Start my free trial"), address=START)
    if state in _AGAIN:
        why, button = _AGAIN[state]
        costs = say("A subscription is %(amount)s incl. VAT a %(period)s.", amount=price.money, period=period)
        if state is not ReaderState.TRIAL_USED and situation.sentence:
            why = say("%(first)s %(second)s", first=situation.sentence, second=why)
        sentence = say("%(first)s %(second)s", first=why, second=costs)
        return NextStep(state=state, sentence=sentence, button=button, address=START)
    return _of_running(situation, read_on)


def _of_running(situation: Situation, read_on: ReadOn | None) -> NextStep:
    state, until = situation.state, situation.paused_until
    if state is ReaderState.DISPUTED:
        sentence = say(
            "Your bank has asked for a payment back. Until that is decided nothing is charged, and nothing can start."
        )
        return NextStep(state=state, sentence=sentence, button=TO_THE_ACCOUNT, address="/account")
    if situation.price is not None:
        if until is not None:
            return NextStep(
                state=state,
                sentence=say("Your subscription is paused until %(day)s.", day=until),
                button=say("End the pause now, %(amount)s incl. VAT", amount=situation.price),
                address="/account/pause/undo",
            )
        return NextStep(
            state=state,
            sentence=situation.sentence,
            button=say("Pay %(amount)s incl. VAT now", amount=situation.price),
            address="/account/pay",
            is_form=True,
        )
    if read_on is not None:
        button, address = say("Read on: %(title)s", title=read_on.title), read_on.url
    else:
        button, address = TO_THE_ACCOUNT, "/account"
    return NextStep(state=state, sentence=situation.sentence, button=button, address=address)
