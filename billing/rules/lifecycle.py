"""The life of a subscription: its states, what can happen to it, and where that leads."""

from enum import StrEnum

from billing.rules.worded import WordedEnum


class State(StrEnum):
    """Where a subscription is. A cancelled one stays where it is until it runs out."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    ENDED = "ended"


class Event(WordedEnum):
    """What can happen to a subscription; each member's `__doc__` says when it does."""

    TRIAL_EXTENDED = "trial_extended", "A trial notice missed its window, so the first charge moves (CARD-4)."
    EXTENDED = (
        "extended",
        "Staff gave more days: the trial, or the paid period, ends later, and so does the next charge.",
    )
    CANCEL_ASKED = "cancel_asked", "The reader asked to cancel; what is free or paid for is read to its end."
    CANCEL_UNDONE = "cancel_undone", "The reader took the cancellation back before it took effect."
    CHARGED = "charged", "A charge succeeded: the first one, a renewal, or a retry."
    DECLINED = "declined", "A charge was refused for certain; reading goes on while retries run."
    RAN_OUT = "ran_out", "A cancelled subscription reached the end of what was free or paid for."
    GAVE_UP = "gave_up", "The grace after a refused charge passed without payment."
    STOP_ORDERED = "stop_ordered", "The reader told the bank to stop: that is a cancellation (RET-2)."
    DISPUTED = (
        "disputed",
        "A bank disputes a charge, or calls it fraudulent: nothing more is charged; what is free or paid for is read to its end.",
    )
    ENDED_NOW = "ended_now", "It was ended at once: by staff, or with a refund that takes the sale back."
    CHARGE_MOVED = (
        "charge_moved",
        "The next charge moved: by a rule of the ladder, for a request to cancel, or because the acquirer couldn't be asked.",
    )
    CARD_CHANGED = "card_changed", "The reader gave another card."
    SWITCH_ASKED = "switch_asked", "The reader chose another plan; it begins with the next charge."
    SWITCH_UNDONE = "switch_undone", "The reader took the change of plan back before it began."
    TERM_ANNOUNCED = (
        "term_announced",
        "A notice said when the year ends and that it goes on by the month (CPA-2).",
    )
    TERM_EXTENDED = (
        "term_extended",
        "A notice before the end of a year missed its window, so the year is longer (CPA-2, CARD-8).",
    )
    PRICE_ANNOUNCED = (
        "price_announced",
        "A notice named another price and the period with which it begins (CARD-8).",
    )
    PRICE_KEPT = (
        "price_kept",
        "The notice of another price did not arrive in time, so the price stays until another one has.",
    )
    TERMS_CHANGED = (
        "terms_changed",
        "The plan or the price that was chosen, or announced, began with a new period.",
    )
    PAUSE_ASKED = "pause_asked", "A pause begins when what is paid ends, and has a last day."
    PAUSE_UNDONE = "pause_undone", "The pause was taken back before it began."
    PAUSED = "paused", "What was paid has ended, and the pause has begun: no charge, no reading."
    PAUSE_EXTENDED = (
        "pause_extended",
        "The notice of the charge after a pause missed its window, so the pause is longer.",
    )
    PAUSE_ENDED = "pause_ended", "The pause is over; the next period begins with its charge."
    CHARGE_DAY_CHOSEN = (
        "charge_day_chosen",
        "The reader chose the day of the month for the charges; the next one moves to it.",
    )
    CHARGE_DAY_UNDONE = "charge_day_undone", "The choice of a day was taken back before the free days began."
    UNREACHABLE = (
        "unreachable",
        "The reader's mail server refused what must be said before a charge, after two extensions; nothing is charged.",
    )
    FIRST_CHARGE_REFUSED = "first_charge_refused", "A start without a trial failed at its first charge."


