"""A 5xx about the mailbox is final; one about our relay, our sender or our text is not (S6)."""

import pytest

from billing.dev.fake_smtp import Step
from tests.support.world import World

READER = "thandi@example.com"


def states(world: World) -> set[str]:
    return {row["state"] for row in world.rows("SELECT state FROM message")}


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("mail", "5.1.7 bad sender"),
        ("mail", "no more today"),
        ("data", "5.5.1 not now"),
        ("dot", "Message rejected: your address is not verified"),
        ("dot", "5.7.1 your domain has no SPF record"),
        ("rcpt", "5.7.1 relaying denied"),
    ],
)
def test_a_mail_that_the_relay_refuses_for_our_sake_is_tried_again(
    world: World, at: Step, words: str
) -> None:
    world.smtp.refuse(550, words, at=at)
    world.start_trial(READER)
    world.settle()
    assert states(world) == {"queued"}
    assert world.smtp.received == []
    world.smtp.mend()
    world.advance(hours=2)
    assert states(world) == {"accepted"}
    assert len(world.smtp.received_for(READER)) == len(world.rows("SELECT FROM message"))


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("rcpt", "no such mailbox"),
        ("rcpt", "5.1.1 no such mailbox"),
        ("rcpt", "5.4.1 recipient address rejected"),
        ("dot", "5.1.1 no such mailbox"),
        ("dot", "5.2.1 mailbox disabled"),
    ],
)
def test_a_mail_that_the_mailbox_refuses_is_not(world: World, at: Step, words: str) -> None:
    world.smtp.refuse(550, words, at=at)
    world.start_trial(READER)
    world.settle()
    assert states(world) == {"refused"}
    world.smtp.mend()
    world.advance(hours=2)
    assert states(world) == {"refused"}
