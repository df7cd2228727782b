"""Actors: a type, two columns, and a text for people."""

import pytest

from billing.platform.actors import (
    WORKER,
    Acquirer,
    Actor,
    ApiActor,
    Command,
    ReaderActor,
    StaffActor,
    Worker,
    actor_of,
    columns,
)

ACTORS: dict[str, Actor] = {
    "reader": ReaderActor("rdr_1"),
    "worker": WORKER,
    "doctor": Worker("doctor"),
    "stripe": Acquirer("stripe"),
    "staff:sipho@paper.example": StaffActor("sipho@paper.example", "stf_1", "127.0.0.1"),
    "api:the app": ApiActor("the app", "key_1", "127.0.0.1"),
    "command": Command(),
    "command: asked by phone": Command("asked by phone"),
}


@pytest.mark.parametrize("text", ACTORS)
def test_two_columns_bring_back_the_same_actor(text: str) -> None:
    actor = ACTORS[text]
    kept = actor_of(*columns(actor))
    assert (kept, str(kept)) == (actor, text)


def test_a_member_called_like_the_acquirer_is_not_the_acquirer() -> None:
    """A key's name is its owner's to choose."""
    assert columns(ApiActor("stripe")) != columns(Acquirer("stripe"))
