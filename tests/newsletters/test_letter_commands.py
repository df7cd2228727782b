"""`billing bounces take` and `billing suppressions`, as a mail server's pipe and an operator use them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from billing.cli import billing
from tests.newsletters.room import Room
from tests.newsletters.test_relay import suppressed
from tests.newsletters.test_returned import arf, dsn, sent
from tests.proofs.workers import environment


def run(room: Room, *words: str, stdin: bytes = b"", **settings: str) -> Result:
    """The command on the room's database."""
    variables = environment(room.world.settings) | settings
    return CliRunner().invoke(billing, words, input=stdin, env=variables, catch_exceptions=True)


def test_a_bounce_from_a_pipe_and_a_complaint_from_a_file(room: Room, tmp_path: Path) -> None:
    one, other = sent(room, 2)
    done = run(room, "bounces", "take", "-", stdin=dsn(one.sender))
    assert (done.exit_code, done.output) == (0, "hard 5.1.1: taken\n")
    again = run(room, "bounces", "take", "-", stdin=dsn(one.sender))
    assert (again.exit_code, again.output) == (0, "hard 5.1.1: known already\n")
    by_argument = run(
        room,
        "bounces",
        "take",
        "--recipient",
        other.sender,
        "-",
        stdin=dsn("x@paper.example", status="5.2.2"),
    )
    assert by_argument.output == "soft 5.2.2: taken\n"
    file = tmp_path / "complaint.eml"
    file.write_bytes(arf(other.raw))
    assert run(room, "bounces", "take", str(file)).output == "complaint: taken\n"
    assert suppressed(room) == [("newsletters", "complaint"), ("newsletters", "hard_bounce")]


@pytest.mark.parametrize(
    "raw", [b"", b"To: b@example.com\r\n\r\nOn holiday.\r\n", dsn("b+1.000000000000000000000000@x.example")]
)
def test_what_is_none_of_ours_is_no_failure_and_changes_nothing(room: Room, raw: bytes) -> None:
    done = run(room, "bounces", "take", "-", stdin=raw)
    assert (done.exit_code, done.output) == (0, "no report about a mail of ours; nothing changed\n")
    assert suppressed(room) == []


def test_while_the_database_is_away_the_mail_server_keeps_the_report(room: Room) -> None:
    done = run(
        room,
        "bounces",
        "take",
        "-",
        stdin=dsn("x@x.example"),
        BILLING_DATABASE_URL="postgresql://127.0.0.1:1/none",
    )
    assert done.exit_code == 75
    assert "not taken, try again later" in done.output


def test_an_operator_stops_looks_and_lifts(room: Room) -> None:
    add = ("suppressions", "add", "Thandi@example.com", "--reason", "asked by phone", "--scope")
    assert run(room, *add, "all").output == "Done.\n"
    assert run(room, *add, "all").output == "That stands already.\n"
    assert run(room, *add, "newsletter:first-light").output == "Done.\n"
    shown = run(room, "suppressions", "show", "thandi@EXAMPLE.com").output
    assert "all  staff  since 2027-03-01  command: asked by phone" in shown
    assert "newsletter:first-light" in shown
    lift = ("suppressions", "lift", "thandi@example.com", "--reason", "asked again", "--scope")
    assert run(room, *lift, "all").exit_code == 0
    assert run(room, *lift, "all").exit_code == 1
    assert suppressed(room) == [("newsletter:first-light", "staff")]
    assert run(room, *add, "everything").exit_code == 1
    assert run(room, "suppressions", "show", "nobody@example.com").output == "Everything is sent there.\n"
