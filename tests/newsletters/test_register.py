"""The national opt-out register: an operator compares the promotional lists with it each month (C4, CPA-5)."""

from pathlib import Path

import pytest
from click.testing import Result

from tests.support.cli import run_on
from tests.support.newsroom import Newsroom

BLOCKED = "newsletter:first-light"


@pytest.fixture
def shop(newsroom: Newsroom) -> Newsroom:
    """A newsroom whose First Light is promotional, with three readers on its list, and the same three on an editorial one."""
    newsroom.world.execute("UPDATE newsletter SET kind = 'promotional' WHERE id = 'first-light'")
    newsroom.people(3)
    newsroom.people(3, "the-long-read")
    return newsroom


def compare(newsroom: Newsroom, *named: str) -> Result:
    """`billing newsletters compare -`, with what the register named."""
    return run_on(
        newsroom.world, "newsletters", "compare", "-", stdin="".join(f"{each}\r\n" for each in named).encode()
    )


def reached(newsroom: Newsroom, newsletter: str) -> int:
    """How many an issue, sent now, arrives at."""
    return newsroom.counts(newsroom.send(newsletter=newsletter)).get("sent", 0)


def test_whom_the_register_names_gets_no_marketing_and_all_else(shop: Newsroom, tmp_path: Path) -> None:
    asked = run_on(shop.world, "newsletters", "marketed").output.splitlines()
    assert asked == [f"reader-000{number}@readers.example" for number in (1, 2, 3)]
    answered = tmp_path / "answered.txt"
    answered.write_text("\ufeffReader-0002@Readers.example\n\nnobody@example.com\n", encoding="utf-8")
    done = run_on(shop.world, "newsletters", "compare", str(answered))
    assert done.output == (
        "Compared: First Light. 2 get no marketing from now on, 0 got none before, 0 want it all the same.\n"
    )
    assert shop.suppressions() == [(BLOCKED, "register")] * 2
    assert reached(shop, "first-light") == 2
    assert reached(shop, "the-long-read") == 3
    assert len(shop.arrived_for("reader-0002@readers.example")) == 1, "the editorial one"

    again = run_on(shop.world, "newsletters", "compare", str(answered))
    assert "0 get no marketing from now on, 2 got none before, 0 want it" in again.output
    shown = run_on(shop.world, "suppressions", "show", "reader-0002@readers.example").output
    assert shown == f"{BLOCKED}  register  since 2027-03-01  the opt-out register\n"


def test_a_month_later_the_lists_are_to_be_compared_again(shop: Newsroom) -> None:
    assert compare(shop).exit_code == 0, "a register that names nobody is an answer"
    shop.world.advance(days=31)
    assert reached(shop, "first-light") == 3
    shop.world.advance(minutes=1)
    with pytest.raises(Exception, match=r"opt-out register within 31 days \(billing newsletters compare\)"):
        shop.send(newsletter="first-light")
    assert compare(shop, "reader-0001@readers.example").exit_code == 0
    assert reached(shop, "first-light") == 2


def test_a_later_yes_by_mail_counts_for_more_and_is_not_blocked_again(shop: Newsroom) -> None:
    address = "thandi@example.com"
    shop.add_reader(address)
    compare(shop, address)
    shop.join(address)
    assert shop.suppressions() == [(BLOCKED, "register")], "a tick alone doesn't lift it"
    assert reached(shop, "first-light") == 3
    shop.world.settle()
    reader = shop.world.browser()
    reader.get(shop.world.mailed_link(address, "/newsletters/confirm/"))
    reader.post("/newsletters/confirm")
    assert shop.suppressions() == []
    again = compare(shop, address)
    assert "0 get no marketing from now on, 0 got none before, 1 want it all the same" in again.output
    assert reached(shop, "first-light") == 4


def test_staff_lift_a_block_with_a_reason_that_stays(shop: Newsroom) -> None:
    address = "reader-0001@readers.example"
    compare(shop, address)
    lift = ("suppressions", "lift", address, "--scope", BLOCKED, "--reason", "asked for it in writing")
    assert run_on(shop.world, *lift).exit_code == 0
    assert "1 want it all the same" in compare(shop, address).output
    (row,) = shop.world.rows("SELECT lifted_by FROM suppression")
    assert row["lifted_by"] == "command: asked for it in writing"


def test_one_line_that_is_no_address_and_nothing_is_changed(shop: Newsroom) -> None:
    refused = compare(shop, "reader-0001@readers.example", "", "name,reader-0002@readers.example")
    assert refused.exit_code == 1
    assert "Line 3 is no address" in str(refused.exception)
    assert "Nothing has been changed" in str(refused.exception)
    assert shop.suppressions() == []
    (row,) = shop.world.rows("SELECT opt_outs_checked_at FROM newsletter WHERE id = 'first-light'")
    assert row["opt_outs_checked_at"] is None


def test_where_nothing_is_promotional_there_is_nothing_to_compare(newsroom: Newsroom) -> None:
    newsroom.people(1)
    assert run_on(newsroom.world, "newsletters", "marketed").output == ""
    refused = compare(newsroom, "reader-0001@readers.example")
    assert refused.exit_code == 1
    assert "No newsletter is promotional" in str(refused.exception)
    assert newsroom.suppressions() == []


def test_a_list_begun_later_is_compared_before_it_sends(shop: Newsroom) -> None:
    compare(shop, "reader-0001@readers.example")
    shop.world.advance(days=1)
    shop.world.execute("UPDATE newsletter SET kind = 'promotional' WHERE id = 'the-long-read'")
    done = compare(shop, "reader-0001@readers.example")
    assert "Compared: First Light, The Long Read. 1 get no marketing" in done.output
    assert shop.suppressions() == [(BLOCKED, "register"), ("newsletter:the-long-read", "register")]
