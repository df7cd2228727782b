"""`billing newsletters`, `billing bounces take` and `billing suppressions`, as used by operators and a mail server's pipe."""

from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy.exc import IntegrityError

from tests.support.bounce_reports import arf, dsn
from tests.support.cli import run_on
from tests.support.newsroom import Newsroom


def test_a_bounce_from_a_pipe_and_a_complaint_from_a_file(newsroom: Newsroom, tmp_path: Path) -> None:
    one, other = newsroom.send_to(2)
    done = run_on(newsroom.world, "bounces", "take", "-", stdin=dsn(one.sender))
    assert (done.exit_code, done.output) == (0, "hard 5.1.1: taken\n")
    again = run_on(newsroom.world, "bounces", "take", "-", stdin=dsn(one.sender))
    assert (again.exit_code, again.output) == (0, "hard 5.1.1: known already\n")
    by_argument = run_on(
        newsroom.world,
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
    assert run_on(newsroom.world, "bounces", "take", str(file)).output == "complaint: taken\n"
    assert newsroom.suppressions() == [("newsletters", "complaint"), ("newsletters", "hard_bounce")]


@pytest.mark.parametrize(
    "raw", [b"", b"To: b@example.com\r\n\r\nOn holiday.\r\n", dsn("b+1.000000000000000000000000@x.example")]
)
def test_what_is_none_of_ours_is_no_failure_and_changes_nothing(newsroom: Newsroom, raw: bytes) -> None:
    done = run_on(newsroom.world, "bounces", "take", "-", stdin=raw)
    assert (done.exit_code, done.output) == (0, "no report about a mail of ours; nothing changed\n")
    assert newsroom.suppressions() == []


def test_while_the_database_is_away_the_mail_server_keeps_the_report(newsroom: Newsroom) -> None:
    done = run_on(
        newsroom.world,
        "bounces",
        "take",
        "-",
        stdin=dsn("x@x.example"),
        BILLING_DATABASE_URL="postgresql://127.0.0.1:1/none",
    )
    assert done.exit_code == 75
    assert "not taken, try again later" in done.output


def test_an_operator_stops_looks_and_lifts(newsroom: Newsroom) -> None:
    add = ("suppressions", "add", "Thandi@example.com", "--reason", "asked by phone", "--scope")
    assert run_on(newsroom.world, *add, "all").output == "Done.\n"
    assert run_on(newsroom.world, *add, "all").output == "That stands already.\n"
    assert run_on(newsroom.world, *add, "newsletter:first-light").output == "Done.\n"
    shown = run_on(newsroom.world, "suppressions", "show", "thandi@EXAMPLE.com").output
    assert "all  staff  since 2027-03-01  command: asked by phone" in shown
    assert "newsletter:first-light" in shown
    lift = ("suppressions", "lift", "thandi@example.com", "--reason", "asked again", "--scope")
    assert run_on(newsroom.world, *lift, "all").exit_code == 0
    assert run_on(newsroom.world, *lift, "all").exit_code == 1
    assert newsroom.suppressions() == [("newsletter:first-light", "staff")]
    assert run_on(newsroom.world, *add, "everything").exit_code == 1
    assert (
        run_on(newsroom.world, "suppressions", "show", "nobody@example.com").output
        == "Everything is sent there.\n"
    )


WORDS = {"--name": "Harbour Notes", "--description": "What the tide brought.", "--rhythm": "Sundays"}


def add(newsroom: Newsroom, newsletter_id: str, **changed: str) -> Result:
    """`billing newsletters add`, with `name`, `description` or `rhythm` changed."""
    given = WORDS | {f"--{name}": words for name, words in changed.items()}
    return run_on(
        newsroom.world,
        "newsletters",
        "add",
        newsletter_id,
        *(word for pair in given.items() for word in pair),
    )


def test_a_newsletter_is_begun_shown_and_can_be_chosen(newsroom: Newsroom) -> None:
    assert add(newsroom, "harbour-notes").output == "Harbour Notes stands at the end of /newsletters.\n"
    listed = run_on(newsroom.world, "newsletters", "list").output.splitlines()
    assert listed[-1] == "harbour-notes  Harbour Notes: Sundays; editorial, for everyone"
    assert "Harbour Notes" in newsroom.world.browser().get("/newsletters").words
    again = add(newsroom, "harbour-notes")
    assert (again.exit_code, str(again.exception)) == (1, "There is a newsletter by that id already.")


@pytest.mark.parametrize("what", ["name", "description", "rhythm"])
def test_its_words_stand_in_headers_so_each_is_one_line(newsroom: Newsroom, what: str) -> None:
    before = run_on(newsroom.world, "newsletters", "list").output
    for control in ("\r\nBcc: all@example.com", "\n", "\x1f", "\x85", "\u2028"):
        words = f"Harbour{control}Notes"
        refused = add(newsroom, "harbour-notes", **{what: words})
        assert refused.exit_code == 1, repr(control)
        assert f"The {what} of a newsletter is one line" in str(refused.exception), repr(control)
        with pytest.raises(IntegrityError, match="words_are_lines"):
            newsroom.world.execute(
                f"UPDATE newsletter SET {what} = :words WHERE id = 'first-light'", words=words
            )
    assert run_on(newsroom.world, "newsletters", "list").output == before


@pytest.mark.parametrize("newsletter_id", ["Harbour", "-x", "a b", "é", "x" * 41])
def test_its_id_is_a_word(newsroom: Newsroom, newsletter_id: str) -> None:
    assert run_on(newsroom.world, "newsletters", "add", "--", newsletter_id).exit_code == 2
    refused = run_on(
        newsroom.world,
        "newsletters",
        "add",
        *(word for pair in WORDS.items() for word in pair),
        "--",
        newsletter_id,
    )
    assert (refused.exit_code, "is a word for addresses" in str(refused.exception)) == (1, True)


def test_its_words_are_edited_and_it_is_retired_and_brought_back(newsroom: Newsroom) -> None:
    world = newsroom.world
    newsroom.people(2)
    edited = run_on(
        world, "newsletters", "edit", "first-light", "--rhythm", "Every day", "--reason", "weekends"
    )
    assert edited.output.startswith("first-light  First Light: Every day. What happened overnight")
    again = run_on(world, "newsletters", "edit", "first-light", "--rhythm", "Every day")
    assert (again.exit_code, str(again.exception)) == (1, "The newsletter has these words already.")
    retired = run_on(world, "newsletters", "retire", "first-light")
    assert retired.output == "First Light is retired; on its list, which is kept: 2.\n"
    listed = run_on(world, "newsletters", "list").output.splitlines()
    assert (
        listed[0] == "first-light  First Light: Every day; editorial, for everyone; retired since 2027-03-01"
    )
    again = run_on(world, "newsletters", "retire", "first-light")
    assert (again.exit_code, str(again.exception)) == (1, "This newsletter is retired already.")
    back = run_on(world, "newsletters", "restore", "first-light", "--reason", "readers asked")
    assert back.output == "First Light is published again; on its list: 2.\n"
    for command in ("edit", "retire", "restore"):
        assert run_on(world, "newsletters", command, "no-such-list").exit_code == 1
    lines = world.rows(
        "SELECT subject, reason, before, after FROM audit_line WHERE act = 'newsletter' ORDER BY id"
    )
    assert [(line["subject"], line["reason"]) for line in lines] == [
        ("first-light", reason) for reason in ("weekends", "by a command", "readers asked")
    ]
    assert [(line["before"], line["after"]) for line in lines] == [
        ({"rhythm": "Weekdays at six"}, {"rhythm": "Every day"}),
        ({"retired": False}, {"retired": True}),
        ({"retired": True}, {"retired": False}),
    ]
