"""The states of an act on many readers, and what may happen in each. A row of `TRANSITIONS` that is missing isn't allowed."""

from enum import StrEnum

from billing.rules.worded import WordedEnum


class BulkState(WordedEnum):
    """How far it is; each member's `words` say it to staff."""

    CHOOSING = "choosing", "the readers are being listed"
    CHECKING = "checking", "each reader is being checked"
    PREVIEWED = "previewed", "waits for your decision"
    ASKED = "asked", "waits for a second member"
    RUNNING = "running", "is being done"
    STOPPED = "stopped", "stopped"
    DONE = "done", "done"
    GIVEN_UP = "given_up", "given up"


class BulkEvent(StrEnum):
    """What happens to it."""

    CHOSEN = "chosen"
    """All its readers are listed."""
    CHECKED = "checked"
    """All its readers are checked."""
    ASK = "ask"
    """More than one member may decide about."""
    DECLINE = "decline"
    """The second member said no, or didn't answer in time: the first one may ask again."""
    START = "start"
    STOP = "stop"
    RESUME = "resume"
    FINISH = "finish"
    """No reader is left."""
    GIVE_UP = "give_up"


S, E = BulkState, BulkEvent
TRANSITIONS: dict[tuple[BulkState, BulkEvent], BulkState] = {
    (S.CHOOSING, E.CHOSEN): S.CHECKING,
    (S.CHECKING, E.CHECKED): S.PREVIEWED,
    (S.PREVIEWED, E.START): S.RUNNING,
    (S.PREVIEWED, E.ASK): S.ASKED,
    (S.ASKED, E.START): S.RUNNING,
    (S.ASKED, E.DECLINE): S.PREVIEWED,
    (S.RUNNING, E.STOP): S.STOPPED,
    (S.STOPPED, E.RESUME): S.RUNNING,
    (S.RUNNING, E.FINISH): S.DONE,
    **{(state, E.GIVE_UP): S.GIVEN_UP for state in (S.CHOOSING, S.CHECKING, S.PREVIEWED, S.STOPPED)},
}
WORKED_ON = frozenset({S.CHOOSING, S.CHECKING, S.RUNNING})
"""The states in which a worker has something to do."""
ENDED = frozenset({S.DONE, S.GIVEN_UP})


def after(state: BulkState, event: BulkEvent) -> BulkState | None:
    """The next state; None where that can't happen now."""
    return TRANSITIONS.get((state, event))


def needs_second_member(readers: int, *, most_readers: int) -> bool:
    """Whether the number of readers alone asks for a second member. Money has its own rule (`second_person`)."""
    return readers > most_readers