_TRIALING, _ACTIVE, _PAST_DUE, _PAUSED, _ENDED = State  # by position, in the order of its members
_ALIVE = (_TRIALING, _ACTIVE, _PAST_DUE, _PAUSED)
_STAYS = None
_ROWS: tuple[tuple[Event, tuple[State, ...], State | None], ...] = (
    (Event.TRIAL_EXTENDED, (_TRIALING,), _STAYS),
    (Event.EXTENDED, (_TRIALING, _ACTIVE), _STAYS),
    (Event.CANCEL_ASKED, (_TRIALING, _ACTIVE), _STAYS),
    (Event.CANCEL_ASKED, (_PAST_DUE, _PAUSED), _ENDED),
    (Event.CANCEL_UNDONE, (_TRIALING, _ACTIVE), _STAYS),
    (Event.CHARGED, _ALIVE, _ACTIVE),
    (Event.DECLINED, (_TRIALING, _ACTIVE, _PAST_DUE), _PAST_DUE),
    (Event.RAN_OUT, (_TRIALING, _ACTIVE), _ENDED),
    (Event.GAVE_UP, (_PAST_DUE,), _ENDED),
    (Event.STOP_ORDERED, _ALIVE, _ENDED),
    (Event.DISPUTED, (_TRIALING, _ACTIVE), _STAYS),
    (Event.DISPUTED, (_PAST_DUE, _PAUSED), _ENDED),
    (Event.ENDED_NOW, _ALIVE, _ENDED),
    (Event.CHARGE_MOVED, _ALIVE, _STAYS),
    (Event.CARD_CHANGED, _ALIVE, _STAYS),
    (Event.SWITCH_ASKED, (_TRIALING, _ACTIVE), _STAYS),
    (Event.SWITCH_UNDONE, (_TRIALING, _ACTIVE), _STAYS),
    (Event.TERM_ANNOUNCED, (_ACTIVE,), _STAYS),
    (Event.TERM_EXTENDED, (_ACTIVE,), _STAYS),
    (Event.PRICE_ANNOUNCED, (_ACTIVE,), _STAYS),
    (Event.PRICE_KEPT, (_ACTIVE,), _STAYS),
    (Event.TERMS_CHANGED, (_TRIALING, _ACTIVE), _STAYS),
    (Event.PAUSE_ASKED, (_ACTIVE,), _STAYS),
    (Event.PAUSE_UNDONE, (_ACTIVE,), _STAYS),
    (Event.PAUSED, (_ACTIVE,), _PAUSED),
    (Event.PAUSE_EXTENDED, (_PAUSED,), _STAYS),
    (Event.PAUSE_ENDED, (_PAUSED,), _ACTIVE),
    (Event.CHARGE_DAY_CHOSEN, (_ACTIVE,), _STAYS),
    (Event.CHARGE_DAY_UNDONE, (_ACTIVE,), _STAYS),
    (Event.UNREACHABLE, (_TRIALING, _ACTIVE, _PAUSED), _ENDED),
    (Event.FIRST_CHARGE_REFUSED, (_ACTIVE,), _ENDED),
)
TRANSITIONS = {(state, event): after or state for event, states, after in _ROWS for state in states}


class NoSuchTransition(Exception):
    """This cannot happen to a subscription in this state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event} cannot happen to a subscription that is {state}")
        self.state = state
        self.event = event


def transition(state: State, event: Event) -> State:
    """The state that `event` leads to from `state`; raises NoSuchTransition where the table has no such transition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NoSuchTransition(state, event) from None


def as_table() -> str:
    """The whole table in Markdown, a row for each event and a column for each state it can meet."""
    lines = [
        "| event | " + " | ".join(f"from `{state}`" for state in _ALIVE) + " | meaning |",
        "|---" * (len(_ALIVE) + 2) + "|",
    ]
    for event in Event:
        cells = [
            f"`{TRANSITIONS[state, event]}`" if (state, event) in TRANSITIONS else "–" for state in _ALIVE
        ]
        lines.append(f"| `{event}` | " + " | ".join(cells) + f" | {event.__doc__} |")
    return "\n".join(lines) + "\n"
